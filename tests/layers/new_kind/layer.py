# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A fixed permutation of channels: a layer without weights.

At every place output channel c is input channel p[c], and deltas go back the same way. Values,
exponents and fraction bits stay; draws know channels by their place behind the permutation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.calls import Access, Array, Call, Enter, HostCall, Pass, Shape
from ..contract.stages import Stage
from ..contract.window import Window
from ..oracle.permutation import permutation
from ..oracle.threefry import unwatched
from ..system.errors import UsageError
from .base import Deltas, Kind, Layer, Position, Signal
from .inference import WeightedInference
from .memory import ArrayType, Memory


@dataclass(frozen=True)
class PermutationKind(Kind):
    """``perm7``: the permutation of that number."""

    number: int

    typical = "perm7"
    has_weights = False

    @classmethod
    def read(cls, word: str) -> PermutationKind | None:
        """The layer that a word such as perm7 names."""
        found = re.fullmatch("perm([0-9]{1,9})", word)
        return cls(int(found[1])) if found else None

    @property
    def word(self) -> str:
        """perm and the number."""
        return f"perm{self.number}"

    def result(self, source: Signal, index: int) -> Signal:
        """The same image, with biases of its own; refuses signed values, which exports clamp."""
        if source.signed:
            raise UsageError("images enter a layer with weights first: move perm behind it")
        return replace(source, bias=None if source.bias is None else f"bias_{index}")

    def layer(self, position: Position) -> Permutation:
        """The layer where it stands."""
        return Permutation(self.number, position)


@dataclass(frozen=True, kw_only=True, eq=False)
class Permute(HostCall):
    """Rows in another order.

    Attributes:
        source: rows, read.
        result: the same rows, written.
        order: which row of the source each is, or goes to if ``back``.
        back: whether the order is undone.
    """

    kernel = "permute"
    stage = Stage.FORWARD
    access = Access(("source",), ("result",))

    source: Array = None
    result: Array = None
    order: npt.NDArray[np.int64]
    back: bool = False

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        return {"source": self.source.shape, "result": self.source.shape}

    def dtype(self, name: str) -> np.dtype[Any]:
        """See ``Call``."""
        return np.dtype(self.source.dtype)

    def execute(self, enter: Enter = unwatched) -> None:
        """See ``HostCall``."""
        if self.back:
            self.result[self.order] = self.source
        else:
            self.result[...] = self.source[self.order]


@dataclass(frozen=True)
class Permutation(Layer):
    """A permutation where it stands in a net."""

    number: int
    position: Position

    @cached_property
    def _channels(self) -> npt.NDArray[np.int64]:
        return permutation(self.number, self.position.source.image.channels)

    @cached_property
    def _rows(self) -> npt.NDArray[np.int64]:
        image = self.position.source.image
        return (np.arange(image.places)[:, None] * image.channels + self._channels).ravel()

    def arrays(self) -> dict[str, ArrayType]:
        """Activations, deltas, and biases in the order of its outputs."""
        k, image, batch = self.index, self.position.source.image, self.position.batch
        each: ArrayType = ((image.size, batch), np.int8)
        biases: ArrayType = ((image.channels,), np.int32)
        return {f"x_{k}": each, f"deltas_{k}": each, f"bias_{k}": biases}

    def inference(self, arrays: Mapping[str, npt.NDArray[Any]]) -> WeightedInference:
        """Units that see one channel each."""
        image = self.position.source.image
        weights = np.eye(image.channels, dtype=np.int8)[self._channels]
        before = np.zeros((image.places, image.channels), np.int64)
        return WeightedInference(
            window=Window(*image, tap_rows=1, tap_columns=1),
            weights=weights,
            before=before,
            shift=0,
            behind=before[0],
            is_output=False,
        )

    @property
    def sent(self) -> Deltas:
        """The same deltas."""
        return self.position.deltas

    def _moved(self, memory: Memory, source: str, result: str, *, back: bool = False) -> Permute:
        order = self._channels if result.startswith("bias") else self._rows
        return Permute(source=memory[source], result=memory[result], order=order, back=back)

    def forward(self, memory: Memory, rate: int) -> Sequence[Call]:
        """Activations; and biases, which the layer behind steps in the order of its own inputs."""
        k, bias = self.index, self.position.source.bias
        biases = [] if bias is None else [self._moved(memory, bias, f"bias_{k}")]
        return [self._moved(memory, f"x_{k}", f"x_{k + 1}"), *biases]

    def evaluate(
        self, memory: Memory, hidden: Pass, planes: int, more_shift: int
    ) -> Sequence[Call]:
        """Activations."""
        return [self._moved(memory, f"x_{self.index}", f"x_{self.index + 1}")]

    def backward(self, memory: Memory, rate: int, seed: int, step: int) -> Sequence[Call]:
        """Deltas and biases in the order in which they came."""
        k, bias = self.index, self.position.source.bias
        if bias is None:
            return []
        return [
            self._moved(memory, f"deltas_{k}", f"deltas_{k - 1}", back=True),
            self._moved(memory, f"bias_{k}", bias, back=True),
        ]
