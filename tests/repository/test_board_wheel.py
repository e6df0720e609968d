# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The wheel for boards, which compile nothing: what is in it, and that it works as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from checkout import WHEELS, needs_wheel, takes_copies
from command import environment, fewmult, summary

pytestmark = needs_wheel


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip would unpack."""
    folder = tmp_path_factory.mktemp("board")
    with zipfile.ZipFile(WHEELS[-1]) as wheel:
        wheel.extractall(folder)
    return folder


def test_it_is_pure_python_and_holds_what_the_package_reads() -> None:
    assert WHEELS[-1].name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(WHEELS[-1]) as wheel:
        names = wheel.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        head = message_from_bytes(wheel.read(metadata))
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    for part in (
        "boards/pynq_z2.toml",
        "hardware/rtl/harness/harness.cpp",
        "hardware/build/templates/overlay.tcl",
        "presets/digits.toml",
        "report/templates/page.html.jinja",
        "sources/kernels/layer_top.cpp",
        "sources/testbench/layer_tb.cpp",
    ):
        assert f"fewmult_hls/{part}" in names
    required = head.get_all("Requires-Dist") or []
    assert "numpy>=1.21" in required, "the image's own numpy must do"
    assert not [text for text in required if "pynq" in text and "extra ==" not in text]


@takes_copies
def test_it_trains_without_anything_compiled(installed: Path, tmp_path: Path) -> None:
    options = ["--net", "64-16-10", "--epochs", "1", "--seed", "3"]
    assert fewmult("train", *options, "--out", tmp_path / "emu").returncode == 0
    code = "import fewmult_hls; print(fewmult_hls.__file__)"
    path = environment(PYTHONPATH=os.pathsep.join([str(installed), *sys.path]))
    # Isolated from an installation beside it: the unpacked wheel comes first.
    found = subprocess.run(
        [sys.executable, "-c", code], env=path, cwd=tmp_path, capture_output=True, text=True
    )
    assert str(installed) in found.stdout
    for backend, codes in {"numpy": 0, "emu": 1}.items():
        out = ["--backend", backend, "--out", str(tmp_path / backend / "run")]
        done = fewmult("train", *options, *out, env=path, cwd=tmp_path)
        assert done.returncode == codes, done.stderr
    assert "no compiled kernels" in done.stderr
    mine, other = summary(tmp_path / "numpy" / "run"), summary(tmp_path / "emu")
    assert mine["fingerprint"] == other["fingerprint"]


@takes_copies
def test_it_writes_build_plans(installed: Path, tmp_path: Path) -> None:
    path = environment(PYTHONPATH=os.pathsep.join([str(installed), *sys.path]))
    done = fewmult("build", "--out", tmp_path / "plan", "--plan-only", env=path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / "plan" / "fewmult.json").read_text())
    assert set(plan["kernels"]) == {"layer", "shift_gradient"}
