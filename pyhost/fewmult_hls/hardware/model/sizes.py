# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The sizes that costs are counted from: a call's, and those of the fabric's arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from ...contract.calls import Call, Normalize, Product, ShiftGradient, Windowed
from ...contract.layouts import word_columns
from ...contract.window import Window
from ..source.constants import constants
from .walks import Walks, backward_walks, forward_walks

Tile = Mapping[str, int]  # constants of the sources by name


class Sizes:
    """What the counts of a call's loops are made of.

    Args:
        call: the call.
        tile: constants of the sources by name.
    """

    def __init__(self, call: Call, tile: Tile) -> None:
        self.call, self.tile = call, tile
        numbers = call.numbers()
        self.inputs, self.outputs = numbers.get("inputs", 0), numbers.get("outputs", 0)
        self.batch = 1 << numbers.get("log2_batch", 0)
        self.master_bytes = numbers.get("master_bits", 0) >> 3
        self.words = word_columns(self.inputs)
        self.packed = self.words * self.outputs  # words of the layer's weights

    @property
    def product(self) -> Product:
        """The call, of a kernel with a product."""
        assert isinstance(self.call, Product)
        return self.call

    @cached_property
    def units(self) -> int:
        """Whose sums are computed."""
        assert isinstance(self.call, Product | Normalize)
        return self.call.units

    @cached_property
    def window(self) -> Window:
        """Where it lies: once on rows of values, where a call says nothing else."""
        if isinstance(self.call, Windowed):
            return self.call.window
        return Window(self.inputs, 1, 1, 1, 1)

    @cached_property
    def walks(self) -> Walks:
        """What the places of a product or a gradient see."""
        if isinstance(self.call, Product) and self.call.sends_back:
            return backward_walks(self.window, self.outputs)
        return forward_walks(self.window)

    @cached_property
    def places(self) -> int:
        """Places that a call makes."""
        return 1 if isinstance(self.call, Normalize) else self.walks.places

    @cached_property
    def visits(self) -> int:
        """Visits of places by a gradient: two of each where activations have a sign."""
        is_signed = isinstance(self.call, ShiftGradient) and self.call.signed_inputs
        return 2 * self.places if is_signed else self.places

    @property
    def of_place(self) -> int:
        """Units whose sums are computed at each place."""
        return self.units // self.places

    @property
    def elements(self) -> int:
        """Elements of the result: units times examples."""
        return self.units * self.batch


Count = Callable[[Sizes], int]


def sizes_of(call: Call) -> Sizes:
    """The sizes of a call, with the constants of the sources."""
    return Sizes(call, constants())


def always(number: int) -> Count:
    """The same in every call."""
    return lambda sizes: number


WORD = always(8)  # bytes of what a port moves in a cycle


def parts(count: int, most: int) -> list[int]:
    """How many are in each part, of which only the last may be smaller."""
    return [min(most, count - first) for first in range(0, count, most)]


def power_of_two(rows: int, least: int) -> int:
    """The next one, so that a flat loop tells row and pass apart by shifts."""
    return max(least, 1 << (rows - 1).bit_length())


def units(sizes: Sizes) -> int:
    """Whose sums a call computes."""
    return sizes.units


def elements(sizes: Sizes) -> int:
    """Elements of the result: units times examples."""
    return sizes.elements
