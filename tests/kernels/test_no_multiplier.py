# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels, optimised for a CPU that cannot multiply, call nothing that could.

The lint sees what is written, this what a compiler makes of it: HLS compilers optimise with LLVM
too, and LLVM turns a sum of equal terms into a product. RISC-V without its M extension has neither
multiplication, division nor floating point: what needs them becomes a call.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT
from fewmult_hls.hardware.source.reading import kernel_names

pytest.importorskip("clang.cindex", reason="needs libclang from PyPI")

from hls_lint import HEADERS

TARGETS = {"riscv32": "rv32i", "riscv64": "rv64i"}
COPIES = {"memcpy", "memset"}  # a loop over a memory, for an HLS compiler


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the headers that kernels include: there is no system for this CPU."""
    folder = tmp_path_factory.mktemp("headers")
    for name, text in HEADERS.items():
        (folder / name).write_text("#pragma once\n" + text + "\n")
    return folder


def calls(source: Path, headers: Path, target: str) -> set[str]:
    """The functions that the optimised code of a source calls and does not hold."""
    compiler = shutil.which("clang++")
    if compiler is None:
        pytest.skip("needs clang++")
    command = [compiler, f"--target={target}", f"-march={TARGETS[target]}", "-std=c++14", "-O2"]
    command += ["-w", "-nostdinc", f"-isystem{headers}", f"-I{ROOT}", "-S", "-o-", source]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if "unable to create target" in built.stderr:
        pytest.skip("this clang++ knows no RISC-V")
    assert (built.returncode, built.stderr) == (0, "")
    called = set(re.findall(r"^\s+(?:call|tail)\s+(\w+)", built.stdout, re.MULTILINE))
    return called - set(re.findall(r"^(\w+):", built.stdout, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kernel", kernel_names())
def test_kernels_need_none(kernel: str, target: str, headers: Path) -> None:
    top = ROOT / "kernels" / f"{kernel}_top.cpp"
    assert calls(top, headers, target) <= COPIES


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("return n * n;", "__mulsi3"),
        ("int sum = 0; for (int k = 0; k < n; ++k) sum += m; return sum;", "__mulsi3"),
        ("return rows[n].a[0] / m;", "__divsi3"),
        ("return n + 0.5F > m;", "__addsf3"),
        ("for (int k = 0; k < n; ++k) rows[k].a[m] = outside(k); return 0;", "_Z7outsidei"),
    ],
)
def test_what_needs_one_is_seen(body: str, called: str, headers: Path, tmp_path: Path) -> None:
    source = tmp_path / "needs.cpp"
    declared = "struct Row { int a[4]; }; extern Row rows[16]; int outside(int k);"
    source.write_text(f"{declared} int needs(int n, int m);\nint needs(int n, int m) {{ {body} }}")
    assert called in calls(source, headers, "riscv32")
