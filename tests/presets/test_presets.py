# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Presets: whole configs, listed, overridden by a file and by options."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import assert_one_line, summary
from fewmult_hls import datasets, train
from fewmult_hls.cli.commands import run
from fewmult_hls.presets import load_preset, names
from fewmult_hls.runs.config import RunConfig, load_config
from fewmult_hls.runs.plan import defaults

DIGITS = datasets.load("digits")


def test_the_issue_names_are_there() -> None:
    assert names() == ["digits", "mnist-paper", "mnist-quick"]


@pytest.mark.parametrize("name", names())
def test_each_is_a_config_that_a_run_can_have(name: str) -> None:
    preset = load_preset(name)
    config = RunConfig(**{**defaults(preset.values["method"]), **preset.values})
    assert config.spec.widths[0] == {"digits": 64, "mnist": 784}[config.dataset]
    assert preset.description
    assert "\n" not in preset.description


def test_the_list_shows_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["presets"]) == 0
    output = capsys.readouterr().out
    for name in names():
        preset = load_preset(name)
        assert f"{name}: {preset.description}\n" in output
        for key, value in preset.values.items():
            assert f"  {key} = {value}\n" in output


def test_options_override_a_file_and_a_file_a_preset(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("epochs = 2\nseed = 5\n")
    out = tmp_path / "out"
    options = ["--preset", "digits", "--config", str(tmp_path / "mine.toml"), "--seed", "7"]
    assert run(["train", *options, "--net", "64-16-10", "--out", str(out)]) == 0
    found = load_config(out / "config.toml")
    expected = {**defaults("ternary-qbp"), **load_preset("digits").values}
    expected |= {"epochs": 2, "seed": 7, "net": "64-16-10"}
    assert {name: found[name] for name in expected} == expected


def test_a_preset_and_its_settings_are_one_run(tmp_path: Path) -> None:
    options = ["--net", "64-16-10", "--epochs", "2"]
    assert run(["train", "--preset", "digits", *options, "--out", str(tmp_path / "a")]) == 0
    config = load_config(tmp_path / "a" / "config.toml")
    rate = ["--rate", str(config["rate_exponent"])]
    assert run(["train", *rate, *options, "--out", str(tmp_path / "b")]) == 0
    with train(preset="digits", net="64-16-10", epochs=2) as net:
        prints = [summary(tmp_path / name)["fingerprint"] for name in "ab"]
        assert prints == [net.summary["fingerprint"]] * 2
    with train(DIGITS, preset="digits", net="64-16-10", epochs=2) as net:
        assert net.summary["fingerprint"] == prints[0]


def test_an_unknown_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--preset", "imagenet"]) == 2
    assert_one_line(capsys.readouterr().err, "no preset 'imagenet'", "digits or mnist-paper")
