# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Presets: whole configs, listed, overridden by a file and by options."""

from __future__ import annotations

from pathlib import Path

import pytest

from colour_sets import cifar_batches, mat, svhn_arrays, write_all
from command import assert_one_line, summary
from fewmult_hls import datasets, train
from fewmult_hls.cli.commands import run
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.presets import load_preset, names
from fewmult_hls.runs.config import RunConfig, load_config
from fewmult_hls.runs.plan import defaults

DIGITS = datasets.load("digits")


def test_the_issue_names_are_there() -> None:
    colours = [f"{name}-{net}" for name in ("cifar10", "svhn") for net in ("paper", "small")]
    assert names() == sorted(["digits", "mnist-paper", "mnist-quick", *colours])


@pytest.mark.parametrize("name", names())
def test_each_is_a_config_that_a_run_can_have(name: str) -> None:
    preset = load_preset(name)
    config = RunConfig(**{**defaults(preset.values["method"]), **preset.values})
    spec, pixels = config.spec, {"digits": 64, "mnist": 784, "cifar10": 3072, "svhn": 3072}
    assert isinstance(spec, NetworkSpec)
    assert (spec.features, spec.classes) == (pixels[config.dataset], 10)
    config.augmentation.check(spec.plan.pixels)
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


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["cifar10-small", "svhn-small", "svhn-paper"])
def test_they_run_on_files_as_published(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step: few of the images are made here, in the formats that the sets come in."""
    pytest.importorskip("scipy.io")
    monkeypatch.setenv("FEWMULT_DATA", str(tmp_path))
    name, _ = preset.split("-")
    if name == "svhn":
        parts = {"train": 160, "test": 20}
        files = {f"{part}_32x32.mat": mat(svhn_arrays(n, n)) for part, n in parts.items()}
    else:
        files = cifar_batches(count=30)
    write_all(tmp_path / name, files)
    out = tmp_path / "run"
    options = ["--preset", preset, "--epochs", "1", "--threads", "1", "--out", str(out)]
    assert run(["train", *options]) == 0
    found = summary(out)
    assert (found["steps"], found["multiplications_per_step"]) == (1, 0)


def test_an_unknown_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--preset", "imagenet"]) == 2
    assert_one_line(
        capsys.readouterr().err, "no preset 'imagenet'", "cifar10-small or digits or mnist-paper"
    )
