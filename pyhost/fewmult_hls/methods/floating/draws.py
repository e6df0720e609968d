# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Random draws; each is a function of (seed, purpose, layer, step), and of nothing else.

So a run goes on from its state and step alone: no generator is kept or stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...oracle.draws import Purpose, purpose_word

_ODD = np.uint64(0x0001_0001_0001_0001)


def _stream(seed: int, purpose: Purpose, layer: int, step: int = 0) -> np.random.Philox:
    # The step is the counter's highest word: no stream is long enough to reach the next one.
    return np.random.Philox(key=(seed, purpose_word(purpose, layer)), counter=(0, 0, 0, step))


def uniform(shape: tuple[int, ...], bound: float, seed: int, layer: int) -> npt.NDArray[np.float32]:
    """Uniform float32 numbers in [-bound, bound), to start from."""
    generator = np.random.Generator(_stream(seed, Purpose.INIT, layer))
    numbers = generator.random(shape, np.float32)
    numbers *= 2 * bound
    numbers -= bound
    return numbers


def sample_binary(
    weights: npt.NDArray[Any], bound: float, seed: int, layer: int, step: int, out: npt.NDArray[Any]
) -> None:
    """Draws +bound with probability (1 + weight / bound) / 2, clipped to 0..1, else -bound.

    Args:
        weights: any shape.
        bound: size of a binary weight.
        seed: of the run.
        layer: whose weights they are.
        step: that the sample is for.
        out: the sample, like ``weights``.
    """
    words = _stream(seed, Purpose.WEIGHTS, layer, step).random_raw(-(-weights.size // 4))
    # Odd numbers of 16 bits: symmetric, and inside the bound, so that a weight there is certain.
    words |= _ODD
    out[...] = words.view(np.int16)[: weights.size].reshape(weights.shape)
    out *= bound / (1 << 15)
    out[...] = out < weights
    # numpy's copysign takes ten times as long.
    out *= 2 * bound
    out -= bound
