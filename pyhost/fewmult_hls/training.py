# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The training step and the loop around it (contract, sections 4 to 10)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .backends import Backend, Key, LayerArrays, LayerNumbers, Pass, Update
from .datasets import Split
from .errors import UsageError
from .layouts import unblock_weights
from .networks import Layer, Network
from .oracle.draws import Purpose, purpose_word, shuffle

PHASES = 6  # learning rates of a run, each half of the one before


def learning_rate_exponent(first: int, epoch: int, epochs: int) -> int:
    """log2 of the learning rate in an epoch, which is counted from 0."""
    return first - PHASES * epoch // epochs


def whole_batches(samples: int, batch: int) -> int:
    """How many whole batches there are.

    Raises:
        UsageError: not even one.
    """
    if samples < batch:
        raise UsageError(f"{samples} images are fewer than a batch of {batch}: take a smaller one")
    return samples // batch


class Trainer:
    """A network in the backend's memory, and the step that trains it.

    Args:
        backend: executes the kernels.
        network: the state to start from; it is copied.
        seed: of every random draw, 0 to 2**32 - 1.
        step: number of the next step; not 0 where training goes on.
    """

    def __init__(self, backend: Backend, network: Network, seed: int, step: int = 0) -> None:
        self.spec = network.spec
        self.seed = seed
        self.step_number = step
        self._backend = backend
        self._allocate()
        for layer in self.spec.layers:
            self._weights[layer.index][:] = network.blocks(layer.index)
            self._bias[layer.index][:] = network.biases[layer.index]
            self._sample(layer)

    def _allocate(self) -> None:
        empty, batch = self._backend.empty, self.spec.batch
        layers = self.spec.layers
        self._weights = [empty((la.words, la.outputs, 64), self.spec.dtype) for la in layers]
        self._sign = [empty((1, la.words, la.outputs), np.uint64) for la in layers]
        self._mask = [empty((1, la.words, la.outputs), np.uint64) for la in layers]
        self._bias = [empty((la.outputs,), np.int32) for la in layers]
        self._mean = [empty((la.outputs,), np.int32) for la in layers]
        self._activations = [empty((la.inputs, batch), np.int8) for la in layers]
        self._deltas = [empty((la.outputs, batch), np.int8) for la in layers]
        self._logits = empty((layers[-1].outputs, batch), np.int32)
        self._labels = empty((batch,), np.uint8)
        self._loss = empty((1,), np.int32)

    def _key(self, purpose: Purpose, layer: Layer) -> Key:
        return Key(self.seed, purpose_word(purpose, layer.index))

    def _sample(self, layer: Layer) -> None:
        self._backend.sample_weights(
            self._weights[layer.index],
            self._sign[layer.index],
            self._mask[layer.index],
            inputs=layer.inputs,
            binary=self.spec.binary,
            key=self._key(Purpose.WEIGHTS, layer),
            step=self.step_number,
        )

    def network(self) -> Network:
        """A copy of the state."""
        weights = [
            unblock_weights(blocks, layer.inputs)
            for blocks, layer in zip(self._weights, self.spec.layers, strict=True)
        ]
        return Network(self.spec, weights, [bias.copy() for bias in self._bias])

    def step(self, split: Split, chosen: npt.NDArray[np.int64], rate: int) -> int:
        """One training step.

        Args:
            split: training data, images of as many pixels as the net has inputs.
            chosen: numbers of the images to learn from, (batch,).
            rate: log2 of the learning rate.

        Returns:
            The loss: the sum of |delta| over outputs and batch; 64 is a hinge of 1.0.

        Raises:
            ValueError: the numbers are not one batch.
        """
        if chosen.shape != (self.spec.batch,):
            raise ValueError(f"{chosen.shape} is not one batch of {self.spec.batch}")
        self._backend.gather(split.images, chosen, self._activations[0])
        self._labels[:] = split.labels[chosen]
        self._loss[0] = 0
        for layer in self.spec.layers:
            self._forward(layer, rate)
        for layer in reversed(self.spec.layers):
            if layer.index > 0:
                self._backward(layer, rate)
            self._update(layer, rate)
        self.step_number += 1
        return int(self._loss[0])

    def _forward(self, layer: Layer, rate: int) -> None:
        k = layer.index
        if layer.is_output:
            pass_, exponent = Pass.OUTPUT, self.spec.output_bias_exponent(rate)
            arrays = LayerArrays(
                bias=self._bias[k],
                result=self._deltas[k],
                logits=self._logits,
                labels=self._labels,
                loss=self._loss,
            )
        else:
            pass_, exponent = Pass.HIDDEN, 0
            arrays = LayerArrays(
                bias=self._bias[k], result=self._activations[k + 1], mean=self._mean[k]
            )
        self._backend.layer(
            pass_,
            self._activations[k],
            self._sign[k],
            self._mask[k],
            arrays,
            LayerNumbers(layer.forward_shift, exponent),
            inputs=layer.inputs,
        )

    def _backward(self, layer: Layer, rate: int) -> None:
        k = layer.index
        arrays = LayerArrays(
            bias=self._bias[k - 1], result=self._deltas[k - 1], gate=self._activations[k]
        )
        exponent = self.spec.hidden_bias_exponent(layer, rate)
        numbers = LayerNumbers(
            layer.delta_shift, exponent, self._key(Purpose.DELTAS, layer), self.step_number
        )
        self._backend.layer(
            Pass.BACKWARD,
            self._deltas[k],
            self._sign[k],
            self._mask[k],
            arrays,
            numbers,
            inputs=layer.inputs,
        )

    def _update(self, layer: Layer, rate: int) -> None:
        k = layer.index
        update = Update(
            self.spec.update_shift(layer, rate),
            self.spec.binary,
            self._key(Purpose.CODES, layer),
            self._key(Purpose.WEIGHTS, layer),
            self.step_number,
        )
        self._backend.shift_gradient(
            self._weights[k],
            self._sign[k],
            self._mask[k],
            self._activations[k],
            self._deltas[k],
            update,
        )


