# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Threefry-2x32, a counter-based random generator (contract, section 3).

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

ROUNDS = 13

UInt32Array = npt.NDArray[np.uint32]
Enter = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA


def unwatched(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array itself: how arrays enter the arithmetic where nothing counts it."""
    return array


def threefry(
    key: tuple[int, int],
    counter: tuple[Any, Any],
    rounds: int = ROUNDS,
    enter: Enter = unwatched,
) -> tuple[UInt32Array, UInt32Array]:
    """64 random bits for every counter: a pure function of key and counter.

    Args:
        key: two 32-bit numbers, the seed and the purpose of the draw.
        counter: two 32-bit numbers or arrays of them, which broadcast: element and step.
        rounds: 13 in the contract; 20 is Random123's default.
        enter: applied to the words before the arithmetic; instrumentation uses it.

    Returns:
        The low and the high 32 bits, uint32, of the counters' common shape.
    """
    keys = [*key, _PARITY ^ key[0] ^ key[1]]
    shape = np.broadcast(*counter).shape
    # One axis at least: numpy warns of the intended wrap-around in scalars, not in arrays.
    words = (np.array(np.broadcast_to(c, shape or (1,)), dtype=np.uint32) for c in counter)
    low, high = (enter(word) for word in words)
    low += np.uint32(keys[0])
    high += np.uint32(keys[1])
    for round_ in range(rounds):
        distance = _ROTATIONS[round_ % 8]
        low += high
        high = (high << np.uint32(distance)) | (high >> np.uint32(32 - distance))
        high ^= low
        if round_ % 4 == 3:
            turn = round_ // 4 + 1
            low += np.uint32(keys[turn % 3])
            high += np.uint32((keys[(turn + 1) % 3] + turn) & 0xFFFFFFFF)
    return low.reshape(shape), high.reshape(shape)
