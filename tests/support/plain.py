# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Plain, multiplying arithmetic to judge the kernels by, without the oracle's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fewmult_hls.oracle.threefry import threefry

IntArray = npt.NDArray[np.int64]
SEED = 2026


def random_bits(key: tuple[int, int], calls: int, step: int) -> npt.NDArray[np.uint64]:
    """64 bits for each of the first so many elements."""
    low, high = threefry(key, (np.arange(calls, dtype=np.uint32), np.uint32(step)))
    return high.astype(np.uint64) * np.uint64(2**32) + low


def random_bytes(key: tuple[int, int], shape: tuple[int, int], step: int) -> IntArray:
    """The byte that belongs to each of (unit, example)."""
    bits = random_bits(key, shape[0] * shape[1] // 8, step)
    return bits.astype("<u8").view(np.uint8).reshape(shape).astype(np.int64)


def random_halves(key: tuple[int, int], words: int, outputs: int, step: int) -> IntArray:
    """The 16 bits that belong to each of (word, output, 64) weights."""
    bits = random_bits(key, words * outputs * 16, step)
    return bits.astype("<u8").view("<u2").reshape(words, outputs, 64).astype(np.int64)


def per_byte(values: IntArray, drawn: IntArray) -> IntArray:
    """The one value that each of the 256 bytes led to; all of them must have been drawn."""
    found = np.zeros(256, np.int64)
    found[drawn.ravel()] = values.ravel()
    assert len(np.unique(drawn)) == 256, "the sample must hold every byte"
    assert np.array_equal(found[drawn], values), "a value must depend on its byte alone"
    return found


def rounded(values: Any, divisor: int) -> Any:
    """The nearest integer to values / divisor, halves up."""
    return (2 * values + divisor) // (2 * divisor)
