# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Max pooling: of each window the largest (contract, section 14). A layer without weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.calls import Call, Pass, Pool
from ..contract.limits import MAX_TAPS
from ..system.errors import UsageError
from .base import Deltas, Image, Kind, Layer, Position, Signal
from .inference import PoolInference
from .memory import ArrayType, Memory


@dataclass(frozen=True)
class PoolingKind(Kind):
    """``P2``: windows of 2 x 2, side by side.

    Attributes:
        size: rows and columns of a window.
    """

    size: int

    typical = "P2"
    has_weights = False

    @classmethod
    def read(cls, word: str) -> PoolingKind | None:
        """The layer that a word such as P2 names."""
        found = re.fullmatch("P([0-9]{1,4})", word)
        return cls(int(found[1])) if found else None

    @property
    def word(self) -> str:
        """P and the size."""
        return f"P{self.size}"

    def result(self, source: Signal, index: int) -> Signal:
        """A smaller image of the same channels; refuses windows that fit nowhere."""
        channels, rows, columns = source.image
        if not 2 <= self.size <= MAX_TAPS:
            raise UsageError(f"pooling is by 2 to {MAX_TAPS}")
        source.check_places(index)
        if min(rows, columns) < self.size:
            raise UsageError(
                f"pooling by {self.size}x{self.size} does not fit into {rows}x{columns} places: "
                "leave it out"
            )
        return replace(source, image=Image(channels, rows // self.size, columns // self.size))

    def layer(self, position: Position) -> Pooling:
        """The layer where it stands."""
        return Pooling(self.size, position)


@dataclass(frozen=True)
class Pooling(Layer):
    """Max pooling where it stands in a net.

    Attributes:
        size: rows and columns of a window.
        position: where it stands.
    """

    size: int
    position: Position

    @property
    def _pooled(self) -> Image:
        channels, rows, columns = self.position.source.image
        return Image(channels, rows // self.size, columns // self.size)

    def arrays(self) -> dict[str, ArrayType]:
        """Activations of its image, deltas of the pooled one."""
        k, batch, source = self.index, self.position.batch, self.position.source.image
        return {
            f"x_{k}": ((source.size, batch), np.int8),
            f"deltas_{k}": ((self._pooled.size, batch), np.int8),
        }

    def inference(self, arrays: Mapping[str, npt.NDArray[Any]]) -> PoolInference:
        """The largest of each window."""
        return PoolInference(self.position.source.image, self.size)

    @property
    def sent(self) -> Deltas:
        """The same deltas, of which most others are 0."""
        behind = self.position.deltas
        return Deltas(behind.exponent, behind.one_in * self.size * self.size)

    def _call(self, memory: Memory, *, back: bool) -> Sequence[Call]:
        k, (channels, rows, columns) = self.index, self.position.source.image
        call = Pool(
            x=memory[f"x_{k}"],
            pooled=memory[f"x_{k + 1}"],
            deltas=memory[f"deltas_{k}"] if back else None,
            result=memory[f"deltas_{k - 1}"] if back else None,
            back=back,
            channels=channels,
            rows=rows,
            columns=columns,
            size=self.size,
            log2_batch=self.position.log2_batch,
        )
        return [call]

    def forward(self, memory: Memory, rate: int) -> Sequence[Call]:
        """The largest of each window."""
        return self._call(memory, back=False)

    def evaluate(
        self, memory: Memory, hidden: Pass, planes: int, more_shift: int
    ) -> Sequence[Call]:
        """The largest of each window."""
        return self._call(memory, back=False)

    def backward(self, memory: Memory, rate: int, seed: int, step: int) -> Sequence[Call]:
        """Deltas at the first place of each window that has the largest value."""
        return [] if self.position.source.bias is None else self._call(memory, back=True)
