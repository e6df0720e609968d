# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The state of a network of the floating-point methods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .draws import uniform
from .spec import FloatSpec, Precision

FloatArray = npt.NDArray[Any]

_NAMES = ("weights", "gain", "bias")


@dataclass
class FloatNetwork:
    """All that training changes. The arrays are float32; tests of gradients take float64.

    Attributes:
        spec: its shape.
        weights: one (outputs, inputs) array a layer.
        gains: of the batch normalization, (outputs,) a layer.
        biases: behind the gains, (outputs,) a layer.
    """

    spec: FloatSpec
    weights: list[FloatArray] = field(repr=False)
    gains: list[FloatArray] = field(repr=False)
    biases: list[FloatArray] = field(repr=False)

    @classmethod
    def initial(cls, spec: FloatSpec, seed: int) -> FloatNetwork:
        """The state before the first step: weights uniform within Glorot's bound."""
        weights = []
        for layer, (inputs, outputs) in enumerate(spec.layer_widths):
            weights.append(uniform((outputs, inputs), 2 * spec.bound(layer), seed, layer))
        gains = [np.ones(outputs, np.float32) for outputs in spec.widths[1:]]
        return cls(spec, weights, gains, [np.zeros_like(gain) for gain in gains])

    def copy(self) -> FloatNetwork:
        """Another of the same state."""
        weights, gains, biases = (
            [array.copy() for array in arrays] for arrays in (self.weights, self.gains, self.biases)
        )
        return FloatNetwork(self.spec, weights, gains, biases)

    def test_weights(self, precision: Precision) -> list[FloatArray]:
        """The weights that a test takes: as they are, or the sign of each at its full size."""
        if precision == "real-valued":
            return self.weights
        return [
            np.copysign(np.float32(self.spec.bound(layer)), weights)
            for layer, weights in enumerate(self.weights)
        ]

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The state by name: ``weights_0``, ``gain_0``, ``bias_0``, .."""
        named = {}
        for k, arrays in enumerate(zip(self.weights, self.gains, self.biases, strict=True)):
            for name, array in zip(_NAMES, arrays, strict=True):
                named[f"{name}_{k}"] = array
        return named

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the output layer's arrays."""
        return tuple(f"{name}_{len(self.weights) - 1}" for name in _NAMES)

    @classmethod
    def of_tensors(cls, spec: FloatSpec, tensors: Mapping[str, npt.NDArray[Any]]) -> FloatNetwork:
        """The state that has these ``tensors()``."""
        layers = range(len(spec.layer_widths))
        return cls(spec, *([tensors[f"{name}_{k}"] for k in layers] for name in _NAMES))

    @property
    def finite(self) -> bool:
        """Whether no number has overflowed."""
        return all(bool(np.isfinite(array).all()) for array in self.tensors().values())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the state: two runs on one machine, with one thread count, agree or not."""
        digest = hashlib.sha256(b"fewmult-hls float state 1\n")
        digest.update(np.array([len(self.spec.widths), *self.spec.widths], "<i4").tobytes())
        for arrays in zip(self.weights, self.gains, self.biases, strict=True):
            for array in arrays:
                digest.update(np.ascontiguousarray(array, "<f4").tobytes())
        return digest.hexdigest()
