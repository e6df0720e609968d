# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a run asks of a method; one file implements each kind (docs/methods.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy.typing as npt

from ..contract.backend import Backend
from ..contract.method_names import FLOATING
from ..datasets import Dataset, Split
from ..nets.cycles import Pace
from ..nets.trainer import Learner

if TYPE_CHECKING:
    from ..runs.config import RunConfig

Tensors = dict[str, npt.NDArray[Any]]


class State(Protocol):
    """All that training changes."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of it."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the output layer's arrays."""

    def tensors(self) -> Tensors:
        """The arrays of the state, by name."""


class NetLearner(Learner, Protocol):
    """A learner whose state can be had."""

    def network(self) -> State:
        """A copy of the state."""


class Judge(Protocol):
    """A net with the weights of a test."""

    def error(self, split: Split) -> float:
        """Wrongly classified images, in per cent."""


AnyState = TypeVar("AnyState", bound=State)


class Method(ABC, Generic[AnyState]):
    """How the nets of a run are started, judged and kept.

    Args:
        config: of the run.
        dataset: to learn from, validate and test on.

    Attributes:
        kind: of its states, which ``of_tensors`` makes.
        schedule: of the run.
        precisions: of the weights in a test, that of the summary's ``test_error`` first.
        deployed: the one of them that training chooses by.
    """

    kind: Any
    schedule: Pace
    precisions: tuple[str, ...]
    deployed: str

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self._config, self._dataset = config, dataset

    def go_on(self, tensors: Tensors, step: int) -> NetLearner:
        """A net with this state, before this step."""
        return self.learner(self.kind.of_tensors(self._config.spec, tensors), step)

    @abstractmethod
    def initial(self) -> AnyState:
        """The state before the first step, of a run that begins with no other net."""

    @abstractmethod
    def learner(self, state: AnyState, step: int) -> NetLearner:
        """A net in training, before this step."""

    @abstractmethod
    def judge(self, state: AnyState, precision: Any) -> tuple[Judge, Any]:
        """A net to be tested, and the statistics of the training images that it needs."""

    @abstractmethod
    def save(self, path: Path, state: AnyState, statistics: dict[Any, Any]) -> None:
        """Writes a model with the statistics of each precision."""

    @abstractmethod
    def operations(self) -> tuple[int, dict[str, int]]:
        """Multiplications of a training step, and all its operations by name."""

    def validation_error(self, state: AnyState) -> float:
        """The error in per cent, with the weights that the method deploys."""
        judge, _ = self.judge(state, self.deployed)
        return judge.error(self._dataset.validation)

    def finish(self, tensors: Tensors, path: Path) -> tuple[AnyState, dict[str, float]]:
        """Writes a model with this state.

        Returns:
            The state, and its test errors in per cent by their names in a summary. This is the
            only place where a run meets the test data.
        """
        state = self.kind.of_tensors(self._config.spec, tensors)
        errors, statistics = {}, {}
        for precision in self.precisions:
            judge, statistics[precision] = self.judge(state, precision)
            is_first = precision == self.precisions[0]
            error = judge.error(self._dataset.test)
            name = f"test_error_{precision.replace('-', '_')}"
            errors["test_error" if is_first else name] = error
        self.save(path, state, statistics)
        return state, errors


def method_of(config: RunConfig, dataset: Dataset, backend: Backend) -> Method[Any]:
    """The method of a run."""
    if config.method in FLOATING:
        from .floating.method import FloatMethod

        return FloatMethod(config, dataset)
    from .integer import IntegerMethod

    return IntegerMethod(config, dataset, backend)


def checked_state(config: RunConfig, tensors: Tensors) -> State:
    """The state with these tensors, which are what a run of the config can leave.

    Raises:
        ValueError, KeyError: they are not.
    """
    spec: Any = config.spec
    if config.method in FLOATING:
        from .floating.model import checked_float_network

        return checked_float_network(spec, tensors)
    from ..models.model import checked_network

    return checked_network(spec, tensors)
