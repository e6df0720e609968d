# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The floating-point methods as a run sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...counting.formulas import paper_step, total
from ...datasets import Dataset
from ...models.domain import domain_of
from ..protocol import State, Tensors
from .evaluation import float_evaluator
from .model import FloatModel, save_float_model
from .network import FloatNetwork
from .schedule import FloatSchedule
from .spec import FloatSpec, Precision
from .trainer import FloatTrainer

if TYPE_CHECKING:
    from ...runs.config import RunConfig


class FloatMethod:
    """``float`` and ``binary``; see ``methods.protocol.Method``.

    Args:
        config: of the run.
        dataset: to learn from, validate and test on.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        spec = config.spec
        assert isinstance(spec, FloatSpec)
        self._spec, self._seed, self._dataset = spec, config.seed, dataset
        self.schedule = FloatSchedule(config.epochs, config.rate_exponent)

    def start(self) -> FloatTrainer:
        """See ``Method``."""
        return FloatTrainer(FloatNetwork.initial(self._spec, self._seed), self._seed)

    def go_on(self, tensors: Tensors, step: int) -> FloatTrainer:
        """See ``Method``."""
        return FloatTrainer(FloatNetwork.of_tensors(self._spec, tensors), self._seed, step)

    def validation_error(self, state: State) -> float:
        """The error with real-valued weights, as in the paper."""
        assert isinstance(state, FloatNetwork)
        judge = float_evaluator(state, self._spec.precisions[0], self._dataset.train.images)
        return judge.error(self._dataset.validation)

    def finish(self, tensors: Tensors, path: Path) -> tuple[FloatNetwork, dict[str, float]]:
        """See ``Method``."""
        network = FloatNetwork.of_tensors(self._spec, tensors)
        errors, statistics = {}, {}
        for precision in self._spec.precisions:
            judge = float_evaluator(network, precision, self._dataset.train.images)
            errors[error_name(precision)] = judge.error(self._dataset.test)
            statistics[precision] = judge.statistics
        save_float_model(path, FloatModel(network, statistics, domain_of(self._dataset)))
        return network, errors

    def operations(self) -> tuple[int, dict[str, int]]:
        """What the formula of ``fewmult-hls ops`` says: numpy's products of +-1 are not counted."""
        step = paper_step(self._spec.widths, self._spec.batch, self._spec.method, batch_norm=True)
        everything = total(step.values())
        kinds = ("multiplications", "additions", "shifts")
        return everything.multiplications, {kind: getattr(everything, kind) for kind in kinds}


def error_name(precision: Precision) -> str:
    """What a summary calls the test error with weights of a precision."""
    return "test_error" if precision == "real-valued" else f"test_error_{precision}"
