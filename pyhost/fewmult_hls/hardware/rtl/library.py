# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of a kernel to a library: Verilator makes C++ of it, the harness goes around it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ...errors import FewmultError, UsageError
from ..interfaces import Interface

_HARNESS = Path(__file__).parent / "harness"
_FLAGS = (
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "-Wno-fatal",
    "--no-timing",
    # What no reset sets is anything, and anything that reaches the result shows.
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
)


def find_tops(folder: Path, kernels: list[str]) -> dict[str, Path]:
    """The files KERNEL_top.v in a folder, at any depth, of which there are any.

    Args:
        folder: as ``fewmult-hls build`` leaves it, or any other with Verilog in it.
        kernels: names to look for.

    Raises:
        UsageError: there is none, or one is there twice.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} with Verilog in it")
    tops: dict[str, Path] = {}
    for kernel in kernels:
        # Vitis HLS leaves the same file in several folders; its copies are the same.
        found = sorted(folder.rglob(f"{kernel}_top.v"))
        if len({path.read_bytes() for path in found}) > 1:
            raise UsageError(
                f"{found[0]} and {found[1]} are not the same: name the folder of one of them"
            )
        if found:
            tops[kernel] = found[0]
    if not tops:
        names = ", ".join(f"{kernel}_top.v" for kernel in kernels)
        raise UsageError(f"{folder} has no Verilog of a kernel: none of {names}")
    return tops


def verilate(interface: Interface, top: Path, folder: Path) -> Path:
    """Makes the library of a kernel.

    Args:
        interface: of the kernel.
        top: its KERNEL_top.v, with all its modules in the same folder.
        folder: where a folder with its name is made for what Verilator leaves.

    Returns:
        The library in it, for ``RtlKernel``.

    Raises:
        FewmultError: Verilator is not here, or refuses the Verilog.
    """
    if shutil.which("verilator") is None:
        raise FewmultError(
            "--device rtl needs Verilator, which is not on PATH: "
            "install the package verilator of your system (5.006 or later)"
        )
    sources = sorted(str(path) for path in top.parent.glob("*.v"))
    place = folder / f"{interface.name}.rtl"
    place.mkdir()
    # What the harness cannot know: the ports.
    bundles = " ".join(f"X({bundle})" for bundle in interface.bundles)
    (place / "bundles.hpp").write_text(f"#define RTL_BUNDLES {bundles}\n")
    library = place / f"{interface.name}.so"
    command = [
        "verilator",
        *_FLAGS,
        "--top-module",
        interface.top,
        "--prefix",
        "Vkernel",
        "--Mdir",
        str(place),
        "-CFLAGS",
        f"-std=c++17 -O2 -fPIC -fvisibility=hidden -DVL_USER_FATAL -I{_HARNESS}",
        "-LDFLAGS",
        "-shared",
        "-o",
        library.name,
        *sources,
        str(_HARNESS / "harness.cpp"),
    ]
    _run(command, f"{interface.top} of {top.parent}")
    return library


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr + done.stdout).splitlines()
        first = next((line for line in lines if "rror" in line), lines[-1] if lines else "")
        raise FewmultError(f"Verilator makes nothing of {what}: {first.strip()}")
