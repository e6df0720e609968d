# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The weight gradient as shifts, and the update (contract, sections 7 and 8)."""

from __future__ import annotations

import numpy as np

from .draws import rounding_terms
from .integers import IntArray, fits_int32


def signed_codes(x: IntArray, random_bytes: IntArray) -> IntArray:
    """Codes of activations of either sign: that of the size, negative for a negative one."""
    codes = power_of_two_codes(np.abs(x), random_bytes)
    return np.where(x < 0, -codes, codes)


def power_of_two_codes(x: IntArray, random_bytes: IntArray) -> IntArray:
    """Code c of every activation: 0 for zero, else it counts as 2**c; unbiased (QBP).

    Args:
        x: activations, 0 to 127.
        random_bytes: one byte for each.
    """
    log2 = sum((x >> bit != 0).astype(np.int64) for bit in range(1, 7))
    up = (x - (1 << log2)) > (random_bytes >> (8 - log2))
    one_or_nothing = (random_bytes >> 7) < x
    return np.where(x > 1, log2 + up, one_or_nothing.astype(np.int64))


def shift_gradient(deltas: IntArray, codes: IntArray) -> IntArray:
    """G = sum over the batch of delta << (code - 1), shape (outputs, inputs).

    Args:
        deltas: (outputs, batch).
        codes: of the activations, (inputs, batch).
    """
    distance, counts = np.maximum(codes - 1, 0), codes > 0
    rows = [np.where(counts, row << distance, 0).sum(axis=1) for row in deltas]
    return fits_int32(np.stack(rows))


def signed_gradient(deltas: IntArray, codes: IntArray) -> IntArray:
    """The same with ``signed_codes``: a negative one subtracts."""
    distance, counts, minus = np.maximum(np.abs(codes) - 1, 0), codes != 0, codes < 0
    rows = (np.where(counts, row << distance, 0) for row in deltas)
    return fits_int32(np.stack([np.where(minus, -row, row).sum(axis=1) for row in rows]))


def updated_weights(
    weights: IntArray, gradient: IntArray, shift: int, random_bytes: IntArray, master_bits: int
) -> IntArray:
    """Master weights after one step, stochastically rounded and clipped to 13/16."""
    if shift > 0:
        change = fits_int32(gradient + rounding_terms(random_bytes, shift)) >> shift
    else:
        change = fits_int32(gradient << -shift)
    limit = weight_clip(master_bits)
    return np.clip(weights - change, -limit, limit)


def weight_clip(master_bits: int) -> int:
    """The largest master weight: 13/16 of 1.0."""
    return 13 << (master_bits - 5)