@dataclass(frozen=True)
class Epoch:
    """What one epoch of training came to.

    Attributes:
        epoch: counted from 1.
        step: steps taken since the start of the run.
        rate_exponent: log2 of the learning rate.
        hinge: mean hinge of a sample, summed over the outputs.
        seconds: time in training steps.
        samples_per_second: over the training steps alone.
    """

    epoch: int
    step: int
    rate_exponent: int
    hinge: float
    seconds: float
    samples_per_second: float


def train_epochs(
    trainer: Trainer,
    split: Split,
    epochs: int,
    first_rate: int,
    on_step: Callable[[int, int, float], None] = lambda epoch, step, hinge: None,
) -> Iterator[Epoch]:
    """Trains epoch by epoch, each in an order of its own; a last, incomplete batch is left out.

    Args:
        trainer: at step 0.
        split: training data, at least one batch.
        epochs: how many.
        first_rate: log2 of the learning rate at the start.
        on_step: called after every step with the epoch from 1, its step from 1, and the hinge.
    """
    batch = trainer.spec.batch
    steps = whole_batches(len(split.labels), batch)
    for epoch in range(epochs):
        order = shuffle(trainer.seed, epoch, len(split.labels))
        rate = learning_rate_exponent(first_rate, epoch, epochs)
        loss = 0
        start = time.perf_counter()
        for k in range(steps):
            chosen = order[k * batch : (k + 1) * batch]
            step_loss = trainer.step(split, chosen, rate)
            loss += step_loss
            on_step(epoch + 1, k + 1, mean_hinge(step_loss, batch))
        seconds = time.perf_counter() - start
        yield Epoch(
            epoch=epoch + 1,
            step=trainer.step_number,
            rate_exponent=rate,
            hinge=mean_hinge(loss, steps * batch),
            seconds=seconds,
            samples_per_second=steps * batch / seconds,
        )


def mean_hinge(loss: int, samples: int) -> float:
    """The hinge of a sample, summed over the outputs, from a sum of |delta|."""
    return loss / 64 / samples
