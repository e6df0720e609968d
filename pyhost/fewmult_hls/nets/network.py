# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Networks: their shape, the shifts that follow from it, and their integer state."""

from __future__ import annotations

import hashlib
import re
import reprlib
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from ..contract.layouts import WORD_BITS, block_weights, unblock_weights
from ..contract.limits import BATCHES
from ..layers.dense import Dense
from ..oracle.draws import Purpose, purpose_word, weight_halves
from ..oracle.weights import initial_weights
from ..system.errors import UsageError

WeightKind = Literal["ternary", "binary"]

MAX_WIDTH = 1 << 16
MAX_LAYERS = 4096  # a config names them all, and takes no more bytes than a reader allows
MAX_CLASSES = 256
MASTER_DTYPES: dict[int, np.dtype[Any]] = {8: np.dtype(np.int8), 16: np.dtype(np.int16)}

# int() would also take blanks, underscores and other alphabets.
_NET = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})*")
_PIXEL_FRACTION = 7
_ACTIVATION_FRACTION = 5
_OUTPUT_DELTA_EXPONENT = -5
_SETTLED_DEPTH = 3  # hidden layers; a net with fewer has a larger output gain,
_LARGEST_GAIN = 2  # of at most so many bits
_BINARY_QUARTERS = 3  # bits / 4 that a binary sample's sum is larger than a ternary one's

# What a weight takes at most, by measurement.
_BYTES_LARGEST_LAYER = 9
_BYTES_EVERY_LAYER = 7


def grown_bits(width: int, quarters: int = 0) -> int:
    """How many bits a sum of ``width`` random terms grows by: log2(sqrt(width)), rounded.

    Args:
        width: number of terms.
        quarters: quarter bits to add before rounding.
    """
    twice_log2 = (width * width).bit_length() - 1
    return (twice_log2 + 2 + quarters) // 4


