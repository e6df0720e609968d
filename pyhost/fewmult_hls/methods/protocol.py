# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a run asks of a method; one file implements each kind (docs/methods.md)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from ..contract.backend import Backend
from ..contract.method_names import FLOATING
from ..datasets import Dataset
from ..nets.network import NetworkSpec
from ..nets.trainer import Learner, Pace

if TYPE_CHECKING:
    from ..runs.config import RunConfig

Tensors = dict[str, npt.NDArray[Any]]


class State(Protocol):
    """All that training changes."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of it."""

    def tensors(self) -> Tensors:
        """The arrays of the state, by name."""


class NetLearner(Learner, Protocol):
    """A learner whose state can be had."""

    def network(self) -> State:
        """A copy of the state."""


class Method(Protocol):
    """How the nets of a run are started, judged and kept."""

    @property
    def schedule(self) -> Pace:
        """The schedule of the run."""

    def start(self) -> NetLearner:
        """A net before its first step."""

    def go_on(self, tensors: Tensors, step: int) -> NetLearner:
        """A net with this state, before this step."""

    def validation_error(self, state: State) -> float:
        """The error in per cent, with the weights that the method deploys."""

    def finish(self, tensors: Tensors, path: Path) -> tuple[State, dict[str, float]]:
        """Writes a model with this state.

        Returns:
            The state, and its test errors in per cent by their names in a summary. This is the
            only place where a run meets the test data.
        """

    def operations(self) -> tuple[int, dict[str, int]]:
        """Multiplications of a training step, and all its operations by name."""


def method_of(config: RunConfig, dataset: Dataset, backend: Backend) -> Method:
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
    spec = config.spec
    if isinstance(spec, NetworkSpec):
        from ..models.model import checked_network

        return checked_network(spec, tensors)
    from .floating.model import checked_float_network
    from .floating.spec import FloatSpec

    assert isinstance(spec, FloatSpec)
    return checked_float_network(spec, tensors)
