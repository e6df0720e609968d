# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""packed_words.hpp: where word columns begin, and rows of packed words, for those who use them."""

from __future__ import annotations

from functools import partial

from ..rows import KernelArray, Kernels, Loop, Process
from ..sizes import WORD, Count

_FILE = "packed_words.hpp"
_ARRAYS = ("sign", "mask")


def find_columns(kernels: Kernels, entries: Count) -> Loop:
    """The loop that finds them, once for every entry."""
    return Loop(_FILE, kernels, "find_columns", entries, lambda s: s.words * entries(s))


def rows(
    verb: str, kernels: Kernels, entries: Count, trips: Count, process: Process
) -> tuple[Loop, ...]:
    """The loops that bring signs and masks, or take them back: to ``load`` or to ``store``."""
    loop = partial(Loop, _FILE, kernels, f"{verb}_rows", entries, trips, process=process)
    return tuple(
        loop(number=number, reads={array: WORD})
        if verb == "load"
        else loop(number=number, writes={array: WORD})
        for number, array in enumerate(_ARRAYS)
    )


def arrays(kernels: Kernels) -> tuple[KernelArray, ...]:
    """Rows, of which the next are filled while one is used, and where columns begin."""
    rows = (KernelArray(_FILE, kernels, f"Word {array}[kRows];", copies=2) for array in _ARRAYS)
    return (*rows, KernelArray(_FILE, kernels, "int first[kMaxColumns];"))
