# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""All kinds of layers, and the text that names a net of them: ``784-1024-10``."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from ..contract.limits import MAX_CLASSES, MAX_LAYERS
from ..system.errors import UsageError
from .base import Deltas, Kind, Layer, Position, Recipe, Signal
from .convolution import ConvolutionKind
from .dense import DenseKind
from .pixels import Pixels
from .pooling import PoolingKind

KINDS: tuple[type[Kind], ...] = (DenseKind, ConvolutionKind, PoolingKind)
"""Each has a file of its own; nothing else names them."""

_OUTPUT_DELTA_EXPONENT = -5


@dataclass(frozen=True)
class Plan:
    """A net as its text names it: what enters, and kinds of layers.

    Attributes:
        pixels: what enters.
        kinds: first to last.

    Raises:
        UsageError: there cannot be such a net.
    """

    pixels: Pixels
    kinds: tuple[Kind, ...]

    def __post_init__(self) -> None:
        if not self.kinds:
            raise UsageError("a net needs at least two widths, such as 64-10")
        if len(self.kinds) > MAX_LAYERS:
            raise UsageError(
                f"a net of {len(self.kinds):,} layers is too deep: take at most {MAX_LAYERS:,}"
            )
        if not self.kinds[-1].can_end:
            raise UsageError(f"net {self.name}: the last layer must be dense, such as 10")
        if self.signals[-1].image.size > MAX_CLASSES:
            raise UsageError(f"net {self.name}: at most {MAX_CLASSES} outputs, a label is a byte")

    @classmethod
    def read(cls, text: str) -> Plan:
        """The net that a text names.

        Raises:
            UsageError: it names none, or one that cannot be.
        """
        first, *words = text.split("-")
        pixels = Pixels.read(first)
        kinds = [_kind(word) for word in words]
        if pixels is None or None in kinds:
            raise UsageError(
                f"net {reprlib.repr(text)} is not widths joined by dashes, such as 64-256-10, "
                "or an image and layers, such as 3x32x32-32C3-P2-256-10"
            )
        return cls(pixels, tuple(kind for kind in kinds if kind is not None))

    @property
    def name(self) -> str:
        """The text of the net, in which nothing is written in two ways."""
        return "-".join([self.pixels.word, *(kind.word for kind in self.kinds)])

    def with_classes(self, classes: int) -> Plan:
        """The net with another output layer.

        Raises:
            UsageError: no net has so many classes.
        """
        return Plan.read("-".join([*self.name.split("-")[:-1], str(classes)]))

    @property
    def is_dense(self) -> bool:
        """Whether widths alone say all of it."""
        return not self.pixels.signed and all(isinstance(kind, DenseKind) for kind in self.kinds)

    @property
    def recipe(self) -> Recipe:
        """That the net trains with: of the first kind that has one."""
        return next((kind.recipe for kind in self.kinds if kind.recipe is not None), Recipe())

    @cached_property
    def signals(self) -> list[Signal]:
        """What enters each layer, and what leaves the last.

        Raises:
            UsageError: a layer cannot stand where it does.
        """
        found = [self.pixels.signal]
        for index, kind in enumerate(self.kinds):
            with self._named(index):
                found.append(kind.result(found[-1], index))
        return found

    @contextmanager
    def _named(self, index: int) -> Iterator[None]:
        """Whatever the block finds wrong with a layer says which one it is."""
        try:
            yield
        except UsageError as error:
            layer = f"layer {index + 1}, {self.kinds[index].word}"
            raise UsageError(f"net {self.name}: {layer}: {error}") from None

    def layers(self, *, binary: bool, master_bits: int, log2_batch: int) -> tuple[Layer, ...]:
        """The layers with their shifts, first to last (contract, section 10).

        Args:
            binary: whether samples of weights are -1 and 1, without 0.
            master_bits: of a weight.
            log2_batch: of the examples.

        Raises:
            UsageError: a layer cannot be trained with such a batch.
        """
        deltas, recipe = Deltas(_OUTPUT_DELTA_EXPONENT), self.recipe
        layers: list[Layer] = []
        depth = sum(kind.has_weights for kind in self.kinds)
        last = len(self.kinds) - 1
        for index in range(last, -1, -1):
            position = Position(
                index=index,
                source=self.signals[index],
                deltas=deltas,
                is_output=index == last,
                depth=depth,
                recipe=recipe,
                binary=binary,
                master_bits=master_bits,
                log2_batch=log2_batch,
            )
            with self._named(index):
                layer = self.kinds[index].layer(position)
            layers.append(layer)
            deltas = layer.sent
        return tuple(reversed(layers))


def _kind(word: str) -> Kind | None:
    return next((found for kind in KINDS if (found := kind.read(word)) is not None), None)
