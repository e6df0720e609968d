# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz of a floating-point method: a network and the statistics that testing needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..archive import Archive, reading_archive, save_arrays
from ..backend_names import Device
from ..domain import Domain, domain_arrays, read_domain
from ..method_names import FLOAT_MARK
from ..trained import Opened
from .evaluation import FloatEvaluator, Moments, Statistics
from .network import FloatArray, FloatNetwork
from .spec import FloatSpec, Precision

FORMAT = 1


@dataclass(frozen=True)
class FloatModel:
    """A network and what evaluating it needs; see ``trained.Trained``.

    Attributes:
        network: its state.
        statistics: of its sums, by precision of the weights.
        domain: what its inputs and outputs stand for.
    """

    network: FloatNetwork
    statistics: dict[Precision, Statistics]
    domain: Domain = field(default_factory=Domain)

    unit = 1

    @property
    def spec(self) -> FloatSpec:
        """The network's shape."""
        return self.network.spec

    @property
    def fingerprint(self) -> str:
        """Of the network."""
        return self.network.fingerprint

    @property
    def precisions(self) -> tuple[str, ...]:
        """Of the weights that it can run with."""
        return tuple(self.statistics)

    @property
    def deployed(self) -> str:
        """The one of them that training chose by."""
        return self.spec.precisions[0]

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
        return Opened(scorer, lambda: None)


def save_float_model(path: Path, model: FloatModel) -> None:
    """Writes a model, whole or not at all."""
    spec = model.spec
    arrays: dict[str, Any] = {
        FLOAT_MARK: np.int32(FORMAT),
        "method": np.array(spec.method),
        "widths": np.array(spec.widths, np.int32),
        "batch": np.int32(spec.batch),
        "fingerprint": np.array(model.fingerprint),
        **domain_arrays(model.domain),
        **model.network.tensors(),
    }
    for precision, statistics in model.statistics.items():
        for k, moments in enumerate(statistics):
            arrays[f"mean_{precision}_{k}"] = moments.mean
            arrays[f"variance_{precision}_{k}"] = moments.variance
    save_arrays(path, arrays)


def load_float_model(path: Path) -> FloatModel:
    """Reads a model and checks all of it.

    Raises:
        FewmultError: it is damaged.
    """
    with reading_archive(path, "train again, or take another copy") as arrays:
        return _model(arrays)


def _model(arrays: Archive) -> FloatModel:
    if int(arrays[FLOAT_MARK]) != FORMAT:
        raise ValueError(f"format {int(arrays[FLOAT_MARK])} is not known here")
    spec = FloatSpec(
        tuple(int(width) for width in arrays["widths"]),
        str(arrays["method"]),  # type: ignore[arg-type]
        int(arrays["batch"]),
    )
    tensors = {}
    for k, (inputs, outputs) in enumerate(spec.layer_widths):
        shapes = {"weights": (outputs, inputs), "gain": (outputs,), "bias": (outputs,)}
        for name, shape in shapes.items():
            tensors[f"{name}_{k}"] = _finite(arrays, f"{name}_{k}", shape)
    network = FloatNetwork.of_tensors(spec, tensors)
    if network.fingerprint != str(arrays["fingerprint"]):
        raise ValueError("its content does not have its fingerprint")
    statistics = {precision: _statistics(spec, arrays, precision) for precision in spec.precisions}
    return FloatModel(network, statistics, read_domain(arrays, spec))


def _statistics(spec: FloatSpec, arrays: Archive, precision: Precision) -> Statistics:
    statistics = []
    for k, (_, outputs) in enumerate(spec.layer_widths):
        mean = _finite(arrays, f"mean_{precision}_{k}", (outputs,))
        variance = _finite(arrays, f"variance_{precision}_{k}", (outputs,))
        if variance.min() < 0:
            raise ValueError(f"variance_{precision}_{k} has negative values")
        statistics.append(Moments(mean, variance))
    return statistics


def _finite(arrays: Archive, name: str, shape: tuple[int, ...]) -> FloatArray:
    array = arrays[name]
    if array.dtype != np.float32 or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not float32 {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array
