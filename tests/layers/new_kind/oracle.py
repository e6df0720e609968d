# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Fixed permutations of channels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .threefry import threefry

_PURPOSE = 99


def permutation(number: int, channels: int) -> npt.NDArray[np.int64]:
    """Which input each output is, (channels,): as they stand sorted by their draws."""
    counters = np.arange(channels, dtype=np.uint32)
    low, high = threefry((number, _PURPOSE), (counters, np.uint32(0)))
    keys = high.astype(np.uint64) << np.uint64(32) | low
    return np.argsort(keys, kind="stable").astype(np.int64)
