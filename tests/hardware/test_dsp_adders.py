# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""DSP slices as adders: one tree of the product array, in look-up tables and in two slices."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from checkout import DOCS, HARDWARE, ROOT
from fewmult_hls.hardware.model.rows import adder_tree

pytestmark = pytest.mark.slow
TREES = HARDWARE / "rtl" / "dsp"
MODELS = Path("/usr/share/yosys/xilinx/cells_sim.v")  # of the slice: Debian's package yosys
needs_yosys = pytest.mark.skipif(shutil.which("yosys") is None, reason="needs Yosys")


def cells(top: str, folder: Path) -> list[dict[str, Any]]:
    """What Yosys makes of a tree; what a slice is not told to be it would infer, so -nodsp."""
    path = folder / f"{top}.json"
    synthesis = f"synth_xilinx -family xc7 -noiopad -noclkbuf -nodsp -flatten -top {top}"
    script = f"read_verilog -sv {TREES / top}.v; {synthesis}; write_json {path}"
    subprocess.run(["yosys", "-q", "-p", script], check=True, stdout=subprocess.DEVNULL)
    return list(json.loads(path.read_text())["modules"][top]["cells"].values())


@needs_yosys
def test_two_slices_take_the_place_of_a_tree(tmp_path: Path) -> None:
    tree = [cell["type"] for cell in cells("tree_lut", tmp_path)]
    lut = sum(kind.startswith("LUT") for kind in tree)
    assert lut == 67
    assert lut <= 32 * adder_tree(16, 9) == 74, "the model counts a look-up table a bit"
    slices = cells("tree_dsp", tmp_path)
    assert [cell["type"] for cell in slices] == ["DSP48E1"] * 2
    for cell in slices:
        assert cell["parameters"]["USE_MULT"] == "NONE"
        assert cell["parameters"]["USE_SIMD"] == "FOUR12"


@pytest.mark.skipif(
    shutil.which("verilator") is None or not MODELS.is_file(),
    reason="needs Verilator and Yosys' models of cells",
)
def test_both_trees_have_the_same_sums(tmp_path: Path) -> None:
    command = ["verilator", "--binary", "--timing", "-Wno-fatal", "-Wno-lint"]
    command += ["--top-module", "trees_tb", "--Mdir", str(tmp_path), "-o", "tb"]
    command += [str(path) for path in sorted(TREES.glob("*.v"))] + [str(MODELS)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    done = subprocess.run([tmp_path / "tb"], capture_output=True, text=True, timeout=60)
    assert "10000 sums, all equal" in done.stdout


def test_the_page_has_the_benchmark_s_rows(capsys: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "dsp_adders"}
    source = (ROOT / "benchmarks" / "dsp_adders.py").read_text(encoding="utf-8")
    exec(compile(source, "dsp_adders.py", "exec"), namespace)
    namespace["main"]()
    rows = re.findall(r"^\| .*", capsys.readouterr().out, re.MULTILINE)
    page = (DOCS / "hardware" / "estimate.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if re.match(r"\| \d+, \d+: ", line)]
    assert shown
    assert set(shown) <= set(rows)
