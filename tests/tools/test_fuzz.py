# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``make fuzz`` itself: it finds what it is there to find."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import judging
from checkout import ROOT
from fewmult_hls.system.errors import FewmultError

TOOL = ROOT / "tools" / "fuzz"


def nothing() -> None:
    raise FewmultError("")


def fault() -> None:
    raise KeyError("facts")


def warning() -> None:
    warnings.warn("of a library", UserWarning, stacklevel=1)


@pytest.mark.parametrize("function", [nothing, fault, warning])
def test_a_reader_that_does_more_than_refuse(function: Callable[[], None]) -> None:
    with pytest.raises((judging.Finding, KeyError, UserWarning)):
        judging.call(function)


def test_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "SECONDS", 1)

    def forever() -> None:
        while True:
            pass

    with pytest.raises(judging.Finding, match="more than 1 s"):
        judging.call(forever)


def test_an_error_is_one_line_and_a_code() -> None:
    assert judging.command("presets") == 0
    assert judging.command("train", "--net", "x") == 2
    assert judging.command("evaluate", "/nowhere") in (1, 2)


def fuzz(*words: str, **environment: str) -> str:
    """What the tool says."""
    result = subprocess.run(
        [sys.executable, TOOL, *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, **environment},
    )
    assert not result.stderr
    assert result.returncode == ("0 targets failed" not in result.stdout)
    return result.stdout


@pytest.mark.slow
def test_a_round() -> None:
    said = fuzz("--cases", "5", "--target", "config.toml, repeated", "--target", "IDX labels")
    assert "10 cases, seeds 1 to 1: 0 targets failed" in said, said


@pytest.mark.slow
def test_a_fault_ends_in_its_smallest_example(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import fewmult_hls.datasets.idx as idx\nidx.shape = lambda *_: 1 // 0\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    said = fuzz("--cases", "2", "--seed", "7", "--target", "IDX labels", PYTHONPATH=path)
    assert "ZeroDivisionError" in said
    assert "Failing test case" in said or "Falsifying example" in said
    assert "2 cases, seeds 7 to 7: 1 targets failed" in said
