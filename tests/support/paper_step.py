# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A training step of the paper's algorithm in floating point, written for counting.

The equations are executed as the paper (and for batch normalization, Ioffe and Szegedy) has them;
a term that occurs twice is computed once. Weights are in units of W0, so samples are +-1 or 0. The
factor 2 / batch of the loss is part of the learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from fewmult_hls.contract.stages import Stage

EPSILON = 1e-4


class PaperStep:
    """A network of random weights on a random batch.

    Args:
        enter: applied to all that enters the arithmetic.
        stage: says what is executed.
    """

    def __init__(
        self,
        widths: Sequence[int],
        batch: int,
        method: str,
        batch_norm: bool,
        enter: Callable[[Any], Any] = lambda array: array,
        stage: Callable[[Stage], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self.method, self.batch_norm, self.batch, self.rate = method, batch_norm, batch, 0.25
        self._enter, self._stage = enter, stage
        self._random = np.random.default_rng(1)
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        self.weights = [self._random.uniform(-1, 1, shape) for shape in shapes]
        self.biases = [self._random.normal(size=outputs) for outputs, _ in shapes]
        self.gains = [self._random.uniform(0.5, 1, outputs) for outputs, _ in shapes]
        self.x = np.maximum(self._random.normal(size=(widths[0], batch)), 0)
        self.target = self._random.integers(0, widths[-1], batch) == np.arange(widths[-1])[:, None]
        self.samples: list[Any] = []

    def run(self) -> None:
        """Steps weights, biases and gains."""
        with self._stage(Stage.SAMPLE):
            self.samples = [np.asarray(self._sample(self._enter(w))) for w in self.weights]
        y = self.forward()
        with self._stage(Stage.LOSS):
            hinge = np.maximum(1 - np.where(self.target, y, -y), 0)
            delta = np.where(self.target, -hinge, hinge)
        for k in reversed(range(len(self.weights))):
            delta = self._backward(k, delta)

    def forward(self) -> Any:
        """The logits, (classes, batch); what the way back needs is kept."""
        x, self._kept = self._enter(self.x), []
        for k, sample in enumerate(self.samples):
            with self._stage(Stage.FORWARD):
                z = self._product(sample, x)
            with self._stage(Stage.NORMALIZE):
                y, moments = self._normalized(k, z) if self.batch_norm else (z, ())
                y = y + self.biases[k][:, None]
            is_output = k == len(self.samples) - 1
            slope = np.ones(y.shape) if is_output else (np.asarray(y) > 0).astype(float)
            self._kept.append((x, slope, moments))
            with self._stage(Stage.NORMALIZE):
                x = y if is_output else np.maximum(y, 0)
        return x

    def _sample(self, w: Any) -> Any:
        u = self._random.random(w.shape)
        if self.method == "float":
            return w
        if self.method == "ternary-qbp":
            return np.where(u < np.abs(w), np.sign(w), 0)
        return np.where(np.ldexp(w + 1, -1) > u, 1, -1)

    def _product(self, sample: Any, source: Any) -> Any:
        if self.method == "float":
            return sample @ source
        rows = [source[row > 0].sum(axis=0) - source[row < 0].sum(axis=0) for row in sample]
        return np.stack(rows)

    def _normalized(self, k: int, z: Any) -> Any:
        mean = z.sum(axis=1) / self.batch
        centred = z - mean[:, None]
        variance = (centred * centred).sum(axis=1) / self.batch
        noisy = variance + EPSILON
        inverse = np.power(noisy, -0.5)
        normal = centred * inverse[:, None]
        return self.gains[k][:, None] * normal, (centred, noisy, inverse, normal)

    def _backward(self, k: int, delta: Any) -> Any:
        x, slope, moments = self._kept[k]
        with self._stage(Stage.GATE):
            gated = delta * slope
        with self._stage(Stage.NORMALIZE_BACK):
            sent = self._unnormalized(self.gains[k], gated, *moments) if moments else gated
        with self._stage(Stage.BIASES):
            stepped = self.rate * gated
            self.biases[k] = np.asarray(self.biases[k] - stepped.sum(axis=1))
            if moments:
                self.gains[k] = np.asarray(self.gains[k] - (stepped * moments[3]).sum(axis=1))
        with self._stage(Stage.BACKWARD):
            below = self._product(self.samples[k].T, sent)
        with self._stage(Stage.UPDATE):
            stepped = self.rate * sent
        change = self._gradient(stepped, x)
        with self._stage(Stage.UPDATE):
            self.weights[k] = np.asarray(self.weights[k] - change)
        return below

    def _unnormalized(
        self, gain: Any, gated: Any, centred: Any, noisy: Any, inverse: Any, _: Any
    ) -> Any:
        d_normal = gain[:, None] * gated
        d_variance = (d_normal * centred).sum(axis=1) * (np.power(noisy, -1.5) * -0.5)
        straight, doubled = d_normal * inverse[:, None], 2 * centred
        share = d_variance / self.batch
        d_mean = straight.sum(axis=1) + share * doubled.sum(axis=1)  # negated
        return straight + share[:, None] * doubled - (d_mean / self.batch)[:, None]

    def _gradient(self, delta: Any, x: Any) -> Any:
        if not self.method.endswith("-qbp"):
            with self._stage(Stage.GRADIENT):
                return delta @ x.T
        mantissa, exponent = np.frexp(np.asarray(x))  # |x| = m * 2^e, 1/2 <= m < 1: its fields
        with self._stage(Stage.CODES):
            chance = np.ldexp(self._enter(mantissa), 1) - 1
            power = self._enter(exponent) - (self._random.random(x.shape) >= chance)
        there, power = np.asarray(x) > 0, np.asarray(power)
        with self._stage(Stage.GRADIENT):
            rows = [np.where(there, np.ldexp(row, power), 0).sum(axis=1) for row in delta]
            return np.stack(rows)
