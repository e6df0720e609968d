# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation of the floating-point methods."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...datasets import Split
from ...nets.evaluator import STATISTICS_IMAGES, error_per_cent
from ...nets.trainer import whole_batches
from .network import FloatArray, FloatNetwork
from .normalization import centre, inverse_deviation
from .spec import Precision
from .trainer import to_unit_range

_ROWS = 1024  # images in memory at a time


class Moments(NamedTuple):
    """Mean and variance of a layer's sums, (outputs,) each."""

    mean: FloatArray
    variance: FloatArray


Statistics = list[Moments]


class FloatEvaluator:
    """A trained network that no longer looks at its batch.

    Args:
        network: the state to evaluate.
        precision: of the weights.
        statistics: of each layer, as ``take_statistics`` made them for these weights.
    """

    def __init__(self, network: FloatNetwork, precision: Precision, statistics: Statistics) -> None:
        self._weights = network.test_weights(precision)
        self._scales, self._offsets = [], []
        for layer, (mean, variance) in enumerate(statistics):
            scale = network.gains[layer] * inverse_deviation(variance)
            self._scales.append(scale)
            self._offsets.append(network.biases[layer] - mean * scale)

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Logits of images (examples, features): (examples, classes), a margin of 1 is enough."""
        logits = np.empty((len(images), len(self._weights[-1])), np.float32)
        with np.errstate(all="ignore"):
            for first in range(0, len(images), _ROWS):
                rows = slice(first, first + _ROWS)
                logits[rows] = self._forward(images[rows])
        return logits

    def _forward(self, images: npt.NDArray[np.uint8]) -> FloatArray:
        x = np.empty(images.shape, np.float32)
        to_unit_range(images, x)
        last = len(self._weights) - 1
        for layer, weights in enumerate(self._weights):
            x = x @ weights.T
            x *= self._scales[layer]
            x += self._offsets[layer]
            if layer < last:
                np.maximum(x, 0, out=x)
        return x

    def error(self, split: Split) -> float:
        """Wrongly classified images, in per cent; of equal logits the lowest class counts."""
        return error_per_cent(self.logits(split.images), split.labels)


def take_statistics(
    network: FloatNetwork, precision: Precision, images: npt.NDArray[np.uint8]
) -> Statistics:
    """Means and variances of all sums over the first images of a training split, 8192 at most.

    Every batch runs as in training, normalized by itself; then the batches count as one.

    Raises:
        UsageError: there are fewer images than a batch.
    """
    batch = network.spec.batch
    batches = whole_batches(min(len(images), max(STATISTICS_IMAGES, batch)), batch)
    weights = network.test_weights(precision)
    totals = [np.zeros((2, len(bias))) for bias in network.biases]
    for k in range(batches):
        _add_batch(network, weights, images[k * batch : (k + 1) * batch], totals)
    moments = [total / batches for total in totals]
    return [
        Moments(mean.astype(np.float32), (square - mean * mean).astype(np.float32).clip(0))
        for mean, square in moments
    ]


def _add_batch(
    network: FloatNetwork,
    weights: list[FloatArray],
    images: npt.NDArray[np.uint8],
    totals: list[npt.NDArray[np.float64]],
) -> None:
    """Adds a batch's means, and means of squares, of each layer."""
    x = np.empty(images.shape, np.float32)
    to_unit_range(images, x)
    for layer, matrix in enumerate(weights):
        z = x @ matrix.T
        x = np.empty_like(z)
        mean, variance = centre(z, scratch=x)
        totals[layer][0] += mean
        totals[layer][1] += variance + mean.astype(np.float64) ** 2
        np.multiply(z, network.gains[layer] * inverse_deviation(variance), out=x)
        x += network.biases[layer]
        np.maximum(x, 0, out=x)
