# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What --backend pynq says where pynq is not installed, and that nothing asks for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from checkout import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from command import assert_one_line, environment, fewmult


def test_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pynq.py").write_text("raise ImportError('none here', name='pynq')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    options = ["train", "--backend", "pynq", "--device", "emulated", "--out", tmp_path / "run"]
    done = fewmult(*options, env=environment(PYTHONPATH=path))
    assert done.returncode == 1
    assert_one_line(done.stderr, "needs the package pynq", "pip install 'fewmult-hls[board]'")
    assert not (tmp_path / "run").exists()


def test_the_package_alone_does_not_ask_for_pynq() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [name for name in project["dependencies"] if "pynq" in name]
    extras = project["optional-dependencies"]
    assert [name for name in extras if any("pynq" in part for part in extras[name])] == ["board"]