class Shape:
    """What nets of all methods share: widths, from inputs to classes, and a batch."""

    widths: tuple[int, ...]
    batch: int

    @classmethod
    def parse(cls: type[AnyShape], net: str, **options: Any) -> AnyShape:
        """The spec of a net written as widths joined by dashes: ``784-1024-10``."""
        if not _NET.fullmatch(net):
            raise UsageError(
                f"net {reprlib.repr(net)} is not widths joined by dashes, such as 64-256-10"
            )
        return cls(tuple(map(int, net.split("-"))), **options)  # type: ignore[call-arg]

    def check_widths(self) -> None:
        """Whether there can be such a net.

        Raises:
            UsageError: there cannot.
        """
        if len(self.widths) < 2:
            raise UsageError("a net needs at least two widths, such as 64-10")
        if len(self.widths) > MAX_LAYERS + 1:
            raise UsageError(
                f"a net of {len(self.widths) - 1:,} layers is too deep: take at most {MAX_LAYERS:,}"
            )
        if not all(1 <= width <= MAX_WIDTH for width in self.widths):
            raise UsageError(f"net {self.name}: every width must be 1 to {MAX_WIDTH}")
        if self.widths[-1] > MAX_CLASSES:
            raise UsageError(f"net {self.name}: at most {MAX_CLASSES} outputs, a label is a byte")

    @property
    def name(self) -> str:
        """The widths joined by dashes."""
        return "-".join(map(str, self.widths))

    @property
    def layer_sizes(self) -> list[int]:
        """How many weights each layer has."""
        return [inputs * outputs for inputs, outputs in pairwise(self.widths)]

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

    widths: tuple[int, ...]
    weights: WeightKind = "ternary"
    master_bits: int = 16
    batch: int = 128

    def __post_init__(self) -> None:
        self.check_widths()
        if self.batch not in BATCHES:
            choices = ", ".join(map(str, BATCHES))
            raise UsageError(f"batch {self.batch} is not possible: take one of {choices}")
        if self.master_bits not in MASTER_DTYPES:
            raise UsageError(f"master weights have 8 or 16 bits, not {self.master_bits}")
        if self.weights not in ("ternary", "binary"):
            raise UsageError(f"weights are ternary or binary, not {self.weights}")

    @property
    def memory(self) -> int:
        """Bytes that training takes, by measurement."""
        sizes = self.layer_sizes
        return max(sizes) * _BYTES_LARGEST_LAYER + sum(sizes) * _BYTES_EVERY_LAYER

    @property
    def log2_batch(self) -> int:
        """The batch as a power of two."""
        return self.batch.bit_length() - 1

    @property
    def binary(self) -> bool:
        """Whether the samples of the weights are binary."""
        return self.weights == "binary"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the master weights."""
        return MASTER_DTYPES[self.master_bits]

    @cached_property
    def layers(self) -> tuple[Dense, ...]:
        """The layers with their shifts, first to last (contract, section 10)."""
        last = len(self.widths) - 2
        layers: list[Dense] = []
        exponent = _OUTPUT_DELTA_EXPONENT
        for index in range(last, -1, -1):
            layer = self._layer(index, index == last, exponent)
            layers.append(layer)
            exponent = layer.sent_exponent + layer.delta_shift
        return tuple(reversed(layers))

    def _layer(self, index: int, is_output: bool, exponent: int) -> Dense:
        inputs, outputs = self.widths[index : index + 2]
        shift = grown_bits(inputs, _BINARY_QUARTERS if self.binary else 0) - int(index > 0)
        if is_output:
            shift -= min(max(_SETTLED_DEPTH - index, 0), _LARGEST_GAIN)
        return Dense(
            index=index,
            inputs=inputs,
            outputs=outputs,
            is_output=is_output,
            forward_shift=max(shift, 0),
            delta_shift=grown_bits(outputs) + int(is_output),
            delta_exponent=exponent,
            input_fraction=_PIXEL_FRACTION if index == 0 else _ACTIVATION_FRACTION,
            binary=self.binary,
            master_bits=self.master_bits,
            log2_batch=self.log2_batch,
        )


@dataclass
class Network:
    """A network's integer state: all that training changes.

    Attributes:
        spec: its shape.
        weights: master weights, one (outputs, inputs) array of int8 or int16 a layer.
        biases: one (outputs,) array of int32 a layer, with 16 fraction bits.
    """

    spec: NetworkSpec
    weights: list[npt.NDArray[Any]] = field(repr=False)
    biases: list[npt.NDArray[np.int32]] = field(repr=False)

    @classmethod
    def initial(cls, spec: NetworkSpec, seed: int) -> Network:
        """The state before the first step (contract, section 8)."""
        weights = []
        for layer in spec.layers:
            key = (seed, purpose_word(Purpose.INIT, layer.index))
            blocks = np.empty((layer.words, layer.outputs, WORD_BITS), spec.dtype)
            for word in range(layer.words):  # 64-bit integers for all would outweigh the net
                halves = weight_halves(key, 1, layer.outputs, step=0, first=word)
                blocks[word] = initial_weights(halves[0], spec.master_bits)
            weights.append(unblock_weights(blocks, layer.inputs))
        return cls(spec, weights, [np.zeros(layer.outputs, np.int32) for layer in spec.layers])

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The state by name: ``weights_0``, ``bias_0``, .."""
        named = {}
        for k, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named[f"weights_{k}"], named[f"bias_{k}"] = weights, bias
        return named

    @classmethod
    def of_tensors(cls, spec: NetworkSpec, tensors: dict[str, npt.NDArray[Any]]) -> Network:
        """The state that has these ``tensors()``."""
        layers = range(len(spec.layers))
        return cls(
            spec,
            [tensors[f"weights_{k}"] for k in layers],
            [tensors[f"bias_{k}"] for k in layers],
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the state (contract, section 11): two runs agree or they do not."""
        digest = hashlib.sha256(b"fewmult-hls state 1\n")
        header = [self.spec.master_bits, len(self.spec.widths), *self.spec.widths]
        digest.update(np.array(header, "<i4").tobytes())
        for weights, bias in zip(self.weights, self.biases, strict=True):
            digest.update(np.ascontiguousarray(weights, weights.dtype.newbyteorder("<")).tobytes())
            digest.update(bias.astype("<i4").tobytes())
        return digest.hexdigest()

    def blocks(self, layer: int) -> npt.NDArray[Any]:
        """A layer's weights as the kernels take them: (word columns, outputs, 64), a copy."""
        return block_weights(self.weights[layer])
