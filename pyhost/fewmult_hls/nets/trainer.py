# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The training step and the loop around it (contract, sections 4 to 10)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..contract.backend import Backend, PreparedCalls
from ..contract.calls import Call, LoadBatch
from ..contract.limits import PHASES
from ..layers.augmentation import AS_THEY_ARE, Augmentation
from ..layers.memory import Memory
from ..oracle.draws import shuffle
from ..system.errors import UsageError
from ..system.interrupts import held_back
from .cycles import Pace
from .network import Network
from .steps import Moment, sampling, sharing_arrays, training_arrays, training_step

if TYPE_CHECKING:
    from ..datasets import Split

_HELD_SECONDS = 0.02  # for which an interrupt may wait


class Learner(Protocol):
    """A net in training; see ``Trainer``.

    Attributes:
        seed: of every random draw.
        step_number: of the next step.
        hinge_one: what a hinge of 1.0 adds to the loss.
    """

    seed: int
    step_number: int
    hinge_one: int

    @property
    def batch(self) -> int:
        """Examples a step."""

    def step(self, split: Split, chosen: npt.NDArray[np.int64], rate: Any, sharpness: int) -> float:
        """Learns from one batch and returns its loss."""


@dataclass(frozen=True)
class Schedule:
    """How a run's numbers follow from the epoch, which is counted from 0 (contract, section 10).

    Attributes:
        epochs: of the whole run.
        first_rate: log2 of the learning rate at the start.
        sharpen: phases at the end that halve the spread of the weights' samples, each once more.
        least_sharpness: how often it is halved from the first step on.
    """

    epochs: int
    first_rate: int
    sharpen: int = 0
    least_sharpness: int = 0

    def _phase(self, epoch: int) -> int:
        return PHASES * epoch // self.epochs

    def rate(self, epoch: int) -> int:
        """log2 of the learning rate."""
        return self.first_rate - self._phase(epoch)

    def sharpness(self, epoch: int) -> int:
        """How often the spread of the samples is halved."""
        more = max(0, self._phase(epoch) - (PHASES - 1 - self.sharpen))
        return self.least_sharpness + more


def whole_batches(examples: int, batch: int) -> int:
    """How many whole batches there are.

    Raises:
        UsageError: not even one.
    """
    if examples < batch:
        raise UsageError(f"{examples} images are fewer than a batch of {batch}: take a smaller one")
    return examples // batch


class Trainer:
    """A network in the backend's memory, and the step that trains it.

    Args:
        backend: executes the kernels.
        network: the state to start from; it is copied.
        seed: of every random draw, 0 to 2**32 - 1.
        step: number of the next step; not 0 where training goes on.
        perturbation: by how much inputs are moved against the net for a second step on every
            batch, a power of two; 0 for no such step (contract, section 13).
        augmentation: what happens to the images before they are learned from.
    """

    hinge_one = 64

    def __init__(
        self,
        backend: Backend,
        network: Network,
        seed: int,
        step: int = 0,
        perturbation: int = 0,
        augmentation: Augmentation = AS_THEY_ARE,
    ) -> None:
        self.spec = network.spec
        self.seed = seed
        self.step_number = step
        self.perturbation = perturbation
        self._augmentation = augmentation
        self._backend = backend
        arrays = training_arrays(self.spec, perturbed=perturbation > 0)
        sharing = sharing_arrays(self.spec) if backend.in_order else []
        self._memory = Memory.allocated(arrays, backend.empty, sharing)
        self._chosen = np.zeros(self.spec.batch, np.int64)
        self._sharpness = 0
        self._prepared: tuple[Any, PreparedCalls] | None = None
        for tensor in self.spec.tensors:
            array = self._memory.array(tensor.name)
            array[...] = tensor.placed(network.state[tensor.name])
            backend.to_device(array)
        self._sample()

    @property
    def batch(self) -> int:
        """Examples a step."""
        return self.spec.batch

    def _sample(self) -> None:
        for call in sampling(self.spec.layers, self._sharpness, self.seed, self._memory):
            self._backend.run(call.at(self.step_number))

    def network(self) -> Network:
        """A copy of the state."""
        tensors = self.spec.tensors
        arrays = [self._memory.array(tensor.name) for tensor in tensors]
        self._backend.to_host(*arrays)
        taken = {t.name: t.taken(array) for t, array in zip(tensors, arrays, strict=True)}
        return Network(self.spec, taken)

    def step(
        self, split: Split, chosen: npt.NDArray[np.int64], rate: int, sharpness: int = 0
    ) -> int:
        """Learns from one batch: a training step, and with a perturbation another.

        Args:
            split: training data, images of as many pixels as the net has inputs.
            chosen: numbers of the images to learn from, (batch,).
            rate: log2 of the learning rate.
            sharpness: how often the spread of the weights' samples is halved.

        Returns:
            The loss before: the sum of |delta| over outputs and batch; 64 is a hinge of 1.0.

        Raises:
            ValueError: the numbers are not one batch.
        """
        if chosen.shape != (self.spec.batch,):
            raise ValueError(f"{chosen.shape} is not one batch of {self.spec.batch}")
        if sharpness != self._sharpness:  # the last update sampled with another one
            self._sharpness = sharpness
            self._sample()
        self._chosen[:] = chosen
        self._calls(split, Moment(rate, sharpness)).run(self.step_number)
        self.step_number += 2 if self.perturbation else 1
        loss = self._memory.array("loss")
        self._backend.to_host(loss)
        return int(loss[0])

    def _calls(self, split: Split, now: Moment) -> PreparedCalls:
        """The calls of a step, made again where the data, the rate or the sharpness changed."""
        key = (split, now)
        if self._prepared is None or self._prepared[0] != key:
            layers, memory = self.spec.layers, self._memory
            step = training_step(layers, now, self.seed, self.perturbation, memory)
            inputs = [self._load(split), *self._augment()]
            self._prepared = key, self._backend.prepare([*inputs, *step])
        return self._prepared[1]

    def _augment(self) -> Sequence[Call]:
        pixels = self.spec.plan.pixels
        return self._augmentation.calls(pixels, self._memory, self._chosen, self.seed)

    def _load(self, split: Split) -> LoadBatch:
        return self.spec.plan.pixels.load(
            self._memory,
            images=split.images,
            answers=split.labels,
            chosen=self._chosen,
            labels=self._memory["labels"],
            loss=self._memory["loss"],
            moved_loss=self._memory["moved_loss"] if self.perturbation else None,
        )


