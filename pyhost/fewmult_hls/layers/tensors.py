# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What training changes: the arrays of a net's state, and how a device has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.layouts import block_weights, unblock_weights
from ..oracle.gradient import weight_clip
from ..oracle.integers import BIAS_FRACTION, BIAS_MAX


@dataclass(frozen=True)
class Tensor:
    """An array of the state.

    Attributes:
        name: in a net's memory, in a model and in a checkpoint.
        shape: on the host.
        dtype: of its numbers.
        limit: their largest size.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    limit: int

    def placed(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array as kernels take it (contract, section 9)."""
        return array

    def taken(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A copy on the host of what kernels have."""
        return np.array(array)


@dataclass(frozen=True)
class Weights(Tensor):
    """Master weights, (outputs, inputs) on the host."""

    @classmethod
    def of(cls, name: str, outputs: int, inputs: int, master_bits: int) -> Weights:
        """Weights of so many bits."""
        dtype = np.dtype(f"int{master_bits}")
        return cls(name, (outputs, inputs), dtype, weight_clip(master_bits))

    def placed(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(word columns, outputs, 64)."""
        return block_weights(array)

    def taken(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See ``Tensor``."""
        return unblock_weights(array, self.shape[1])


@dataclass(frozen=True)
class Biases(Tensor):
    """Biases, (units,), with 16 fraction bits.

    Attributes:
        unused_bits: low bits that only training needs: they are shifted out where it is added.
    """

    unused_bits: int

    @classmethod
    def of(cls, name: str, units: int, fraction: int) -> Biases:
        """Biases of units with so many fraction bits."""
        return cls(name, (units,), np.dtype(np.int32), BIAS_MAX, BIAS_FRACTION - fraction)
