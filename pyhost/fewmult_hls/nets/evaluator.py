# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluation with deterministic weights, through the kernels (contract, section 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..contract.backend import Backend, PreparedCalls, check_kernels, placed
from ..contract.calls import Pass
from ..contract.layouts import Words, pack_bits
from ..layers.memory import Memory
from .network import Network, NetworkSpec, Precision
from .steps import evaluation
from .trainer import whole_batches

if TYPE_CHECKING:
    from ..datasets import Split

Means = list[npt.NDArray[np.int32]]

STATISTICS_IMAGES = 8192
_MAGNITUDE_BITS = 7


def binary_planes(weights: npt.NDArray[Any]) -> tuple[Words, Words]:
    """One plane: -1 for a weight below 0, else 1."""
    return pack_bits(weights < 0)[None], pack_bits(np.ones(weights.shape, np.bool_))[None]


def ternary_planes(weights: npt.NDArray[Any]) -> tuple[Words, Words]:
    """One plane: the sign of every weight above half of 1.0, else 0."""
    half = 1 << (weights.dtype.itemsize * 8 - 2)
    wide = weights.astype(np.int32)
    sign, mask = pack_bits(wide < -half), pack_bits(np.abs(wide) > half)
    return sign[None], mask[None]


def eight_bit_planes(weights: npt.NDArray[Any]) -> tuple[Words, Words]:
    """Seven planes, the heaviest first: the bits of |weight| rounded to eight bits with sign."""
    drop = weights.dtype.itemsize * 8 - 8
    # Of a small type: the largest is 104.
    size = ((np.abs(weights.astype(np.int32)) + (1 << drop >> 1)) >> drop).astype(np.int8)
    minus = pack_bits(weights < 0)
    bits = reversed(range(_MAGNITUDE_BITS))
    masks = np.stack([pack_bits((size >> bit & 1).astype(np.bool_)) for bit in bits])
    return masks & minus, masks


PLANES = {"8-bit": eight_bit_planes, "ternary": ternary_planes, "binary": binary_planes}


class Evaluator:
    """A trained network with deterministic weights.

    Args:
        backend: executes the kernels.
        network: the state to evaluate.
        precision: of the weights: 8 bits in seven passes, or ternary or binary in one.
        means: of the hidden layers, as ``take_means`` made them.

    Raises:
        UsageError: the backend cannot run such a net.
    """

    def __init__(
        self, backend: Backend, network: Network, precision: Precision, means: Means
    ) -> None:
        self._spec = spec = network.spec
        check_kernels(backend, evaluation(spec.layers, Pass.HIDDEN_MEAN))
        self._backend = backend
        self._planes, self._more_shift = (
            (_MAGNITUDE_BITS, _MAGNITUDE_BITS) if precision == "8-bit" else (1, 0)
        )
        arrays: dict[str, npt.NDArray[Any]] = {
            "logits": backend.empty((spec.classes, spec.batch), np.int32)
        }
        deployed = spec.plan.pixels.deployed(network.state)
        for layer in spec.layers:
            deployed |= layer.deployed(network.state, PLANES[precision])
            name = f"x_{layer.index}"
            arrays[name] = backend.empty(*layer.arrays()[name])
        arrays |= {name: placed(backend, array) for name, array in deployed.items()}
        self._means = [placed(backend, mean) for mean in means]
        arrays |= dict(zip(mean_arrays(spec), self._means, strict=True))
        self._memory = Memory(arrays)
        self._chosen = np.zeros(spec.batch, np.int64)

    def take_means(self, images: npt.NDArray[np.uint8]) -> Means:
        """The mean sums of the hidden layers over the first images of a training split.

        The largest power of two of whole batches counts, 8192 images at most. Every batch runs
        as in training, with its own means, and these are averaged.

        Raises:
            UsageError: there are fewer images than a batch.
        """
        batch = self._spec.batch
        batches = whole_batches(min(len(images), STATISTICS_IMAGES), batch)
        log2_batches = batches.bit_length() - 1
        totals = [np.zeros(mean.shape, np.int64) for mean in self._means]
        forward = self._prepared(images, Pass.HIDDEN)
        for k in range(1 << log2_batches):
            self._chosen[:] = np.arange(k * batch, (k + 1) * batch)
            forward.run(0)
            self._backend.to_host(*self._means)
            for total, mean in zip(totals, self._means, strict=True):
                total += mean
        for total, mean in zip(totals, self._means, strict=True):
            mean[:] = (total + (1 << log2_batches >> 1)) >> log2_batches
        self._backend.to_device(*self._means)
        return [np.array(mean) for mean in self._means]

    def _prepared(self, images: npt.NDArray[np.uint8], hidden: Pass) -> PreparedCalls:
        """The forward passes of the images that are chosen."""
        load = self._spec.plan.pixels.load(self._memory, images=images, chosen=self._chosen)
        layers, memory = self._spec.layers, self._memory
        passes = evaluation(layers, hidden, self._planes, self._more_shift, memory)
        return self._backend.prepare([load, *passes])

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """Logits of images (examples, features): (examples, classes), 1.0 = 64."""
        batch = self._spec.batch
        logits = np.empty((len(images), self._spec.classes), np.int32)
        forward, found = self._prepared(images, Pass.HIDDEN_MEAN), self._memory.array("logits")
        for first in range(0, len(images), batch):
            there = min(batch, len(images) - first)
            # Examples do not meet each other: the last image again fills a short batch.
            self._chosen[:] = np.minimum(np.arange(first, first + batch), len(images) - 1)
            forward.run(0)
            self._backend.to_host(found)
            logits[first : first + there] = found.T[:there]
        return logits

    def error(self, split: Split) -> float:
        """Wrongly classified images, in per cent; of equal logits the lowest class counts."""
        return error_per_cent(self.logits(split.images), split.labels)


def mean_arrays(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Shapes of all means of a net by name, ``mean_0`` first."""
    return {name: shape for layer in spec.layers for name, (shape, _) in layer.means().items()}


def error_per_cent(logits: npt.NDArray[Any], labels: npt.NDArray[np.uint8]) -> float:
    """Wrongly classified images, in per cent; of equal logits the lowest class counts."""
    return 100.0 * float(np.count_nonzero(logits.argmax(axis=1) != labels)) / len(labels)


def evaluation_bytes(classes: int) -> int:
    """What an image takes while it is judged: its logits, the answer, and whether that is wrong."""
    return 4 * classes + 8 + 1


def evaluator(
    backend: Backend, network: Network, precision: Precision, images: npt.NDArray[np.uint8]
) -> tuple[Evaluator, Means]:
    """An evaluator whose means come from ``images`` of the training split, and the means."""
    zeros = [np.zeros(shape, np.int32) for shape in mean_arrays(network.spec).values()]
    new = Evaluator(backend, network, precision, zeros)
    return new, new.take_means(images)
