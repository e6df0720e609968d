# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel is right without its pragmas: they say how fast, never what."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from checkout import ROOT
from fewmult_hls.hardware.source.reading import kernel_names
from fewmult_hls.proof import golden

KERNELS = kernel_names()
PRAGMA = re.compile(r"[ \t]*#pragma HLS.*\n")
# No -Wno-unknown-pragmas: a pragma that is left is an error.
FLAGS = ["-std=c++14", "-O1", "-Wall", "-Wextra", "-Wconversion", "-pedantic-errors", "-Werror"]
# In hardware a memory begins with what the call before left in it.
GARBAGE = "-ftrivial-auto-var-init=pattern"
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]


def compile_cpp(compiler: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [compiler, *FLAGS, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def garbage() -> dict[str, list[str]]:
    """The flag that fills memories, for the compilers that know it: g++ from 12, clang from 8."""
    probe = [GARBAGE, "-E", "-x", "c++", os.devnull]
    return {
        name: [GARBAGE] if compile_cpp(name, Path(), *probe).returncode == 0 else []
        for name in COMPILERS
    }


@pytest.fixture(scope="module")
def stripped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with kernels without pragmas, the testbenches, and golden vectors."""
    folder = tmp_path_factory.mktemp("stripped")
    shutil.copytree(ROOT / "testbench", folder / "testbench")
    shutil.copytree(ROOT / "kernels", folder / "kernels")
    for path in (folder / "kernels").iterdir():
        path.write_text(PRAGMA.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    golden.write_golden(folder)
    return folder


def test_nothing_of_a_pragma_is_left(stripped: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (stripped / "kernels").iterdir())
    assert set(re.findall(r"#\s*pragma.*", text)) == {"#pragma once"}


@pytest.mark.slow
@pytest.mark.skipif(not COMPILERS, reason="needs g++ or clang++")
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_same_bits_without_pragmas(
    compiler: str, kernel: str, stripped: Path, garbage: dict[str, list[str]]
) -> None:
    name = f"{kernel}_{compiler}"
    sources = [f"testbench/{kernel}_tb.cpp", f"kernels/{kernel}_top.cpp"]
    built = compile_cpp(compiler, stripped, *garbage[compiler], "-I.", "-o", name, *sources)
    assert (built.returncode, built.stderr) == (0, "")
    bench = stripped / name
    result = subprocess.run([bench], cwd=stripped, capture_output=True, text=True, timeout=60)
    cases = len(golden.golden_cases(kernel))
    assert result.stdout == f"{kernel}: {cases} cases, all equal\n"
    assert (result.returncode, result.stderr) == (0, "")
