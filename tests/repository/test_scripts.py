# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The scripts of a checkout; those that are written by a command are tested with it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from checkout import HARDWARE, ROOT

SCRIPTS = [
    HARDWARE / "armhf" / "rehearse.sh",
    ROOT / "pyhost" / "fewmult_hls" / "hardware" / "deploy" / "deploy.sh",
    ROOT / ".ci" / "run",
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_clean(script: Path) -> None:
    if not script.is_file():
        pytest.skip("needs a checkout")
    subprocess.run(["bash", "-n", script], check=True)
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed; bash -n has passed")
    subprocess.run([shellcheck, "--severity=style", script], check=True)


def test_rehearsal_names_what_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPTS[0], tmp_path / "no.whl"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: there is no {tmp_path}/no.whl: make it with 'make board-wheel'\n"
    assert list(tmp_path.iterdir()) == []
