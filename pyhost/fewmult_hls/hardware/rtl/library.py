# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Verilog of a kernel to a library: Verilator makes C++ of it, the harness goes around it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...system.errors import FewmultError, UsageError
from ...system.files import read_file, write_atomic, writing
from ..source.interfaces import Interface

_HARNESS = Path(__file__).parent / "harness"
_LEAST = (5, 6)  # the version of Verilator
_LARGEST = 1 << 28  # bytes of a file of Verilog
# As make and shells say it.
_NOT_FOUND = re.compile(
    r"^(?:make|sh|[/\w]*/(?:ba|da)?sh)(?:\[\d+\])?: (?:(?:line )?\d+: )?([\w.+-]+): "
    r"(?:command not found|not found|No such file or directory)$",
    re.M,
)
_PLAIN = re.compile(r"/[A-Za-z0-9_./-]+")
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
    "--Mdir",
    ".",
    "-CFLAGS",
    "-std=c++17 -O2 -fPIC -fvisibility=hidden -DVL_USER_FATAL -I.",
    "-LDFLAGS",
    "-shared",
)


def find_tops(folder: Path, kernels: list[str]) -> dict[str, Path]:
    """The files KERNEL_top.v in a folder, at any depth, of which there are any.

    Args:
        folder: as ``fewmult-hls build`` leaves it, or any other with Verilog in it.
        kernels: names to look for.

    Raises:
        UsageError: there is none, or one is there twice.
        FewmultError: one cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} with Verilog in it")
    tops: dict[str, Path] = {}
    for kernel in kernels:
        # Vitis HLS leaves the same file in several folders; its copies are the same.
        found = sorted(folder.rglob(f"{kernel}_top.v"))
        if len({read_file(path, _LARGEST) for path in found}) > 1:
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
        folder: where the library goes.

    Returns:
        The library, for ``RtlKernel``.

    Raises:
        FewmultError: Verilator, make or a C++ compiler is not here, one of them fails, or the
            Verilog is none.
    """
    _check_verilator()
    library = folder / f"{interface.name}.so"
    with tempfile.TemporaryDirectory(prefix="fewmult-rtl-", dir=_workplace(folder)) as name:
        place = Path(name)
        sources = _gathered(interface, top, place)
        options = ("--top-module", interface.top, "--prefix", "Vkernel", "-o", library.name)
        done = _run(["verilator", *_FLAGS, *options, *sources, "harness.cpp"], place)
        if done.returncode:
            said = done.stderr + done.stdout
            raise FewmultError(_reason(said, f"{interface.top} of {top.parent}", place))
        with writing(library):
            shutil.move(place / library.name, library)
    return library


def _workplace(folder: Path) -> Path:
    """The folder, or another if make cannot work in it: no Makefile can name a space or a dollar.

    Raises:
        FewmultError: none of those that are there can be used.
    """
    for place in (folder, Path("/tmp"), Path("/var/tmp")):
        if _PLAIN.fullmatch(str(place.resolve())) and os.access(place, os.W_OK | os.X_OK):
            return place
    raise FewmultError(
        f"Verilator cannot work in {folder}: set TMPDIR to a folder "
        "whose path is of letters, digits, '.', '_', '-' and '/'"
    )


def _check_verilator() -> None:
    for tool, least in (("verilator", " (5.006 or later)"), ("make", "")):
        if shutil.which(tool) is None:
            raise FewmultError(
                f"--device rtl needs {tool}, which is not on PATH: "
                f"install the package {tool} of your system{least}"
            )
    answer = _run(["verilator", "--version"])
    found = re.match(r"Verilator (\d+)\.(\d+)", answer.stdout)
    if not found:
        said = _first_line(answer.stderr + answer.stdout)
        raise FewmultError(f"verilator does not run: `verilator --version` says {said!r}")
    if (int(found[1]), int(found[2])) < _LEAST:
        raise FewmultError(
            f"verilator on PATH is {found[1]}.{found[2]}, and --device rtl needs 5.006 or later"
        )


def _gathered(interface: Interface, top: Path, place: Path) -> list[str]:
    """Copies all that is compiled, under names that are neither options nor more than one word."""
    texts = {path: read_file(path, _LARGEST) for path in sorted(top.parent.glob("*.v"))}
    headers = {path: read_file(path, _LARGEST) for path in top.parent.glob("*.vh")}
    names: list[str] = []
    with writing(place):
        for path, text in texts.items():
            name = re.sub(r"[^A-Za-z0-9_.]", "_", path.name)
            names.append(name if name not in names else f"file{len(names)}.v")
            write_atomic(place / names[-1], text)
        for path, text in headers.items():
            write_atomic(place / path.name, text)  # by the name that the others include
        for path in _HARNESS.glob("*.[ch]pp"):
            shutil.copyfile(path, place / path.name)
        # What the harness cannot know: the ports.
        bundles = " ".join(f"X({bundle})" for bundle in interface.bundles)
        write_atomic(place / "bundles.hpp", f"#define RTL_BUNDLES {bundles}\n")
    return names


def _run(command: Sequence[str], place: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=place, capture_output=True, encoding="utf-8", errors="backslashreplace"
    )


def _reason(said: str, what: str, place: Path) -> str:
    """Whose fault it was: the disk's, the Verilog's, or the compiler's."""
    if "No space left on device" in said:
        return f"there is no space left in {place}: free some, or set TMPDIR to another folder"
    # Verilator reports its own make as an error, too.
    of_verilog = re.search(r"^%Error(?!: make |: Command Failed).*", said, re.M)
    if of_verilog:
        return f"Verilator makes nothing of {what}: {of_verilog[0]}"
    missing = _NOT_FOUND.search(said)
    if missing:
        return f"Verilator needs {missing[1]}, which is not on PATH: install it"
    of_compiler = re.search(r"^.*\b[Ee]rror\b.*", said, re.M)
    return (
        f"the C++ compiler fails on what Verilator makes of {what}: "
        f"{of_compiler[0] if of_compiler else _first_line(said)}"
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
