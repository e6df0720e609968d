# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The rows that a tile meets at each place, in blocks of 64, as kernels/window.hpp walks over them.

Places of which the window sees alike are walked over once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from ...contract.layouts import WORD_BITS
from ...contract.window import Window


class Piece(NamedTuple):
    """Rows of one run, within a block.

    Attributes:
        rows: how many.
        there: of these, those that are in the image, one behind the other.
        zeros: how many parts of what is left lie in front of them and behind.
        bit: sending back: of the run in the packed words, within one.
    """

    rows: int
    there: int
    zeros: int
    bit: int


class Block(NamedTuple):
    """Up to 64 rows: what the array has at a time."""

    rows: int
    pieces: tuple[Piece, ...]


class Walks(NamedTuple):
    """What all places of a call see.

    Attributes:
        places: how many there are.
        blocks: how often each occurs.
    """

    places: int
    blocks: Counter[Block]

    @property
    def loads(self) -> int:
        """Bursts of rows."""
        return self._sum(lambda piece: piece.there > 0)

    @property
    def rows_there(self) -> int:
        """Rows that are loaded."""
        return self._sum(lambda piece: piece.there)

    def clears(self, is_full: bool) -> int:
        """How often rows are cleared: all of a short block, or what is not there.

        Args:
            is_full: whether a row that is loaded has nothing left of another.
        """
        return sum(
            times * (sum(p.zeros for p in block.pieces) if _is_whole(block, is_full) else 1)
            for block, times in self.blocks.items()
        )

    def rows_cleared(self, is_full: bool) -> int:
        """The same, in rows."""
        return sum(
            times
            * (sum(p.rows - p.there for p in block.pieces) if _is_whole(block, is_full) else 64)
            for block, times in self.blocks.items()
        )

    @property
    def pieces_by_bit(self) -> dict[int, tuple[int, int]]:
        """Pieces and their rows, by the bit at which their packed words begin."""
        found: dict[int, tuple[int, int]] = {}
        for block, times in self.blocks.items():
            for piece in block.pieces:
                pieces, rows = found.get(piece.bit, (0, 0))
                found[piece.bit] = pieces + times, rows + times * piece.rows
        return found

    def _sum(self, of: Callable[[Piece], int]) -> int:
        return sum(times * sum(map(of, block.pieces)) for block, times in self.blocks.items())


def _is_whole(block: Block, is_full: bool) -> bool:
    return is_full and block.rows == WORD_BITS


@cache
def forward_walks(window: Window) -> Walks:
    """Rows of the image under the window, of a product forward and of a gradient."""
    run = window.tap_columns * window.channels
    is_one_run = window.tap_columns == window.columns and not window.padded
    found: Counter[Block] = Counter()
    lines = Counter(_seen(window.rows, window.tap_rows, window.row_padding, window, k)
                    for k in range(window.result_rows))  # fmt: skip
    runs = Counter(_seen(window.columns, window.tap_columns, window.column_padding, window, k)
                   for k in range(window.result_columns))  # fmt: skip
    for (above, below), down in lines.items():
        for (left, right), across in runs.items():
            sizes = (
                [(window.fan_in, 0, window.fan_in, 0)]
                if is_one_run
                else [
                    (run, left * window.channels, right * window.channels, 0)
                    if above <= line < below
                    else (run, 0, 0, 0)
                    for line in range(window.tap_rows)
                ]
            )
            for block in _blocks(sizes):
                found[block] += down * across
    return Walks(window.result_places, found)


def _seen(length: int, taps: int, padding: int, window: Window, place: int) -> tuple[int, int]:
    """The first tap that meets the image, and the one behind the last."""
    first = place * window.stride - padding
    return max(-first, 0), min(taps, length - first)


@cache
def backward_walks(window: Window, outputs: int) -> Walks:
    """Rows of the places from which each place was seen, of a product that is sent back."""
    found: Counter[Block] = Counter()
    rows = _visits(window.rows, window.tap_rows, window.row_padding, window.result_rows, window)
    columns = _visits(
        window.columns, window.tap_columns, window.column_padding, window.result_columns, window
    )
    for (lines, tap_row), down in rows.items():
        for (runs, tap), across in columns.items():
            sizes = []
            for line in range(lines):
                for run in range(runs):
                    met = (tap_row - line * window.stride) * window.tap_columns
                    bit = (met + tap - run * window.stride) * window.channels
                    sizes.append((outputs, 0, outputs, bit % WORD_BITS))
            for block in _blocks(sizes):
                found[block] += down * across
    return Walks(window.places, found)


def _visits(
    length: int, taps: int, padding: int, results: int, window: Window
) -> Counter[tuple[int, int]]:
    """Along an axis: from how many places each place was seen, and by which tap from the first."""
    found: Counter[tuple[int, int]] = Counter()
    first, tap = 0, padding
    for _ in range(length):
        last = min((tap + first * window.stride) // window.stride, results - 1)
        found[max(last - first + 1, 0), tap] += 1
        tap += 1
        if tap >= taps:
            first, tap = first + 1, tap - window.stride
    return found


def _blocks(runs: list[tuple[int, int, int, int]]) -> Iterator[Block]:
    """Runs of rows, of which a part is there, and their bits, cut into blocks."""
    pieces: list[Piece] = []
    room = WORD_BITS
    for rows, begin, end, bit in runs:
        at = 0
        while at < rows:
            some = min(rows - at, room)
            first, last = (min(max(edge - at, 0), some) for edge in (begin, end))
            zeros = (first > 0) + (last < some)
            pieces.append(Piece(some, last - first, zeros, bit))
            at, room = at + some, room - some
            if room == 0:
                yield Block(WORD_BITS, tuple(pieces))
                pieces, room = [], WORD_BITS
    if pieces:
        yield Block(WORD_BITS - room, tuple(pieces))
