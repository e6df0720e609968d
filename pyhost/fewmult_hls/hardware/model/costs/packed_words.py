# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""packed_words.hpp: where word columns begin, and rows of packed words, for those who use them."""

from __future__ import annotations

from ..rows import KernelArray, Kernels, Loop, Process
from ..sizes import WORD, Count

_FILE = "packed_words.hpp"
_ARRAYS = ("sign", "mask")


def find_columns(kernels: Kernels, entries: Count) -> Loop:
    """The loop that finds them, once for every entry."""
    return Loop(_FILE, kernels, "find_columns", 0, entries, lambda s: s.words * entries(s))


def load_rows(kernels: Kernels, entries: Count, trips: Count, process: Process) -> tuple[Loop, ...]:
    """The loops that bring signs, and masks."""
    return tuple(
        Loop(
            _FILE,
            kernels,
            "load_rows",
            number,
            entries,
            trips,
            reads={array: WORD},
            process=process,
        )
        for number, array in enumerate(_ARRAYS)
    )


def store_rows(
    kernels: Kernels, entries: Count, trips: Count, process: Process
) -> tuple[Loop, ...]:
    """The loops that take them to memory."""
    return tuple(
        Loop(
            _FILE,
            kernels,
            "store_rows",
            number,
            entries,
            trips,
            writes={array: WORD},
            process=process,
        )
        for number, array in enumerate(_ARRAYS)
    )


def arrays(kernels: Kernels) -> tuple[KernelArray, ...]:
    """Rows, of which the next are filled while one is used, and where columns begin."""
    rows = (KernelArray(_FILE, kernels, f"Word {array}[kRows];", copies=2) for array in _ARRAYS)
    return (*rows, KernelArray(_FILE, kernels, "int first[kMaxColumns];"))
