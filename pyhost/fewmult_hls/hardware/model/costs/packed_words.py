# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""packed_words.hpp: where word columns begin, and bursts of packed words, for who uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..rows import KernelArray, Kernels, Loop, Process
from ..sizes import WORD, Count, Sizes

_FILE = "packed_words.hpp"
_ARRAYS = {"sign": WORD}  # masks go by the same port


def find_columns(kernels: Kernels, entries: Count) -> Loop:
    """The loop that finds them, once for every entry."""
    return Loop(_FILE, kernels, "find_columns", entries, lambda s: s.words * entries(s))


def load_rows(
    kernels: Kernels, count: Callable[[Sizes, str], tuple[int, int]], process: Process
) -> tuple[Loop, ...]:
    """The loops that bring signs and then masks: of whole words, and of those that begin in one.

    Args:
        kernels: that have them.
        count: bursts and words of each kind.
        process: that they are in.
    """
    return tuple(
        replace(
            _rows(
                name,
                kernels,
                lambda s, kind=kind: count(s, kind)[0],  # type: ignore[misc]
                lambda s, kind=kind: count(s, kind)[1],  # type: ignore[misc]
                process,
            ),
            reads=_ARRAYS,
        )
        for name, kind in (("load_rows", "whole"), ("load_upper", "upper"), ("add_lower", "lower"))
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
