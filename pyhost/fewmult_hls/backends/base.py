# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a backend is: kernels on arrays, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Int8Array = npt.NDArray[np.int8]
Int32Array = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


class Pass(IntEnum):
    """What stands behind a product; the same numbers as in kernels/layer.hpp."""

    HIDDEN = 0
    HIDDEN_MEAN = 1
    LOGITS = 2
    OUTPUT = 3
    BACKWARD = 4
    PERTURB = 5

    @property
    def sends_back(self) -> bool:
        """Whether the pass goes against the net: its product is transposed, its units inputs."""
        return self in (Pass.BACKWARD, Pass.PERTURB)


class Key(NamedTuple):
    """Key of the random generator: the seed, and the purpose with its layer."""

    seed: int
    purpose: int


class LayerNumbers(NamedTuple):
    """The numbers of a pass; which of them count depends on the pass."""

    shift: int
    bias_exponent: int = 0
    key: Key = Key(0, 0)
    step: int = 0


@dataclass(frozen=True)
class LayerArrays:
    """The arrays that a pass reads and writes besides the product's; unit-major, (unit, sample).

    Attributes:
        bias: int32 (units,), read; the training passes step it; not for PERTURB.
        result: int8 (units, batch), the activations or deltas; not for LOGITS.
        gate: int8 (units, batch), activations of the units; for BACKWARD and PERTURB.
        mean: int32 (units,), written by HIDDEN, read by HIDDEN_MEAN.
        logits: int32 (units, batch), written by LOGITS and OUTPUT.
        labels: uint8 (batch,), for OUTPUT.
        loss: int32 (1,), OUTPUT adds to it the sum of |delta|.
    """

    bias: Int32Array | None = None
    result: Int8Array | None = None
    gate: Int8Array | None = None
    mean: Int32Array | None = None
    logits: Int32Array | None = None
    labels: npt.NDArray[np.uint8] | None = None
    loss: Int32Array | None = None


class Update(NamedTuple):
    """What a weight update needs to know, the same for a whole layer."""

    shift: int
    binary: bool
    code_key: Key
    weight_key: Key
    step: int
    sharpness: int = 0


class Backend(Protocol):
    """Executes the kernels, in place, on arrays that it allocated (contract, section 9).

    Host and kernels may each have a memory or a cache of their own: ``to_device`` and ``to_host``
    stand where an array passes from one to the other, and cost nothing where there is one memory.
    """

    name: str

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array that the kernels can reach."""

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """The host has written these arrays, in whole: a kernel may read them now."""

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Kernels have written these arrays: the host will read them now."""

    def gather(
        self, images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], inputs: Int8Array
    ) -> None:
        """Input activations (features, batch) of chosen images (N, features): half their pixels."""

    def sample_weights(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        *,
        inputs: int,
        binary: bool,
        key: Key,
        step: int,
        sharpness: int = 0,
    ) -> None:
        """Samples weights (words, outputs, 64) into sign and mask, each (1, words, outputs)."""

    def binary_matmul(
        self,
        source: Int8Array,
        sign: Words,
        mask: Words,
        z: Int32Array,
        *,
        inputs: int,
        transposed: bool,
    ) -> None:
        """Z = T source or T^T source; sign and mask are (planes, words, outputs)."""

    def normalize(
        self, pass_: Pass, z: Int32Array, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        """What stands behind a product whose sums are z, (units, batch)."""

    def layer(
        self,
        pass_: Pass,
        source: Int8Array,
        sign: Words,
        mask: Words,
        arrays: LayerArrays,
        numbers: LayerNumbers,
        *,
        inputs: int,
    ) -> None:
        """binary_matmul and normalize, fused: the sums are never stored."""

    def shift_gradient(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        x: Int8Array,
        deltas: Int8Array,
        update: Update,
    ) -> None:
        """Gradient, update, clip and next sample of a layer, in one sweep."""

    def info(self) -> dict[str, str]:
        """What executes the kernels, for people."""

    def close(self) -> None:
        """Gives back what the backend holds."""


def placed(backend: Backend, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy of an array where the kernels can reach it."""
    place = backend.empty(array.shape, array.dtype)
    place[...] = array
    backend.to_device(place)
    return place
