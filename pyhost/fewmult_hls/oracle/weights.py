# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Master weights: how they start and how they are sampled (contract, section 8)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .draws import rounding_terms
from .gradient import weight_clip
from .integers import IntArray

MAX_SHARPNESS = 15


def initial_weights(halves: IntArray, master_bits: int) -> IntArray:
    """Uniform integers in the inner half of the range, from 16 random bits each."""
    return (halves >> (17 - master_bits)) - (1 << (master_bits - 2))


def wide_initial_weights(halves: IntArray, master_bits: int) -> IntArray:
    """Uniform integers in the whole range, clipped to 13/16 of it (contract, section 14)."""
    limit = weight_clip(master_bits)
    weights: IntArray = (halves >> (16 - master_bits)) - (1 << (master_bits - 1))
    return np.clip(weights, -limit, limit)


def thresholds(random_bytes: IntArray, bits: int, sharpness: int) -> IntArray:
    """Uniform on [0, 2**bits), or with a spread that is halved ``sharpness`` times."""
    middle = 1 << (bits - 1)
    return ((rounding_terms(random_bytes, bits) - middle) >> sharpness) + middle


def sample_ternary(
    weights: IntArray, random_bytes: IntArray, master_bits: int, sharpness: int = 0
) -> npt.NDArray[np.int8]:
    """The sign of a weight, with a chance of its size; else 0."""
    drawn = np.abs(weights) > thresholds(random_bytes, master_bits - 1, sharpness)
    return np.where(drawn, np.sign(weights), 0).astype(np.int8)


def sample_binary(
    weights: IntArray, random_bytes: IntArray, master_bits: int, sharpness: int = 0
) -> npt.NDArray[np.int8]:
    """+1 with a chance of (1 + weight) / 2; else -1."""
    plus = weights + (1 << (master_bits - 1)) > thresholds(random_bytes, master_bits, sharpness)
    return np.where(plus, 1, -1).astype(np.int8)
