# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz: a trained network on disk, without pickle, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ..backends import open_backend
from ..backends.names import Device
from ..layers.inference import Inference
from ..nets.evaluator import PLANES, Evaluator, Means, mean_arrays
from ..nets.network import Network, NetworkSpec, Precision
from ..system.archive import Archive, checked, reading_archive, save_checked
from .domain import Domain, domain_arrays, read_domain
from .trained import Opened

FORMAT = 4
# The formats before, which are still read.
_WITHOUT_PREPROCESSING = (1, 2, 3)
_WITHOUT_CHECKSUM = (1, 2)
_WITHOUT_DOMAIN = 1
_LARGEST_MEAN = 127 * 127 << 16  # contract, section 4: seven planes


@dataclass(frozen=True)
class Model:
    """A network and what evaluating it needs.

    Attributes:
        network: its state.
        means: of the hidden layers, by precision of the weights: those that it can run with.
        domain: what its inputs and outputs stand for.
        packed_from: fingerprint of the network whose ternary or binary weights these are; None if
            it is this one.
        has_checksum: whether the file that it is from protects more than the network.
    """

    network: Network
    means: dict[Precision, Means]
    domain: Domain = field(default_factory=Domain)
    packed_from: str | None = None
    has_checksum: bool = True

    unit = 64  # contract, section 1: logits have 6 fraction bits

    @property
    def spec(self) -> NetworkSpec:
        """The network's shape."""
        return self.network.spec

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the network as it was trained."""
        return self.packed_from or self.network.fingerprint

    @property
    def precisions(self) -> tuple[str, ...]:
        """The kinds of weights that it can run with."""
        return tuple(self.means)

    @property
    def deployed(self) -> str:
        """The one of them that training chose by."""
        return self.spec.weights

    def inference(self) -> list[Inference]:
        """What it computes with ternary or binary weights, first to last."""
        spec, state = self.spec, self.network.state
        means = self.means[spec.weights]
        arrays = dict(zip(mean_arrays(spec), means, strict=True))
        for layer in spec.layers:
            arrays |= layer.deployed(state, PLANES[spec.weights])
        return [spec.plan.pixels.inference(state), *(one.inference(arrays) for one in spec.layers)]

    def arrays(self) -> dict[str, Any]:
        """All of it, as model.npz has it."""
        network = self.network
        arrays = {
            "format": np.int32(FORMAT),
            **header_arrays(network.spec, self.domain, network.fingerprint),
            **network.tensors(),
        }
        for precision in self.means:
            arrays |= stored_means(self, precision)
        return arrays

    def open(
        self, precision: str, backend: str, threads: int | None, device: Device | None = None
    ) -> Opened:
        """The network with weights of one of ``precisions``, on a backend of its own."""
        opened, chosen = open_backend(backend, threads, device), cast(Precision, precision)
        scorer = Evaluator(opened, self.network, chosen, self.means[chosen])
        return Opened(scorer, opened.close, (precision, backend, threads))


def shape_arrays(spec: NetworkSpec) -> dict[str, Any]:
    """Widths where they say all of a net; else its text."""
    if spec.plan.is_dense:
        return {"widths": np.array(spec.widths, np.int32)}
    return {"net": np.array(spec.net)}


def header_arrays(spec: NetworkSpec, domain: Domain, fingerprint: str) -> dict[str, Any]:
    """Everything but numbers of a model, as arrays."""
    return {
        **shape_arrays(spec),
        "weights_kind": np.array(spec.weights),
        "master_bits": np.int32(spec.master_bits),
        "batch": np.int32(spec.batch),
        **domain_arrays(domain),
        "fingerprint": np.array(fingerprint),
    }


def read_spec(arrays: Archive) -> NetworkSpec:
    """The shape that ``header_arrays`` stored.

    Raises:
        ValueError, KeyError, UsageError: there is none, or it cannot be.
    """
    options = {
        "weights": arrays.text("weights_kind"),
        "master_bits": arrays.integer("master_bits"),
        "batch": arrays.integer("batch"),
    }
    if "net" in arrays:
        return NetworkSpec.parse(arrays.text("net"), **options)
    return NetworkSpec.of_widths(arrays.integers("widths"), **options)


def save_model(path: Path, model: Model) -> None:
    """Writes a model, whole or not at all."""
    save_checked(path, model.arrays())


def load_model(path: Path) -> Model:
    """Reads a model and checks all of it.

    Raises:
        FewmultError: it cannot be read, or is damaged, or not one of ours.
    """
    with reading_archive(path, "train again, or take another copy") as arrays:
        return model_in(arrays)


def model_in(arrays: Archive) -> Model:
    """The model in an archive, all of it checked.

    Raises:
        ValueError, KeyError, UsageError: there is none, or it cannot be.
    """
    version = arrays.integer("format")
    if version != FORMAT and version not in _WITHOUT_PREPROCESSING:
        raise ValueError(f"format {version} is not known here")
    spec = read_spec(arrays)
    network = checked_network(spec, arrays)
    if network.fingerprint != arrays.text("fingerprint"):
        raise ValueError("its content does not have its fingerprint")
    means = {precision: read_means(spec, arrays, precision) for precision in spec.precisions}
    domain = Domain()
    if version != _WITHOUT_DOMAIN:
        has_preprocessing = version not in _WITHOUT_PREPROCESSING
        domain = read_domain(arrays, spec, has_preprocessing=has_preprocessing)
    has_checksum = version not in _WITHOUT_CHECKSUM
    if has_checksum:  # after all else, which says more exactly what is wrong
        arrays.verify()
    return Model(network, means, domain, has_checksum=has_checksum)


def checked_network(spec: NetworkSpec, tensors: Mapping[str, npt.NDArray[Any]]) -> Network:
    """The network with these tensors, which are what training can leave.

    Raises:
        ValueError, KeyError: they are not, or one is missing.
    """
    found = {}
    for t in spec.tensors:
        found[t.name] = checked(t.name, tensors[t.name], t.dtype, t.shape, t.limit)
    return Network(spec, found)


def stored_means(model: Model, precision: Precision) -> dict[str, npt.NDArray[Any]]:
    """The means for weights of a precision, by their names in a file."""
    names = mean_arrays(model.spec)
    stored = (_stored_name(name, precision) for name in names)
    return dict(zip(stored, model.means[precision], strict=True))


def _stored_name(name: str, precision: Precision) -> str:
    return name.replace("mean_", f"mean_{precision}_")


def read_means(spec: NetworkSpec, arrays: Archive, precision: Precision) -> Means:
    """The means for weights of a precision.

    Raises:
        ValueError, KeyError: there are none, or they cannot be.
    """
    means = []
    for mean, shape in mean_arrays(spec).items():
        name = _stored_name(mean, precision)
        means.append(checked(name, arrays[name], np.int32, shape, _LARGEST_MEAN))
    return means
