# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Files of models, changed and damaged: each is refused in a line, or is the model it was."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewmult_hls.layers.tensors import Biases, Weights
from fewmult_hls.models.domain import Domain
from fewmult_hls.models.model import Model
from fewmult_hls.nets.evaluator import mean_arrays
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.system.archive import checksum
from fewmult_hls.system.errors import FewmultError

Arrays = dict[str, npt.NDArray[Any]]
Load = Callable[[Path], Model]


def extreme(spec: NetworkSpec, seed: int, domain: Domain | None = None) -> Model:
    """Weights around the ternary threshold, and biases of all sizes."""
    generator = np.random.default_rng(seed)
    half = 1 << (spec.master_bits - 2)
    state = {}
    for tensor in spec.tensors:
        if isinstance(tensor, Weights):
            choices = np.array([0, 1, half - 1, half, half + 1, half * 3 // 2])
            array = generator.choice(choices, tensor.shape)
            array *= generator.choice((-1, 1), tensor.shape)
        elif isinstance(tensor, Biases):
            array = generator.integers(-(1 << 16), 1 << 18, tensor.shape)
            array[:2] = (-tensor.limit, tensor.limit)
        else:
            array = generator.integers(0, tensor.limit + 1, tensor.shape)
        state[tensor.name] = array.astype(tensor.dtype)
    shapes = mean_arrays(spec).values()
    means = [generator.integers(-100, 100, shape).astype(np.int32) for shape in shapes]
    return Model(Network(spec, state), {spec.weights: means, "8-bit": means}, domain or Domain())


def read(load: Load, path: Path, content: bytes) -> Model | None:
    """None where it is refused."""
    path.write_bytes(content)
    try:
        return load(path)
    except FewmultError as error:
        message = str(error)
    assert message.startswith(f"{path} is damaged or not a model of fewmult-hls (")
    assert "\n" not in message
    return None


def refused_flips(load: Load, path: Path, good: bytes) -> float:
    """The share of the bytes that are missed where one is another; the rest changes nothing."""
    original = read(load, path, good)
    assert original is not None
    generator = np.random.default_rng(1)
    refused = 0
    positions = range(0, len(good), 3)
    for position in positions:
        damaged = bytearray(good)
        damaged[position] ^= int(generator.integers(1, 256))
        model = read(load, path, bytes(damaged))
        # A time stamp, for one, may change.
        assert model is None or same(model, original), position
        refused += model is None
    return refused / len(positions)


def same(one: Model, other: Model) -> bool:
    """Whether two models are equal in all that answers."""
    pairs = zip(one.means.items(), other.means.items(), strict=True)
    return (
        one.network.fingerprint == other.network.fingerprint
        and one.network.spec == other.network.spec
        and (one.fingerprint, one.domain) == (other.fingerprint, other.domain)
        and all(
            a == b and all(map(np.array_equal, mine, theirs)) for (a, mine), (b, theirs) in pairs
        )
    )


def changed(good: bytes, change: Callable[[Arrays], Any], *, sign: bool = False) -> bytes:
    """The file with other arrays, and with the checksum that fits them if it is to be signed."""
    with np.load(io.BytesIO(good)) as archive:
        arrays = dict(archive)
    change(arrays)
    if sign:
        del arrays["sha256"]
        arrays["sha256"] = np.array(checksum(arrays))
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
