# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz of a floating-point method: a network and the statistics that testing needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...backends.names import Device
from ...contract.method_names import FLOAT_MARK
from ...models.domain import Domain, domain_arrays, read_domain
from ...models.trained import Opened
from ...system.archive import Archive, checked_finite, reading_archive, save_checked
from .evaluation import FloatEvaluator, Moments, Statistics
from .network import FloatArray, FloatNetwork
from .spec import FloatSpec, Precision

FORMAT = 3
# The formats before, which are still read.
_WITHOUT_PREPROCESSING = (1, 2)
_WITHOUT_CHECKSUM = 1


@dataclass(frozen=True)
class FloatModel:
    """A network and what evaluating it needs; as ``models.model.Model``.

    Attributes:
        network: its state.
        statistics: of its sums, by precision of the weights.
        domain: what its inputs and outputs stand for.
        has_checksum: whether the file that it is from protects more than the network.
    """

    network: FloatNetwork
    statistics: dict[Precision, Statistics]
    domain: Domain = field(default_factory=Domain)
    has_checksum: bool = True

    unit = 1

    @property
    def spec(self) -> FloatSpec:
        """The network's shape."""
        return self.network.spec

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the network."""
        return self.network.fingerprint

    @property
    def precisions(self) -> tuple[str, ...]:
        """The kinds of weights that it can run with."""
        return tuple(self.statistics)

    @property
    def deployed(self) -> str:
        """The one of them that training chose by."""
        return self.spec.precisions[0]

    def arrays(self) -> dict[str, Any]:
        """All of it, as model.npz has it."""
        spec = self.spec
        arrays: dict[str, Any] = {
            FLOAT_MARK: np.int32(FORMAT),
            "method": np.array(spec.method),
            "widths": np.array(spec.widths, np.int32),
            "batch": np.int32(spec.batch),
            "fingerprint": np.array(self.fingerprint),
            **domain_arrays(self.domain),
            **self.network.tensors(),
        }
        for precision, statistics in self.statistics.items():
            for k, moments in enumerate(statistics):
                arrays[f"mean_{precision}_{k}"] = moments.mean
                arrays[f"variance_{precision}_{k}"] = moments.variance
        return arrays

    def open(
        self,
        precision: str,
        backend: str,
        threads: int | None,
        device: Device | None = None,
    ) -> Opened:
        """The network in numpy; a backend has nothing to do here."""
        chosen = cast(Precision, precision)
        scorer = FloatEvaluator(self.network, chosen, self.statistics[chosen])
        return Opened(scorer, lambda: None, (precision, backend, threads))


def save_float_model(path: Path, model: FloatModel) -> None:
    """Writes a model, whole or not at all."""
    save_checked(path, model.arrays())


def load_float_model(path: Path) -> FloatModel:
    """Reads a model and checks all of it.

    Raises:
        FewmultError: it is damaged.
    """
    with reading_archive(path, "train again, or take another copy") as arrays:
        return model_in(arrays)


def model_in(arrays: Archive) -> FloatModel:
    """The model in an archive, all of it checked.

    Raises:
        ValueError, KeyError, UsageError: there is none, or it cannot be.
    """
    version = arrays.integer(FLOAT_MARK)
    if version != FORMAT and version not in _WITHOUT_PREPROCESSING:
        raise ValueError(f"format {version} is not known here")
    spec = FloatSpec.of_widths(
        arrays.integers("widths"), method=arrays.text("method"), batch=arrays.integer("batch")
    )
    network = checked_float_network(spec, arrays)
    if network.fingerprint != arrays.text("fingerprint"):
        raise ValueError("its content does not have its fingerprint")
    statistics = {precision: _statistics(spec, arrays, precision) for precision in spec.precisions}
    has_checksum, is_new = version != _WITHOUT_CHECKSUM, version not in _WITHOUT_PREPROCESSING
    domain = read_domain(arrays, spec, has_preprocessing=is_new)
    if has_checksum:  # after all else, which says more exactly what is wrong
        arrays.verify()
    return FloatModel(network, statistics, domain, has_checksum)


def checked_float_network(spec: FloatSpec, tensors: Mapping[str, FloatArray]) -> FloatNetwork:
    """The network with these tensors, which are what training can leave.

    Raises:
        ValueError, KeyError: they are not, or one is missing.
    """
    found = {}
    for k, (inputs, outputs) in enumerate(spec.layer_widths):
        shapes = {"weights": (outputs, inputs), "gain": (outputs,), "bias": (outputs,)}
        for name, shape in shapes.items():
            found[f"{name}_{k}"] = checked_finite(f"{name}_{k}", tensors[f"{name}_{k}"], shape)
    return FloatNetwork.of_tensors(spec, found)


def _statistics(spec: FloatSpec, arrays: Archive, precision: Precision) -> Statistics:
    statistics = []
    for k, (_, outputs) in enumerate(spec.layer_widths):
        mean, variance = (
            checked_finite(name, arrays[name], (outputs,))
            for name in (f"mean_{precision}_{k}", f"variance_{precision}_{k}")
        )
        if variance.min() < 0:
            raise ValueError(f"variance_{precision}_{k} has negative values")
        statistics.append(Moments(mean, variance))
    return statistics
