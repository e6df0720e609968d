# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What is drawn, with which key and counter (contract, section 3)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from .threefry import Enter, UInt32Array, threefry, unwatched

IntArray = npt.NDArray[np.int64]


class Purpose(IntEnum):
    """Why bits are drawn; no two purposes share a key."""

    INIT = 1
    WEIGHTS = 2
    CODES = 3
    DELTAS = 4
    SHUFFLE = 5
    AUGMENTATION = 6


def purpose_word(purpose: Purpose, layer: int = 0) -> int:
    """Second word of a key: the purpose in its low byte, the layer above."""
    return int(purpose) | layer << 8


def element_bytes(
    key: tuple[int, int], units: int, batch: int, step: int, enter: Enter = unwatched
) -> IntArray:
    """One byte for every unit and example, shape (units, batch): eight to a draw."""
    draws = np.arange(units * batch // 8, dtype=np.uint32)
    low, high = threefry(key, (draws, np.uint32(step)), enter=enter)
    return _pieces(low, high, bits=8).reshape(units, batch)


def weight_halves(
    key: tuple[int, int],
    words: int,
    outputs: int,
    step: int,
    first: int = 0,
    enter: Enter = unwatched,
) -> IntArray:
    """16 bits for every weight of word columns ``first`` on, (words, outputs, 64): four a draw."""
    column = outputs * 16
    draws = np.arange(first * column, (first + words) * column, dtype=np.uint32)
    low, high = threefry(key, (draws, np.uint32(step)), enter=enter)
    return _pieces(low, high, bits=16).reshape(words, outputs, 64)


def _pieces(low: UInt32Array, high: UInt32Array, bits: int) -> IntArray:
    """The 64 bits of every draw in pieces of so many, the lowest first: (draws, pieces)."""
    mask = np.uint32((1 << bits) - 1)
    words = (np.asarray(low), np.asarray(high))  # which bits a piece has is no arithmetic
    pieces = [word >> np.uint32(at) & mask for word in words for at in range(0, 32, bits)]
    return np.stack(pieces, axis=-1).astype(np.int64)


def rounding_terms(byte: IntArray, bits: int) -> IntArray:
    """Uniform integers in [0, 2**bits) from random bytes."""
    if bits <= 8:
        return byte >> (8 - bits)
    return (byte << (bits - 8)) + (1 << (bits - 9))


def shuffle(seed: int, epoch: int, examples: int) -> npt.NDArray[np.int64]:
    """The order of the training examples in an epoch, shape (examples,)."""
    low, high = threefry(
        (seed, purpose_word(Purpose.SHUFFLE)),
        (np.arange(examples, dtype=np.uint32), np.uint32(epoch)),
    )
    keys = high.astype(np.uint64) << np.uint64(32) | low
    return np.argsort(keys, kind="stable").astype(np.int64)
