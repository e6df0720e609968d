# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a trained layer computes, in plain integers: what exports print (contract, section 12).

A net is a list of these records, each of which makes the next rows of an example, which lie as
[place][channel], from those before. Shifts are arithmetic ones, which round down: what rounds to
nearest, and the means, are in ``before``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..contract.limits import ACTIVATION_MAX
from ..contract.window import Window
from ..system.errors import FewmultError
from .base import Image

_LARGEST = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class PixelInference:
    """Grey values become what enters: clamp((pixel - offset) >> 1, -127, 127).

    Attributes:
        image: shape of what enters.
        offsets: uint8 (channels,); None where inputs are not signed, for pixel >> 1.
    """

    image: Image
    offsets: npt.NDArray[np.uint8] | None

    @property
    def values(self) -> int:
        """Rows that it makes."""
        return self.image.size


@dataclass(frozen=True, eq=False)
class WeightedInference:
    """Sums of what lies under a window, and their epilogue.

    At place p, of unit j,

        y = ((sum over i of weights[j,i] x[p,i] + before[p,j]) >> shift) + behind[j]

    and clamp(y, 0, 127), unless these are logits.

    Attributes:
        window: of a unit; the whole image of a dense layer.
        weights: int8 (units, values under the window), -1, 0 and 1.
        before: int64 (places, units): half a unit of what the shift leaves, less the mean.
        shift: bits that are dropped.
        behind: int64 (units,): biases.
        is_output: whether it makes logits.

    Raises:
        FewmultError: sums leave 32 bits, which no means of real images make them do.
    """

    window: Window
    weights: npt.NDArray[np.int8]
    before: npt.NDArray[np.int64]
    shift: int
    behind: npt.NDArray[np.int64]
    is_output: bool

    def __post_init__(self) -> None:
        if self.largest_lifted > _LARGEST:
            raise FewmultError(
                f"a mean of {np.abs(self.before).max():,} is none of such sums: take another copy "
                "of the model"
            )

    @property
    def is_whole(self) -> bool:
        """Whether every unit sees the whole image, once: one place."""
        return self.window.taps == self.window.places and not self.window.padded

    @property
    def is_binary(self) -> bool:
        """Whether no weight is 0."""
        return bool(self.weights.all())

    @property
    def values(self) -> int:
        """Rows that it makes."""
        return self.before.size

    @cached_property
    def reach(self) -> npt.NDArray[np.int64]:
        """The largest size that the sum of each unit can have, (units,)."""
        reach: npt.NDArray[np.int64] = ACTIVATION_MAX * np.count_nonzero(self.weights, axis=1)
        return reach

    @cached_property
    def lift(self) -> int:
        """What y is larger by in ``lifted``: so much that no sum is negative."""
        most = int((self.reach - self.before).max())
        return max(0, -(-most >> self.shift))

    @property
    def lifted(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """``before`` and ``behind`` with which only numbers of at least 0 are shifted.

        Not all that computes has an arithmetic shift of negative numbers: in C an implementation
        defines it, and ONNX has none.
        """
        return self.before + (self.lift << self.shift), self.behind - self.lift

    @cached_property
    def largest_lifted(self) -> int:
        """No lifted sum is larger, once it is whole."""
        return int((self.before + self.reach).max()) + (self.lift << self.shift)


@dataclass(frozen=True, eq=False)
class PoolInference:
    """The largest of each window, side by side; rows and columns that are left over are dropped.

    Attributes:
        image: shape of what enters.
        size: rows and columns of a window.
    """

    image: Image
    size: int

    @property
    def pooled(self) -> Image:
        """The shape of what it makes."""
        channels, rows, columns = self.image
        return Image(channels, rows // self.size, columns // self.size)

    @property
    def values(self) -> int:
        """Rows that it makes."""
        return self.pooled.size


Inference: TypeAlias = "PixelInference | WeightedInference | PoolInference"
"""Of a layer, or of what enters a net."""
