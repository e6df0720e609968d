# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""packed_words.hpp: where word columns begin, and bursts of packed words, for who uses them."""

from __future__ import annotations

from dataclasses import replace

from ..rows import KernelArray, Kernels, Loop, Process
from ..sizes import WORD, Count, always

_FILE = "packed_words.hpp"
_ARRAYS = {"sign": WORD}  # masks go by the same port


def find_columns(kernels: Kernels, entries: Count) -> Loop:
    """The loop that finds them, once for every entry."""
    return Loop(_FILE, kernels, "find_columns", entries, lambda s: s.words * entries(s))


def load_rows(kernels: Kernels, entries: Count, trips: Count, process: Process) -> Loop:
    """The loop that brings signs and then masks, each so often; they share a port."""
    return replace(_rows("load_rows", kernels, entries, trips, process), reads=_ARRAYS)


def shifted_rows(kernels: Kernels, process: Process) -> tuple[Loop, ...]:
    """Those that bring words which begin in the middle of memory's: no dense layer's do."""
    never = always(0)
    return tuple(
        replace(_rows(name, kernels, never, never, process), reads=_ARRAYS)
        for name in ("load_upper", "add_lower")
    )


def store_rows(kernels: Kernels, entries: Count, trips: Count, process: Process | None) -> Loop:
    """The loop that takes them to memory."""
    return replace(_rows("store_rows", kernels, entries, trips, process), writes=_ARRAYS)


def _rows(
    function: str,
    kernels: Kernels,
    entries: Count,
    trips: Count,
    process: Process | None,
) -> Loop:
    return Loop(
        _FILE,
        kernels,
        function,
        lambda s: 2 * entries(s),
        lambda s: 2 * trips(s),
        process=process,
    )


def arrays(kernels: Kernels) -> tuple[KernelArray, ...]:
    """Where columns begin."""
    return (KernelArray(_FILE, kernels, "int first[kMaxColumns];"),)
