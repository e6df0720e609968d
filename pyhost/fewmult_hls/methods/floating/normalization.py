# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization, y = gain * (z - mean) / sqrt(variance + epsilon) + bias, and its gradient.

Arrays are (examples, units); they are overwritten, as memory traffic is the cost of such work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .network import FloatArray

EPSILON = 1e-4


def centre(z: FloatArray, scratch: FloatArray) -> tuple[Any, Any]:
    """Takes the mean of every unit off, in place.

    Args:
        z: (examples, units).
        scratch: like z, overwritten.

    Returns:
        Mean and biased variance of every unit, (units,).
    """
    share = 1 / len(z)
    mean = z.sum(axis=0) * share
    z -= mean
    np.multiply(z, z, out=scratch)
    return mean, scratch.sum(axis=0) * share


def inverse_deviation(variance: Any) -> Any:
    """What a centred sum is multiplied with."""
    return 1 / np.sqrt(variance + EPSILON)


class Normalization:
    """One layer's normalization: its state, and what its gradient needs of a forward pass.

    Args:
        gain: (units,), stepped in place.
        bias: (units,), stepped in place.
    """

    def __init__(self, gain: Any, bias: Any) -> None:
        self.gain = gain
        self.bias = bias
        self._scale: Any = None  # 1 / deviation

    def forward(self, z: FloatArray, result: FloatArray) -> None:
        """Centres z, which the backward pass takes so, and writes the result."""
        _, variance = centre(z, scratch=result)
        self._scale = inverse_deviation(variance)
        np.multiply(z, self.gain * self._scale, out=result)
        result += self.bias

    def backward(self, deltas: FloatArray, centred: FloatArray, rate: float) -> None:
        """Turns the loss's derivative by the result into that by z, and steps gain and bias.

        Args:
            deltas: the derivative, in place.
            centred: z as the forward pass left it; overwritten.
            rate: the learning rate.
        """
        share = 1 / len(deltas)
        bias_gradient = deltas.sum(axis=0)
        scratch = np.multiply(deltas, centred)
        gain_gradient = scratch.sum(axis=0) * self._scale
        # deltas -= mean(deltas) + centred * mean(deltas * centred) / (variance + epsilon)
        centred *= gain_gradient * self._scale * share
        centred += bias_gradient * share
        deltas -= centred
        deltas *= self.gain * self._scale
        self.gain -= gain_gradient * rate
        self.bias -= bias_gradient * rate
