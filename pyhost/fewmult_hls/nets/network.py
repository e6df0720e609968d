# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Networks: their shape, and their integer state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from ..contract.layouts import MASTER_DTYPES
from ..contract.limits import BATCHES, MAX_WIDTH
from ..contract.method_names import SAMPLED
from ..layers import tensors
from ..layers.base import Image, Layer, Recipe
from ..layers.kinds import Plan
from ..layers.tensors import Tensor
from ..system.errors import UsageError

WeightKind = Literal["ternary", "binary"]
Precision = Literal["8-bit", "ternary", "binary"]

# What a weight takes at most, by measurement.
_BYTES_LARGEST_LAYER = 9
_BYTES_EVERY_LAYER = 7


class Shape:
    """What nets of all methods share: a text that names their layers, and a batch.

    Attributes:
        net: the text, such as ``784-1024-10``.
        batch: examples a step.
    """

    net: str
    batch: int

    @classmethod
    def parse(cls: type[AnyShape], net: str, **options: Any) -> AnyShape:
        """The spec of a net by its text."""
        return cls(net, **options)  # type: ignore[call-arg]

    @classmethod
    def of_widths(cls: type[AnyShape], widths: tuple[int, ...], **options: Any) -> AnyShape:
        """The spec of a net of dense layers alone.

        Raises:
            UsageError: no net has such widths.
        """
        net = "-".join(map(str, widths))
        if min(widths, default=1) < 1:
            raise UsageError(f"net {net}: every width must be 1 to {MAX_WIDTH}")
        return cls(net, **options)  # type: ignore[call-arg]

    @cached_property
    def plan(self) -> Plan:
        """What its text says."""
        return Plan.read(self.net)

    @property
    def name(self) -> str:
        """The text of the net, in which nothing is written in two ways."""
        return self.plan.name

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Values of an example that enter the layers, and those that leave the last."""
        return tuple(signal.image.size for signal in self.plan.signals)

    @property
    def image(self) -> Image:
        """What enters the net."""
        return self.plan.pixels.image

    @property
    def features(self) -> int:
        """Values of an image."""
        return self.image.size

    @property
    def classes(self) -> int:
        """Logits of an image."""
        return self.widths[-1]

    @property
    def recipe(self) -> Recipe:
        """That the net trains with."""
        return self.plan.recipe

    @property
    def precisions(self) -> tuple[str, ...]:
        """The kinds of weights that it is tested with, that of a summary's ``test_error`` first."""
        raise NotImplementedError

    @property
    def memory(self) -> int:
        """Bytes that training takes, about."""
        raise NotImplementedError


AnyShape = TypeVar("AnyShape", bound=Shape)


@dataclass(frozen=True)
class NetworkSpec(Shape):
    """The shape of a network of integers: everything but its state.

    Raises:
        UsageError: the shape is outside what the contract defines.
    """

    net: str
    weights: WeightKind = "ternary"
    master_bits: int = 16
    batch: int = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", self.plan.name)
        if self.batch not in BATCHES:
            choices = ", ".join(map(str, BATCHES))
            raise UsageError(f"batch {self.batch} is not possible: take one of {choices}")
        if self.master_bits not in MASTER_DTYPES:
            raise UsageError(f"master weights have 8 or 16 bits, not {self.master_bits}")
        if self.weights not in ("ternary", "binary"):
            raise UsageError(f"weights are ternary or binary, not {self.weights}")
        if not self.plan.is_dense:
            self.layers  # noqa: B018  # some fit only small batches

    @property
    def layer_sizes(self) -> list[int]:
        """How many weights each layer has."""
        return [layer.weights for layer in self.layers]

    @property
    def memory(self) -> int:
        """Bytes that training takes, by measurement."""
        sizes = self.layer_sizes
        needed = max(sizes) * _BYTES_LARGEST_LAYER + sum(sizes) * _BYTES_EVERY_LAYER
        if not self.plan.is_dense:  # activations and their deltas, which places make many
            needed += 2 * self.batch * sum(self.widths)
        return needed

    @property
    def log2_batch(self) -> int:
        """The batch as a power of two."""
        return self.batch.bit_length() - 1

    @property
    def method(self) -> str:
        """That trains it."""
        return next(name for name, weights in SAMPLED.items() if weights == self.weights)

    @property
    def binary(self) -> bool:
        """Whether the samples of the weights are binary."""
        return self.weights == "binary"

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The kinds of weights that it is tested with, that of a summary's ``test_error`` first.

        They are 8 bits and one plane of its samples' kind. The plane is what validation chooses
        by, and comes first in nets with convolutions: they learn with sharp samples, from which
        weights of 8 bits are further away.
        """
        return (self.weights, "8-bit") if self.recipe.sharpness else ("8-bit", self.weights)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the master weights."""
        return MASTER_DTYPES[self.master_bits]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with their shifts, first to last (contract, section 10)."""
        return self.plan.layers(
            binary=self.binary, master_bits=self.master_bits, log2_batch=self.log2_batch
        )

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What makes up the state, in the order of the fingerprint."""
        layers = (tensor for layer in self.layers for tensor in layer.tensors)
        return (*self.plan.pixels.tensors, *layers)


@dataclass
class Network:
    """A network's integer state: all that training changes.

    Attributes:
        spec: its shape.
        state: arrays by name, ``spec.tensors`` says which.
    """

    spec: NetworkSpec
    state: dict[str, npt.NDArray[Any]] = field(repr=False)

    @classmethod
    def initial(
        cls, spec: NetworkSpec, seed: int, images: npt.NDArray[np.uint8] | None = None
    ) -> Network:
        """The state before the first step (contract, sections 8 and 14).

        Args:
            spec: its shape.
            seed: of its weights' draws.
            images: of the training split, (N, features), from which a net with signed inputs
                takes what is 0.
        """
        state = spec.plan.pixels.start(images)
        for layer in spec.layers:
            state |= layer.start(seed)
        return cls(spec, state)

    @classmethod
    def of_tensors(cls, spec: NetworkSpec, found: Mapping[str, npt.NDArray[Any]]) -> Network:
        """The state that has these ``tensors()``, which may be among others."""
        return cls(spec, {tensor.name: found[tensor.name] for tensor in spec.tensors})

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The state by name: ``weights_0``, ``bias_0``, .."""
        return dict(self.state)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the output layer's arrays."""
        return tuple(tensor.name for tensor in self.spec.layers[-1].tensors)

    @property
    def weights(self) -> list[npt.NDArray[Any]]:
        """Master weights, one (outputs, inputs) array of int8 or int16 a layer that has any."""
        return self._of(tensors.Weights)

    @property
    def biases(self) -> list[npt.NDArray[np.int32]]:
        """One (units,) array of int32 a layer that has any, with 16 fraction bits."""
        return self._of(tensors.Biases)

    def _of(self, sort: type[Tensor]) -> list[npt.NDArray[Any]]:
        return [self.state[t.name] for t in self.spec.tensors if isinstance(t, sort)]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the state (contract, section 11): two runs agree or they do not."""
        digest = hashlib.sha256(self._header())
        for tensor in self.spec.tensors:
            array = self.state[tensor.name]
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def _header(self) -> bytes:
        """Widths alone where they say all of it; else the net's text."""
        spec = self.spec
        if spec.plan.is_dense:
            numbers = [spec.master_bits, len(spec.widths), *spec.widths]
            return b"fewmult-hls state 1\n" + np.array(numbers, "<i4").tobytes()
        numbers = [spec.master_bits, len(spec.net)]
        return b"fewmult-hls state 2\n" + np.array(numbers, "<i4").tobytes() + spec.net.encode()
