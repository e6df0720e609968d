# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels, compiled with a counter in every pipelined loop and at every lone access."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fewmult_hls.contract.calls import Call
from fewmult_hls.hardware.model.rows import Access
from fewmult_hls.hardware.source.interfaces import Interface
from fewmult_hls.hardware.source.reading import (
    kernel_names,
    kernel_sources,
    load_interface,
    source_root,
)

Loops = dict[tuple[str, str, int], tuple[int, int]]

_HEADER = """
#pragma once
#include <cstdint>
namespace counts {
extern std::int64_t numbers[1000];
inline bool count(int k) { return ++numbers[k]; }
}
"""
_SOURCE = '#include "counts.hpp"\nnamespace counts { std::int64_t numbers[1000]; }\n' + (
    'extern "C" std::int64_t* numbers() { return counts::numbers; }\n'
)
_BYTES = 1 << 22  # of every array; all zero: no count depends on data


class CountedKernels:
    """The tops of a copy of the sources that counts.

    Args:
        folder: where it is made; new.
        accesses: that are counted besides the loops.
    """

    def __init__(self, folder: Path, accesses: Iterable[Access]) -> None:
        kernels = folder / "kernels"
        shutil.copytree(source_root() / "kernels", kernels)
        pipelined = kernel_sources().pipelined
        self._loops = {key: 2 * k for k, key in enumerate(pipelined)}
        places = dict.fromkeys((a.file, a.text, a.number) for a in accesses)
        self._accesses = {place: 2 * len(self._loops) + k for k, place in enumerate(places)}
        # Accesses first, within their lines: loops are found by line.
        _count_accesses(kernels, self._accesses)
        for key, loop in pipelined.items():
            _count_loop(kernels / loop.file, loop.line - 1, self._loops[key])
        (folder / "counts.hpp").write_text(_HEADER)
        (folder / "counts.cpp").write_text(_SOURCE)
        self._library = _compile(folder)
        self._numbers = self._library.numbers

    def run(self, call: Call) -> tuple[Loops, dict[tuple[str, str, int], int]]:
        """Calls a top.

        Returns:
            Entries and runs of every pipelined loop, and how often each access was made.
        """
        self._numbers.restype = ctypes.POINTER(ctypes.c_int64)
        found = np.ctypeslib.as_array(self._numbers(), (1000,))
        found[:] = 0
        interface = load_interface(call.kernel)
        arguments = _arguments(interface, call)
        getattr(self._library, interface.top)(*arguments)
        loops = {key: (int(found[k]), int(found[k + 1])) for key, k in self._loops.items()}
        return loops, {place: int(found[k]) for place, k in self._accesses.items()}


def _count_accesses(kernels: Path, places: dict[tuple[str, str, int], int]) -> None:
    for (file, text, number), k in sorted(places.items(), key=lambda place: -place[0][2]):
        parts = (kernels / file).read_text().split(text)
        assert number + 1 < len(parts), f"{file} has no '{text}' number {number}"
        before, after = text.join(parts[: number + 1]), text.join(parts[number + 1 :])
        (kernels / file).write_text(f"{before}(::counts::count({k}), {text}){after}")


def _count_loop(path: Path, line: int, k: int) -> None:
    lines = path.read_text().splitlines()
    assert "for (" in lines[line]
    lines[line] = lines[line].replace("for (", f"if (::counts::count({k})) for (", 1)
    body = next(at for at in range(line, len(lines)) if lines[at].endswith("{"))
    lines[body] += f" ::counts::count({k + 1});"
    path.write_text("\n".join(lines) + "\n")


def _compile(folder: Path) -> ctypes.CDLL:
    library = folder / "kernels.so"
    tops = [folder / "kernels" / f"{name}_top.cpp" for name in kernel_names()]
    flags = ["-std=c++14", "-O1", "-w", "-shared", "-fPIC", f"-I{folder}"]
    include = ["-include", str(folder / "counts.hpp")]
    subprocess.run(
        ["g++", *flags, *include, *map(str, tops), str(folder / "counts.cpp"), "-o", str(library)],
        check=True,
    )
    return ctypes.CDLL(str(library))


def _arguments(interface: Interface, call: Call) -> list[object]:
    values = {**call.numbers(), "shift": 1}
    arguments: list[object] = []
    for argument in interface.arguments:
        if argument.kind == "scalar":
            arguments.append(values.get(argument.name, 0))
        else:
            arguments.append(np.zeros(_BYTES, np.uint8).ctypes.data_as(ctypes.c_void_p))
    return arguments
