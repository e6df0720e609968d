# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the costs of a header are made of: loops, accesses, parts and arrays.

A row says which kernels have it and, where that differs, which passes reach it. What it does not
say is read from the sources: intervals, the sizes of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ...contract.calls import Call, Pass
from .sizes import Count, Sizes, Tile

# Cycles from the first iteration of a loop into its pipeline to its result, less one: what a loop
# takes beyond its iterations. Only a report of the tools knows them; these are assumed.
SHALLOW = 4  # an address, two cycles of a block RAM, a few gates
TREE = 8  # with a tree of additions behind it
GENERATOR = 12  # 13 rounds, two a cycle, and what is done with their bits

Kernels = tuple[str, ...]
Passes = tuple[Pass, ...]
TileCount = Callable[[Tile], float]

_ALL = tuple(Pass)


def one(tile: Tile) -> int:
    """One of it, whatever the tile."""
    return 1


class Process(NamedTuple):
    """A process of a DATAFLOW region: the others run meanwhile.

    Attributes:
        name: in its region.
        turns: of the region, in a call.
    """

    name: str
    turns: Count


@dataclass(frozen=True)
class _Reached:
    """What some calls of some kernels reach.

    Attributes:
        file: of the sources.
        kernels: that have it.
        passes: that reach it, where a kernel has some.
    """

    file: str
    kernels: Kernels
    passes: Passes = field(default=_ALL, kw_only=True)

    def when(self, call: Call) -> bool:
        """Whether a call reaches it."""
        return call.kernel in self.kernels and getattr(call, "pass_", _ALL[0]) in self.passes


@dataclass(frozen=True)
class Loop(_Reached):
    """A pipelined loop.

    Attributes:
        function: that it stands in.
        entries: how often a call enters it.
        trips: how often a call runs its body, over all entries.
        number: of the function's pipelined loops, from 0; of all functions of that name.
        depth: of its pipeline.
        reads: bytes that a run of the body takes from each array in memory.
        writes: bytes that it leaves there.
        process: that it is in, of a DATAFLOW region.
        joins_at_places: whether it is in it only where there are several visits of places, else
            before it.
    """

    function: str
    entries: Count
    trips: Count
    number: int = 0
    depth: int = SHALLOW
    reads: Mapping[str, Count] = field(default_factory=dict)
    writes: Mapping[str, Count] = field(default_factory=dict)
    process: Process | None = None
    joins_at_places: bool = False

    def process_in(self, sizes: Sizes) -> Process | None:
        """The process that it is in, in a call of these sizes."""
        return None if self.joins_at_places and sizes.visits == 1 else self.process

    @property
    def key(self) -> tuple[str, str, int]:
        """Where it is."""
        return self.file, self.function, self.number

    @property
    def name(self) -> str:
        """What people read of it."""
        where = f"{self.file.rpartition('.')[0]}: {self.function}"
        return f"{where}, loop {self.number + 1}" if self.number else where


@dataclass(frozen=True)
class Access(_Reached):
    """An access to memory outside pipelined loops: alone, and waited for.

    Attributes:
        text: of the expression.
        number: of its occurrences in the file, from 0.
        count: how often a call does.
        array: that is accessed.
        bytes: that move.
        writes: whether to memory.
    """

    text: str
    number: int
    count: Count
    array: str
    bytes: int
    writes: bool = False


@dataclass(frozen=True)
class Part:
    """Some pieces of arithmetic.

    Attributes:
        kernels: that have it.
        name: for people.
        piece: one of ``area.PIECES``.
        count: of them; a piece for another size counts as its share.
    """

    kernels: Kernels
    name: str
    piece: str
    count: TileCount


@dataclass(frozen=True)
class KernelArray:
    """An array of the kernels.

    Attributes:
        file: where it is declared.
        kernels: that have it.
        declaration: the text, from which its size is read.
        banks: into which it is partitioned; 0 if completely, into registers.
        copies: of the array.
        bits: of an element, if less than its type has are ever different.
    """

    file: str
    kernels: Kernels
    declaration: str
    banks: Callable[[Tile], int] = one
    copies: int = 1
    bits: int = 0


def adder_tree(terms: int, bits: int) -> float:
    """Additions of 32 bits that a tree comes to, each taken at the width of its sum.

    Args:
        terms: of the tree, whose pairs are summed already.
        bits: of the sum of a pair.
    """
    wide, pairs = 0, terms // 2
    while pairs > 1:
        pairs, bits = pairs // 2, bits + 1
        wide += pairs * bits
    return wide / 32


def registers(tile: Tile) -> int:
    """The banks of an array that is none any more."""
    return 0


@dataclass(frozen=True)
class Costs:
    """What stands in some headers.

    Attributes:
        loops: in the order in which the kernels run them.
        accesses: outside of those.
        parts: arithmetic.
        arrays: in registers, look-up tables or block RAM.
    """

    loops: tuple[Loop, ...] = ()
    accesses: tuple[Access, ...] = ()
    parts: tuple[Part, ...] = ()
    arrays: tuple[KernelArray, ...] = ()
