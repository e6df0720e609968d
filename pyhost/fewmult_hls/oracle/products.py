# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Products with sampled weights (contract, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .integers import IntArray, fits_int32


def binary_matmul(weights: npt.NDArray[np.int8], source: IntArray) -> IntArray:
    """Z = T x: for every output, the inputs of weight +1 less the inputs of weight -1.

    Args:
        weights: matrix of -1, 0 and +1, shape (outputs, inputs); its transpose for g = T^T d.
        source: activations (inputs, batch), or deltas for the transposed product.

    Returns:
        Sums of shape (outputs, batch).
    """
    rows = [source[row > 0].sum(axis=0) - source[row < 0].sum(axis=0) for row in weights]
    return fits_int32(np.stack(rows))


def planes_matmul(planes: Sequence[npt.NDArray[np.int8]], source: IntArray) -> IntArray:
    """The product with weights of several planes, the first of which weighs most."""
    total = binary_matmul(planes[0], source)
    for plane in planes[1:]:
        total = fits_int32(total + total + binary_matmul(plane, source))
    return total