@dataclass(frozen=True)
class Epoch:
    """What one epoch of training came to.

    Attributes:
        epoch: counted from 1.
        step: steps taken since the start of the run.
        rate_exponent: log2 of the learning rate.
        hinge: mean hinge of an example, summed over the outputs.
        seconds: time in training steps.
        samples_per_second: over the training steps alone.
    """

    epoch: int
    step: int
    rate_exponent: float
    hinge: float
    seconds: float
    samples_per_second: float


@dataclass
class Progress:
    """Where a run is; with the trainer's state and step number it is all that going on needs.

    Attributes:
        epoch: the one in which the next step is, counted from 0.
        batch: batches of this epoch that were learned from.
        loss: their summed loss.
        seconds: time that their steps took.
    """

    epoch: int = 0
    batch: int = 0
    loss: float = 0
    seconds: float = 0.0


def train_epochs(
    trainer: Learner,
    split: Split,
    schedule: Pace,
    on_step: Callable[[int, int, float], None] = lambda epoch, step, hinge: None,
    progress: Progress | None = None,
) -> Iterator[Epoch]:
    """Trains epoch by epoch, each in an order of its own; a last, incomplete batch is left out.

    Args:
        trainer: at the step that ``progress`` says.
        split: training data, at least one batch.
        schedule: of the whole run.
        on_step: called after every batch with the epoch from 1, its batch from 1, and the hinge.
            What it raises ends the training between two batches, with ``progress`` up to date.
        progress: where to go on from, kept up to date; the start of a run by default.
    """
    batches = whole_batches(len(split.labels), trainer.batch)
    at = progress if progress is not None else Progress()
    while at.epoch < schedule.epochs:
        _train_epoch(trainer, split, schedule, on_step, at, batches)
        yield Epoch(
            epoch=at.epoch + 1,
            step=trainer.step_number,
            rate_exponent=schedule.rate(at.epoch),
            hinge=mean_hinge(trainer, at.loss, batches),
            seconds=at.seconds,
            samples_per_second=batches * trainer.batch / max(at.seconds, 1e-9),
        )
        # Only now: an epoch whose evaluation was interrupted is handed out again.
        at.epoch, at.batch, at.loss, at.seconds = at.epoch + 1, 0, 0, 0.0


def _train_epoch(
    trainer: Learner,
    split: Split,
    schedule: Pace,
    on_step: Callable[[int, int, float], None],
    at: Progress,
    batches: int,
) -> None:
    """The batches of an epoch that are left."""
    batch = trainer.batch
    order = shuffle(trainer.seed, at.epoch, len(split.labels))
    rate, sharpness = schedule.rate(at.epoch), schedule.sharpness(at.epoch)
    before, start = at.seconds, time.perf_counter()
    while at.batch < batches:
        # So that what is there after an interrupt can be saved; for several batches at a time: for
        # each one it would take as long as a small net's step.
        with held_back():
            end = time.perf_counter() + _HELD_SECONDS
            while at.batch < batches and time.perf_counter() < end:
                chosen = order[at.batch * batch : (at.batch + 1) * batch]
                loss = trainer.step(split, chosen, rate, sharpness)
                at.batch += 1
                at.loss += loss
                at.seconds = before + time.perf_counter() - start
                on_step(at.epoch + 1, at.batch, mean_hinge(trainer, loss, 1))


def mean_hinge(trainer: Learner, loss: float, batches: int) -> float:
    """The hinge of an example, summed over the outputs, from the loss of some batches."""
    return loss / trainer.hinge_one / (batches * trainer.batch)
