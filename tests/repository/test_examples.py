# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The programs in examples/ run as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from command import environment, summary


@pytest.mark.slow
def test_a_search_with_optuna(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="needs optuna: pip install optuna")
    program = ROOT / "examples/optuna_search.py"
    options = ["--trials", "8", "--epochs", "6", "--out", "search"]
    done = subprocess.run(
        [sys.executable, program, *options],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"trial (\d+) of 8: .*\nvalidation error (.*) %\n", done.stdout)
    assert found, done.stdout
    best = summary(tmp_path / "search" / f"trial-{found[1]}")
    assert f"{best['validation_error']:.2f}" == found[2]
    finished = [summary(path.parent) for path in tmp_path.glob("search/*/summary.json")]
    assert min(one["validation_error"] for one in finished) == best["validation_error"]
    assert len(finished) < 8, "none was ended early: the test shows nothing of pruning"
    assert f"test error {best['test_error_ternary']:.2f} %" in done.stdout
