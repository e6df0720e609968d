# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The floating-point methods as a run sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...counting.formulas import paper_step, total
from ...datasets import Dataset
from ...models.domain import domain_of
from ...nets.cycles import Cycles
from ..protocol import Method
from .evaluation import FloatEvaluator, Statistics, take_statistics
from .model import FloatModel, save_float_model
from .network import FloatNetwork
from .schedule import FloatSchedule
from .spec import FloatSpec, Precision
from .trainer import FloatTrainer

if TYPE_CHECKING:
    from ...runs.config import RunConfig


class FloatMethod(Method[FloatNetwork]):
    """``float`` and ``binary``, tested with real-valued weights first, as in the paper."""

    kind = FloatNetwork

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        super().__init__(config, dataset)
        assert isinstance(config.spec, FloatSpec)
        self._spec = config.spec
        shift = config.rate_exponent
        self.schedule = Cycles(config.cycle_list, lambda epochs: FloatSchedule(epochs, shift))
        self.precisions, self.deployed = self._spec.precisions, self._spec.precisions[0]

    def initial(self) -> FloatNetwork:
        """See ``Method``."""
        return FloatNetwork.initial(self._spec, self._config.seed)

    def learner(self, state: FloatNetwork, step: int) -> FloatTrainer:
        """See ``Method``."""
        return FloatTrainer(state, self._config.seed, step)

    def judge(self, state: FloatNetwork, precision: Precision) -> tuple[FloatEvaluator, Statistics]:
        """See ``Method``."""
        statistics = take_statistics(state, precision, self._dataset.train.images)
        return FloatEvaluator(state, precision, statistics), statistics

    def save(
        self, path: Path, state: FloatNetwork, statistics: dict[Precision, Statistics]
    ) -> None:
        """See ``Method``."""
        save_float_model(path, FloatModel(state, statistics, domain_of(self._dataset)))

    def operations(self) -> tuple[int, dict[str, int]]:
        """What the formula of ``fewmult-hls ops`` says: numpy's products of +-1 are not counted."""
        step = paper_step(self._spec.plan, self._spec.batch, self._spec.method, batch_norm=True)
        everything = total(step.values())
        kinds = ("multiplications", "additions", "shifts")
        return everything.multiplications, {kind: getattr(everything, kind) for kind in kinds}
