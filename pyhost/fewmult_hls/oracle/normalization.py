# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The epilogues of a product (contract, sections 5 and 6)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .draws import rounding_terms
from .integers import (
    ACTIVATION_FRACTION,
    ACTIVATION_MAX,
    BIAS_FRACTION,
    BIAS_MAX,
    DELTA_MAX,
    HINGE_MARGIN,
    LOGIT_FRACTION,
    IntArray,
    fits_int32,
    power_of_two_step,
    shift_round,
)


def batch_mean(values: IntArray) -> IntArray:
    """Rounded mean of every row of (units, batch), shape (units,)."""
    return mean_of_sum(values.sum(axis=1), values.shape[1])


def mean_of_sum(sums: IntArray, batch: int) -> IntArray:
    """Rounded mean of ``batch`` values with these sums; the batch is a power of two."""
    return shift_round(sums, batch.bit_length() - 1)


def normalize_forward(z: IntArray, mean: IntArray, bias: IntArray, shift: int) -> IntArray:
    """Activations of a hidden layer, shape (units, batch), 0 to 127."""
    offset = bias >> (BIAS_FRACTION - ACTIVATION_FRACTION)
    y = shift_round(fits_int32(z - mean[:, None]), shift) + offset[:, None]
    return np.clip(y, 0, ACTIVATION_MAX)


def normalize_output(z: IntArray, bias: IntArray, shift: int) -> IntArray:
    """Logits of the output layer, shape (units, batch): no mean, no saturation."""
    offset = bias >> (BIAS_FRACTION - LOGIT_FRACTION)
    return fits_int32(shift_round(z, shift) + offset[:, None])


def hinge(logits: IntArray, labels: npt.NDArray[np.uint8]) -> tuple[IntArray, int]:
    """Deltas of the squared hinge loss, shape (units, batch), and the sum of their sizes."""
    target = np.arange(len(logits))[:, None] == labels
    margin = HINGE_MARGIN - np.where(target, logits, -logits)
    size = np.clip(margin, 0, DELTA_MAX)
    return np.where(target, -size, size), int(fits_int32(size.sum(keepdims=True)).item())


def gate(g: IntArray, x: IntArray) -> IntArray:
    """The gradient where it goes straight through the saturating ReLU, else 0.

    Args:
        g: product of the next layer's deltas with its weights, shape (units, batch).
        x: the layer's activations, same shape.
    """
    return np.where((x > 0) & (x < ACTIVATION_MAX), g, 0)


def normalize_backward(
    gated: IntArray, shift: int, random_bytes: IntArray
) -> tuple[IntArray, IntArray]:
    """Deltas of a hidden layer, and the gradient of its biases.

    Args:
        gated: gradient behind the gate, shape (units, batch).
        shift: bits that stochastic rounding drops.
        random_bytes: one byte for each element.

    Returns:
        Deltas (units, batch), -127 to 127, and the row sums of the gated gradient, (units,).
    """
    sums = fits_int32(gated.sum(axis=1))
    centred = gated - mean_of_sum(sums, gated.shape[1])[:, None]
    rounded = fits_int32(centred + rounding_terms(random_bytes, shift)) >> shift
    return np.clip(rounded, -DELTA_MAX, DELTA_MAX), sums


def stepped_bias(bias: IntArray, gradient: IntArray, exponent: int) -> IntArray:
    """Biases after one step of size 2**exponent, clipped to +-128.0."""
    change = fits_int32(power_of_two_step(gradient, exponent))
    return np.clip(fits_int32(bias - change), -BIAS_MAX, BIAS_MAX)
