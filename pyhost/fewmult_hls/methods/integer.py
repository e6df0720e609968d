# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The methods without multiplications, through the kernels of a backend."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.backend import Backend, check_kernels
from ..counting.executed import count_stages, multiplications
from ..counting.formulas import our_step, total
from ..datasets import Dataset
from ..models.domain import domain_of
from ..models.model import Model, save_model
from ..nets.cycles import Cycles
from ..nets.evaluator import Evaluator, Means, evaluator
from ..nets.network import Network, NetworkSpec, Precision
from ..nets.steps import all_calls
from ..nets.trainer import Schedule, Trainer
from .protocol import Method

if TYPE_CHECKING:
    from ..runs.config import RunConfig


_MOST_EXECUTED = 1 << 30  # additions, which the oracle does in seconds


class IntegerMethod(Method[Network]):
    """``binary-qbp`` and ``ternary-qbp``, on a backend that executes the kernels.

    Raises:
        UsageError: the backend cannot train such a net, or its images cannot be moved.
    """

    kind = Network

    def __init__(self, config: RunConfig, dataset: Dataset, backend: Backend) -> None:
        super().__init__(config, dataset)
        spec = config.spec
        assert isinstance(spec, NetworkSpec)
        self._spec, self._backend = spec, backend
        config.augmentation.check(spec.plan.pixels)
        check_kernels(backend, all_calls(spec.layers, config.perturb))
        rest = config.rate_exponent, config.sharpen, spec.recipe.sharpness
        self.schedule = Cycles(config.cycle_list, lambda epochs: Schedule(epochs, *rest))
        self.precisions, self.deployed = spec.precisions, spec.weights

    def initial(self) -> Network:
        """See ``Method``."""
        return Network.initial(self._spec, self._config.seed, self._dataset.train.images)

    def learner(self, state: Network, step: int) -> Trainer:
        """See ``Method``."""
        config = self._config
        return Trainer(self._backend, state, config.seed, step, config.perturb, config.augmentation)

    def judge(self, state: Network, precision: Precision) -> tuple[Evaluator, Means]:
        """See ``Method``; ternary or binary weights take one pass."""
        return evaluator(self._backend, state, precision, self._dataset.train.images)

    def save(self, path: Path, state: Network, statistics: dict[Precision, Means]) -> None:
        """See ``Method``."""
        save_model(path, Model(state, statistics, domain_of(self._dataset)))

    def operations(self) -> tuple[int, dict[str, int]]:
        """Counted while the oracle executes the first step; if that took too long, by formula."""
        config, spec, split = self._config, self._spec, self._dataset.train
        formula = total(our_step(spec, config.rate_exponent, None, config.perturb).values())
        if not spec.plan.is_dense and formula.additions > _MOST_EXECUTED:
            return formula.multiplications, asdict(formula)
        stages = count_stages(
            self.initial(),
            split,
            config.seed,
            config.rate_exponent,
            config.perturb,
            config.augmentation,
        )
        counter = sum(stages.values(), Counter())
        return multiplications(counter), dict(sorted(counter.items()))
