# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The table of settings: what is made of its rows, and that a row is all that a new one needs."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import fewmult_hls
from checkout import takes_copies
from command import SMALL, assert_one_line, config_with, environment, fewmult, summary
from fewmult_hls.cli.train import train as command
from fewmult_hls.contract.method_names import FLOATING, METHODS
from fewmult_hls.runs.config import SETTINGS, RunConfig, changed
from fewmult_hls.runs.plan import defaults
from fewmult_hls.runs.settings import ENDLESS, Setting
from fewmult_hls.system.errors import UsageError

ROWS = SETTINGS.values()
BOUNDED = [row for row in ROWS if isinstance(row.allowed, range)]
NEW = """
    tint: str = setting(
        "Tint images.", default="never", allowed=("never", "half"), methods=tuple(SAMPLED),
        since="0.2.0", heading="tint {}",
    )
    blur: bool = setting("Blur images.", default=False, says="off", since="0.2.0")

"""


def test_every_row_is_an_option_and_a_keyword() -> None:
    options = {one.opts[0]: one for one in command.params if isinstance(one, click.Option)}
    keywords = inspect.signature(fewmult_hls.train).parameters
    for row in ROWS:
        if row.recorded:
            assert row.option not in keywords
            assert row.flag not in options
            continue
        assert options[row.flag].help == row.full_help
        assert row.option in keywords
        assert row.name in ("dataset", "start") or f"{row.option}: {row.full_help}" in str(
            fewmult_hls.train.__doc__
        )


@pytest.mark.parametrize("row", BOUNDED, ids=lambda row: row.name)
def test_ranges_end_where_they_say(row: Setting) -> None:
    assert isinstance(row.allowed, range)
    last = row.allowed.stop - 1
    for value in (row.allowed[0], last):
        row.check(value)
    for value in (row.allowed[0] - 1, last + 1):
        with pytest.raises(UsageError, match=f"{row.name} must be {row.allowed[0]} .*not {value}"):
            row.check(value)
    assert last < ENDLESS


@pytest.mark.parametrize("method", METHODS)
def test_a_run_of_defaults_can_be(method: str) -> None:
    values = defaults(method)
    config = config_with(**values)
    assert config.heading.startswith(f"{method}, ")
    assert (config.backend == "numpy") == (method in FLOATING)


def test_who_computes_changes_no_bit() -> None:
    one = vars(config_with())
    for row in ROWS:
        assert changed(one, {**one, row.name: "other"}) == (row.name if row.changes_bits else None)
    assert {row.name for row in ROWS if not row.changes_bits} == {
        *("dataset", "start", "backend", "checkpoint_every")
    }


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """The environment of a copy of the package with one more row."""
    folder = tmp_path / "copy/fewmult_hls"
    shutil.copytree(
        Path(fewmult_hls.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    path = folder / "runs/config.py"
    before, post_init, after = path.read_text().partition("    def __post_init__")
    assert post_init
    path.write_text(before.rstrip() + NEW + post_init + after)
    return environment(PYTHONPATH=str(tmp_path / "copy"))


@takes_copies
def test_a_row_is_a_setting(package: dict[str, str], tmp_path: Path) -> None:
    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        return fewmult(*map(str, arguments), cwd=tmp_path, env=package)

    shown = call("train", "--help").stdout
    assert "--tint [never|half]" in shown
    assert "--blur / --no-blur" in shown
    assert fewmult("train", *SMALL, "--out", "old", cwd=tmp_path).returncode == 0
    done = call("train", *SMALL, "--tint", "half", "--blur", "--out", "new")
    assert "16-bit masters, batch 128, seed 1, tint half\n" in done.stdout, done.stderr
    assert summary(tmp_path / "new")["tint"] == "half"
    assert 'tint = "half"\nblur = true\n' in (tmp_path / "new/config.toml").read_text()
    again = call("train", "--config", "new/config.toml", "--no-blur", "--out", "again")
    assert again.returncode == 0, again.stderr
    assert (summary(tmp_path / "again")["tint"], summary(tmp_path / "again")["blur"]) == (
        "half",
        False,
    )
    # What knows it not yet has its default.
    assert "tint: never and half" in call("compare", "old", "new").stdout
    for options, reason in (
        (["--tint", "often"], "'never', 'half'"),
        (["--tint", "half", "--method", "float"], "method float knows no tint: it is for"),
        (["--tint", "half", "--resume", "old"], "leave out --tint"),
    ):
        assert_one_line(call("train", *options).stderr, reason)
    script = "from fewmult_hls import train; print(train(tint='half', epochs=1).summary['tint'])"
    made = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=package, capture_output=True, check=True
    )
    assert made.stdout == b"half\n"


def test_arguments_repeat_a_value() -> None:
    assert SETTINGS["rate_exponent"].arguments(-3) == ["--rate", "-3"]
    row = Setting("", kind=bool, option="blur_all")
    assert [row.arguments(value) for value in (True, False)] == [["--blur-all"], ["--no-blur-all"]]


def test_a_config_is_typed() -> None:
    """Editors and type checkers see the table as fields."""
    assert list(inspect.signature(RunConfig).parameters) == list(SETTINGS)
