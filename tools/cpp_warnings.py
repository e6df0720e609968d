# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""All C++ of the repository, read by clang 18 with its warnings on.

``python tools/cpp_warnings.py BUILD [--resource-dir DIR]``. BUILD is a folder that CMake configured
for clang++ with ``CMAKE_EXPORT_COMPILE_COMMANDS``; a file that CMake does not compile has its flags
here. Prints a line for each warning, exit code 1 if there are any. libclang of PyPI brings no
headers: DIR has those of clang itself, by default the installed clang++'s. Intrinsics need those of
clang 18 (ziglang 0.13.0 of PyPI brings them, in ziglang/lib); without them a unit that has any is
named as not read.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clang import cindex

ROOT = Path(__file__).parents[1]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion"]
HARNESS = ROOT / "pyhost" / "fewmult_hls" / "hardware" / "rtl" / "harness"
OTHERS = {
    "benchmarks/threefry_rounds.cpp": ["-std=c++14", f"-I{ROOT}"],
    "tests/hardware/rtl/ports_test.cpp": ["-std=c++17", f"-I{HARNESS}"],
}
"""Units that no build of CMake has, and their flags."""
UNREADABLE = {f"{HARNESS.relative_to(ROOT)}/harness.cpp": "Verilator writes what it includes"}


class Unit(NamedTuple):
    """A translation unit, and how it is compiled."""

    path: Path
    flags: Sequence[str]


def units_of(build: Path) -> list[Unit]:
    """What a build compiles."""
    found = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        found.append(Unit(Path(entry["file"]), words[1 : words.index("-o")]))
    return found


def check(unit: Unit, resources: Path) -> tuple[list[str], str]:
    """The warnings of a unit, and why it could not be read; empty if it could."""
    flags = ["-resource-dir", str(resources), *WARNINGS, *unit.flags]
    said = cindex.Index.create().parse(str(unit.path), flags).diagnostics
    lines = [f"{d.location.file}:{d.location.line}: {d.spelling} {d.option}" for d in said]
    if any(Path(str(d.location.file)).is_relative_to(resources) for d in said):
        return [], f"clang's own headers are not of 18: {lines[0]}"
    return lines, ""


def default_resources() -> Path:
    """Where the installed clang++ has its own headers."""
    done = subprocess.run(["clang++", "-print-resource-dir"], check=True, stdout=subprocess.PIPE)
    return Path(done.stdout.decode().strip())


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Reads all C++ with clang 18, warnings on.")
    parser.add_argument("build", type=Path, help="configured by CMake for clang++")
    parser.add_argument("--resource-dir", type=Path, help="its include/ has clang's own headers")
    given = parser.parse_args()
    resources = given.resource_dir or default_resources()
    units = units_of(given.build)
    units += [Unit(ROOT / name, flags) for name, flags in OTHERS.items()]
    found: list[str] = []
    unread = dict(UNREADABLE)
    for unit in units:
        lines, reason = check(unit, resources)
        found += lines
        if reason:
            unread[os.path.relpath(unit.path, ROOT)] = reason
    print(*dict.fromkeys(found), *(f"not read: {p}: {why}" for p, why in unread.items()), sep="\n")
    print(f"{len(units) + len(UNREADABLE) - len(unread)} units read, {len(found)} warnings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
