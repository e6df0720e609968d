# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The methods without multiplications, through the kernels of a backend."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.backend import Backend, check_kernels
from ..counting.executed import count_step, multiplications
from ..counting.formulas import our_step, total
from ..datasets import Dataset
from ..models.domain import domain_of
from ..models.model import Model, save_model
from ..nets.evaluator import Precision, evaluator, precisions
from ..nets.network import Network, NetworkSpec
from ..nets.steps import all_calls
from ..nets.trainer import Schedule, Trainer
from .protocol import State, Tensors

if TYPE_CHECKING:
    from ..runs.config import RunConfig


_MOST_EXECUTED = 1 << 30  # additions, which the oracle does in seconds


class IntegerMethod:
    """``binary-qbp`` and ``ternary-qbp``; see ``methods.protocol.Method``.

    Args:
        config: of the run.
        dataset: to learn from, validate and test on.
        backend: executes the kernels.

    Raises:
        UsageError: the backend cannot train such a net.
    """

    def __init__(self, config: RunConfig, dataset: Dataset, backend: Backend) -> None:
        spec = config.spec
        assert isinstance(spec, NetworkSpec)
        self._spec, self._config, self._dataset, self._backend = spec, config, dataset, backend
        check_kernels(backend, all_calls(spec.layers, config.perturb))
        self.schedule = Schedule(
            config.epochs, config.rate_exponent, config.sharpen, spec.recipe.sharpness
        )

    def start(self) -> Trainer:
        """See ``Method``."""
        return self._trainer(self._first(), 0)

    def _first(self) -> Network:
        return Network.initial(self._spec, self._config.seed, self._dataset.train.images)

    def go_on(self, tensors: Tensors, step: int) -> Trainer:
        """See ``Method``."""
        return self._trainer(Network.of_tensors(self._spec, tensors), step)

    def _trainer(self, network: Network, step: int) -> Trainer:
        config = self._config
        return Trainer(self._backend, network, config.seed, step, config.perturb)

    def validation_error(self, state: State) -> float:
        """The error with ternary or binary weights, of one plane."""
        assert isinstance(state, Network)
        images = self._dataset.train.images
        judge, _ = evaluator(self._backend, state, self._spec.weights, images)
        return judge.error(self._dataset.validation)

    def finish(self, tensors: Tensors, path: Path) -> tuple[Network, dict[str, float]]:
        """See ``Method``."""
        network = Network.of_tensors(self._spec, tensors)
        errors, means = {}, {}
        for precision in precisions(self._spec):
            judge, found = evaluator(self._backend, network, precision, self._dataset.train.images)
            errors[error_name(precision)] = judge.error(self._dataset.test)
            means[precision] = found
        save_model(path, Model(network, means, domain_of(self._dataset)))
        return network, errors

    def operations(self) -> tuple[int, dict[str, int]]:
        """Counted while the oracle executes the first step; if that took too long, by formula."""
        config, spec = self._config, self._spec
        formula = total(our_step(spec, config.rate_exponent, None, config.perturb).values())
        if not spec.plan.is_dense and formula.additions > _MOST_EXECUTED:
            return formula.multiplications, asdict(formula)
        network = self._first()
        counter = count_step(
            network, self._dataset.train, config.seed, config.rate_exponent, config.perturb
        )
        return multiplications(counter), dict(sorted(counter.items()))


def error_name(precision: Precision) -> str:
    """What a summary calls the test error with weights of a precision."""
    return "test_error" if precision == "8-bit" else f"test_error_{precision}"
