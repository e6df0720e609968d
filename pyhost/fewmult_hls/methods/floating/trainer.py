# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The training step of the floating-point methods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ...datasets import Split
from ...system.errors import FewmultError
from .draws import sample_binary
from .network import FloatArray, FloatNetwork
from .normalization import Normalization


class FloatTrainer:
    """A network and the step that trains it; the counterpart of ``nets.trainer.Trainer``.

    Args:
        network: the state to start from; it is copied.
        seed: of every random draw, 0 to 2**32 - 1.
        step: number of the next step; not 0 where training goes on.
    """

    hinge_one = 1

    def __init__(
        self,
        network: FloatNetwork,
        seed: int,
        step: int = 0,
    ) -> None:
        self.spec = network.spec
        self.seed = seed
        self.step_number = step
        self._network = state = network.copy()
        self._weights = state.weights
        self._normalizations = list(map(Normalization, state.gains, state.biases))
        self._allocate(state.weights[0].dtype)

    def _allocate(self, dtype: np.dtype[Any]) -> None:
        def empty(shape: tuple[int, ...]) -> FloatArray:
            return np.empty(shape, dtype)

        widths, batch = self.spec.widths, self.spec.batch
        # x[l] enters layer l; the last one is the logits. Each is a row an example.
        self._x = [empty((batch, width)) for width in widths]
        self._sums = [empty((batch, width)) for width in widths[1:]]
        self._deltas = [empty((batch, width)) for width in widths[1:]]
        self._gradient = empty((max(self.spec.layer_sizes),))
        self._used = self._weights
        if self.spec.method == "binary":
            self._used = [empty(weights.shape) for weights in self._weights]

    def network(self) -> FloatNetwork:
        """A copy of the state.

        Raises:
            FewmultError: it is not finite any more.
        """
        if not self._network.finite:
            raise self._diverged()
        return self._network.copy()

    @property
    def batch(self) -> int:
        """Examples a step."""
        return self.spec.batch

    def step(
        self,
        split: Split,
        chosen: npt.NDArray[np.int64],
        rate: float,
        sharpness: int = 0,
    ) -> float:
        """One training step.

        Args:
            split: training data, images of as many pixels as the net has inputs.
            chosen: numbers of the images to learn from, (batch,).
            rate: log2 of the learning rate.
            sharpness: for other methods.

        Returns:
            The sum of the hinges over outputs and batch.

        Raises:
            ValueError: the numbers are not one batch.
            FewmultError: the learning rate was so high that numbers overflowed.
        """
        if chosen.shape != (self.spec.batch,):
            raise ValueError(f"{chosen.shape} is not one batch of {self.spec.batch}")
        with np.errstate(all="ignore"):  # of an overflow, the loss tells
            self._forward(split.images[chosen])
            loss = self._hinge(split.labels[chosen])
            if not math.isfinite(loss):
                raise self._diverged()
            self._backward(2.0**rate)
        self.step_number += 1
        return loss

    def _diverged(self) -> FewmultError:
        return FewmultError(
            f"training overflowed before step {self.step_number + 1}: take a smaller --rate"
        )

    def _forward(self, images: npt.NDArray[np.uint8]) -> None:
        to_unit_range(images, self._x[0])
        if self.spec.method == "binary":
            self._sample()
        last = len(self._sums) - 1
        for layer, (sums, weights) in enumerate(zip(self._sums, self._used, strict=True)):
            result = self._x[layer + 1]
            np.matmul(self._x[layer], weights.T, out=sums)
            self._normalizations[layer].forward(sums, result)
            if layer < last:
                np.maximum(result, 0, out=result)

    def _sample(self) -> None:
        for layer, (weights, used) in enumerate(zip(self._weights, self._used, strict=True)):
            bound = self.spec.bound(layer)
            sample_binary(weights, bound, self.seed, layer, self.step_number, out=used)

    def _hinge(self, labels: npt.NDArray[np.uint8]) -> float:
        """The loss is the squared hinge; its derivative goes into the last deltas."""
        logits, hinge = self._x[-1], self._deltas[-1]
        own = (np.arange(len(labels)), labels)
        np.add(logits, 1, out=hinge)
        hinge[own] = 1 - logits[own]
        np.maximum(hinge, 0, out=hinge)
        loss = float(hinge.sum())
        hinge *= 2 / len(labels)
        hinge[own] = -hinge[own]
        return loss

    def _backward(self, rate: float) -> None:
        for layer in reversed(range(len(self._sums))):
            deltas = self._deltas[layer]
            self._normalizations[layer].backward(deltas, self._sums[layer], rate)
            if layer > 0:
                before = self._deltas[layer - 1]
                np.matmul(deltas, self._used[layer], out=before)
                np.copyto(before, 0, where=self._x[layer] <= 0)
            deltas *= rate
            self._update(layer, deltas)

    def _update(self, layer: int, scaled: FloatArray) -> None:
        weights: Any = self._weights[layer]
        gradient = self._gradient[: weights.size].reshape(weights.shape)
        np.matmul(scaled.T, self._x[layer], out=gradient)
        weights -= gradient
        if self.spec.method == "binary":
            bound = self.spec.bound(layer)
            np.clip(weights, -bound, bound, out=weights)


def to_unit_range(images: npt.NDArray[np.uint8], result: FloatArray) -> None:
    """Pixels 0..255 as 0..1.

    The paper also subtracts the mean image. Batch normalization takes that off again: no sum, no
    gradient, no result would change.
    """
    result[...] = images
    result *= 1 / 255
