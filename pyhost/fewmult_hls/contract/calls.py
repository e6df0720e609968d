# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of kernels: a record a kernel, whose fields are the arguments of the kernel's top.

``kernels/calls.hpp`` has the same records for C++, and tests hold both against the tops. Backends
execute records, a training step is a list of them, and what counts or prices a step reads the same
list. Arrays lie as docs/arithmetic.md, section 9, says; they are None in a list that is not to be
executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from functools import cache, cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from .layouts import WORD_BITS, word_columns
from .limits import ACTIVATION_MAX
from .stages import Stage
from .window import Window

Array = Any
"""A numpy array, or None in a list of calls that is not to be executed."""
Shape = tuple[int, ...]

_STEPS = 1 << 32  # the counter of draws wraps


class Access(NamedTuple):
    """Which arrays of a call are read, and which are written; one may be both.

    Attributes:
        reads: names of arrays.
        writes: names of arrays, each of them wholly written.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once."""
        return tuple(dict.fromkeys([*self.reads, *self.writes]))


class Pass(IntEnum):
    """A pass over a layer: a product and its epilogue; numbered as in kernels/calls.hpp."""

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


EPILOGUES: Mapping[Pass, Access] = {
    Pass.HIDDEN: Access(("bias",), ("mean", "result")),
    Pass.HIDDEN_MEAN: Access(("bias", "mean"), ("result",)),
    Pass.LOGITS: Access(("bias",), ("logits",)),
    Pass.OUTPUT: Access(("bias", "labels", "loss"), ("bias", "logits", "result", "loss")),
    Pass.BACKWARD: Access(("bias", "gate"), ("bias", "result")),
    Pass.PERTURB: Access(("gate",), ("result",)),
}
"""What the epilogue of each pass reads and writes (contract, sections 5, 6 and 13)."""

DTYPES: Mapping[str, npt.DTypeLike] = {
    "sign": np.uint64,
    "mask": np.uint64,
    "source": np.int8,
    "gate": np.int8,
    "result": np.int8,
    "x": np.int8,
    "deltas": np.int8,
    "labels": np.uint8,
    "bias": np.int32,
    "mean": np.int32,
    "logits": np.int32,
    "loss": np.int32,
    "z": np.int32,
    "images": np.uint8,
    "offsets": np.uint8,
    "pooled": np.int8,
    "answers": np.uint8,
    "chosen": np.int64,
    "moved_loss": np.int32,
}
"""Of every array but ``weights``, whose type its call says."""

C = TypeVar("C", bound="Call")
Enter = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def _unwatched(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array


class Call:
    """What all calls have."""

    kernel: ClassVar[str]
    access: Access

    def shapes(self) -> dict[str, Shape]:
        """The shapes of all arrays that the kernel can be given, by name."""
        raise NotImplementedError

    def dtype(self, name: str) -> np.dtype[Any]:
        """The type of an array's elements."""
        return np.dtype(DTYPES[name])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that this call reads or writes and that are there, by name."""
        found = {name: getattr(self, name) for name in self.access.names}
        return {name: array for name, array in found.items() if array is not None}

    def numbers(self) -> dict[str, int]:
        """The numbers of the call, by the names of the top's arguments."""
        return {argument: int(getattr(self, name)) for name, argument in _numbers(type(self))}  # type: ignore[arg-type]

    def at(self: C, step: int) -> C:
        """The call so many steps later: its draws are others, if it has any."""
        if not hasattr(self, "step"):
            return self
        return replace(self, step=(self.step + step) % _STEPS)  # type: ignore[type-var]

    def with_arrays(self: C, arrays: Mapping[str, npt.NDArray[Any]]) -> C:
        """The call on other arrays."""
        return replace(self, **arrays)  # type: ignore[type-var]

    def check(self) -> None:
        """Whether the arrays that the call needs are there, and are what they should be.

        Raises:
            TypeError: one is missing, or of another type.
            ValueError: one has another shape.
        """
        shapes = self.shapes()
        for name in self.access.names:
            array, dtype = getattr(self, name), self.dtype(name)
            if not isinstance(array, np.ndarray):
                raise TypeError(f"this call needs the array {name}")
            if array.dtype != dtype:
                raise TypeError(f"{name} must be {dtype}, not {array.dtype}")
            if array.shape != shapes[name]:
                raise ValueError(f"{name} must have shape {shapes[name]}, not {array.shape}")


@cache
def _numbers(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """Fields that are no arrays, which may be missing, and the arguments that they are."""
    found = (field for field in fields(kind) if field.default is not None)
    return tuple((field.name, field.name.rstrip("_")) for field in found)


def _packed(planes: int, inputs: int, outputs: int) -> dict[str, Shape]:
    words = (planes, word_columns(inputs), outputs)
    return {"sign": words, "mask": words}


def _epilogue(units: int, batch: int) -> dict[str, Shape]:
    """Shapes of all arrays that an epilogue may have."""
    each, one = (units, batch), (units,)
    return {
        **{"gate": each, "labels": (batch,), "bias": one, "mean": one},
        **{"logits": each, "result": each, "loss": (1,)},
    }


class Batched(Call):
    """What calls on a batch share."""

    log2_batch: int

    @property
    def batch(self) -> int:
        """How many examples the batch has."""
        return 1 << self.log2_batch


class Sampling(Call):
    """What calls share that sample master weights."""

    master_bits: int
    inputs: int
    outputs: int

    def _weights(self) -> dict[str, Shape]:
        packed = _packed(1, self.inputs, self.outputs)
        return {"weights": (*packed["sign"][1:], WORD_BITS), **packed}

    def dtype(self, name: str) -> np.dtype[Any]:
        """See ``Call``."""
        return np.dtype(f"int{self.master_bits}") if name == "weights" else super().dtype(name)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleWeights(Sampling):
    """Samples of master weights, packed (contract, section 8).

    Attributes:
        weights: int8 or int16 (words, outputs, 64), read.
        sign: (1, words, outputs), written.
        mask: (1, words, outputs), written.
        master_bits: of a weight, 8 or 16.
        inputs: of the layer.
        outputs: of the layer.
        binary: whether samples are -1 and 1, without 0.
        sharpness: how often their spread is halved.
        seed: first word of the key.
        purpose: second word of the key.
        step: first word of the counter.
    """

    kernel = "sample_weights"
    access = Access(("weights",), ("sign", "mask"))

    weights: Array = None
    sign: Array = None
    mask: Array = None
    master_bits: int
    inputs: int
    outputs: int
    binary: bool
    sharpness: int = 0
    seed: int
    purpose: int
    step: int

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        return self._weights()


class Windowed(Batched):
    """What calls on an image share, of which a window sees a part at each place (section 14).

    A row of values is an image of one place.

    Attributes:
        inputs: of the layer: taps of its window times channels.
        outputs: of the layer, at a place.
        channels: of the image that enters the layer; without a window: as many as inputs.
        rows: of its places.
        columns: of its places.
        tap_rows: of the window.
        tap_columns: of the window.
        stride: 1 or 2.
        padded: whether zeros stand around the image.
    """

    inputs: int
    outputs: int
    channels: int
    rows: int
    columns: int
    tap_rows: int
    tap_columns: int
    stride: int
    padded: bool

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", self.inputs)

    @cached_property
    def window(self) -> Window:
        """Where the window lies."""
        taps = (self.tap_rows, self.tap_columns)
        return Window(self.channels, self.rows, self.columns, *taps, self.stride, self.padded)

    @property
    def image_rows(self) -> int:
        """Rows of the image that enters the layer."""
        return self.window.places * self.channels

    @property
    def result_rows(self) -> int:
        """Rows of the image that the layer makes."""
        return self.window.result_places * self.outputs

    @property
    def is_dense(self) -> bool:
        """Whether every unit sees all that enters, once."""
        return self.window.is_whole


class Product(Batched):
    """What calls with a product share."""

    inputs: int
    outputs: int
    planes: int

    @property
    def sends_back(self) -> bool:
        """Whether the product is transposed: its units are inputs."""
        raise NotImplementedError

    @property
    def units(self) -> int:
        """Whose sums are computed."""
        return self.inputs if self.sends_back else self.outputs

    @property
    def terms(self) -> int:
        """How many terms each sum has."""
        return self.outputs if self.sends_back else self.inputs

    def _factors(self) -> dict[str, Shape]:
        """Shapes of what is multiplied."""
        packed = _packed(self.planes, self.inputs, self.outputs)
        return {"source": (self.terms, self.batch), **packed}


@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryMatmul(Product):
    """A product alone: z = T source, or z = T^T source (contract, section 4).

    Attributes:
        source: activations (inputs, batch), transposed: deltas (outputs, batch); read.
        sign: (planes, words, outputs), read.
        mask: (planes, words, outputs), read.
        z: sums (outputs, batch), transposed: (inputs, batch); written.
        transposed: whether the product goes against the net.
        inputs: of the layer.
        outputs: of the layer.
        log2_batch: of the examples.
        planes: of the packed weights, the heaviest first; transposed: 1.
    """

    kernel = "binary_matmul"
    access = Access(("source", "sign", "mask"), ("z",))

    source: Array = None
    sign: Array = None
    mask: Array = None
    z: Array = None
    transposed: bool
    inputs: int
    outputs: int
    log2_batch: int
    planes: int = 1

    @property
    def sends_back(self) -> bool:
        """See ``Product``."""
        return self.transposed

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        return {**self._factors(), "z": (self.units, self.batch)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalize(Batched):
    """The epilogue of a product, alone, on its sums (contract, sections 5, 6 and 13).

    Attributes:
        pass_: which of them.
        z: sums (units, batch), read.
        gate: activations (units, batch); which arrays a pass needs: ``EPILOGUES``.
        labels: of the examples, (batch,).
        bias: (units,).
        mean: (units,).
        logits: (units, batch).
        result: activations or deltas, (units, batch).
        loss: (1,).
        units: whose sums they are.
        log2_batch: of the examples.
        shift: of the sums; sending back: of the deltas; of PERTURB: of the inputs' step.
        bias_exponent: of the biases' step.
        seed: first word of the deltas' key.
        purpose: second word of the key.
        step: first word of the counter.
    """

    kernel = "normalize"

    pass_: Pass
    z: Array = None
    gate: Array = None
    labels: Array = None
    bias: Array = None
    mean: Array = None
    logits: Array = None
    result: Array = None
    loss: Array = None
    units: int
    log2_batch: int
    shift: int
    bias_exponent: int = 0
    seed: int = 0
    purpose: int = 0
    step: int = 0

    @property
    def access(self) -> Access:  # type: ignore[override]
        """See ``Call``."""
        reads, writes = EPILOGUES[self.pass_]
        return Access(("z", *reads), writes)

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        return {"z": (self.units, self.batch), **_epilogue(self.units, self.batch)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer(Windowed, Product):
    """A pass over a layer: a product and its epilogue, fused, wherever its window lies.

    ``Windowed`` and ``Normalize`` describe what is not described here.

    Attributes:
        pass_: which one.
        source: activations of the image, (places * channels, batch), sending back: deltas,
            (places * outputs, batch); read.
        sign: (planes, words, outputs), read.
        mask: (planes, words, outputs), read.
        gate: as of ``Normalize``; its units are rows, one for each place and output, sending
            back: channel. So are those of ``mean``, ``logits`` and ``result``.
        bias: one for each output, sending back: channel.
        logits: a layer that makes them has one place.
        planes: of the packed weights, the heaviest first; sending back: 1.
        signed_inputs: whether PERTURB, the only pass that asks, may move inputs below 0.
    """

    kernel = "layer"

    pass_: Pass
    source: Array = None
    sign: Array = None
    mask: Array = None
    gate: Array = None
    labels: Array = None
    bias: Array = None
    mean: Array = None
    logits: Array = None
    result: Array = None
    loss: Array = None
    inputs: int
    outputs: int
    log2_batch: int
    planes: int = 1
    shift: int
    bias_exponent: int = 0
    seed: int = 0
    purpose: int = 0
    step: int = 0
    channels: int = 0
    rows: int = 1
    columns: int = 1
    tap_rows: int = 1
    tap_columns: int = 1
    stride: int = 1
    padded: bool = False
    signed_inputs: bool = False

    @property
    def access(self) -> Access:  # type: ignore[override]
        """See ``Call``."""
        reads, writes = EPILOGUES[self.pass_]
        return Access(("source", "sign", "mask", *reads), writes)

    @property
    def sends_back(self) -> bool:
        """See ``Product``."""
        return self.pass_.sends_back

    @property
    def units(self) -> int:
        """Rows of what is computed."""
        return self.image_rows if self.sends_back else self.result_rows

    @property
    def terms(self) -> int:
        """Rows of the source."""
        return self.result_rows if self.sends_back else self.image_rows

    @property
    def is_dense(self) -> bool:
        """See ``Windowed``; what is sent back to several places shares their biases."""
        return super().is_dense and (self.pass_ is not Pass.BACKWARD or self.window.places == 1)

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        epilogue = _epilogue(self.units, self.batch)
        biases = self.channels if self.sends_back else self.outputs
        return {**self._factors(), **epilogue, "bias": (biases,)}

    def parts(self, z: Array = None) -> tuple[BinaryMatmul, Normalize]:
        """The same work as two calls, with the sums between them in ``z``.

        Raises:
            ValueError: the layer is not dense, so no other kernel has it.
        """
        if not self.is_dense:
            raise ValueError("a layer that is applied at places has no parts")
        names = {field.name for field in fields(self)}
        product, epilogue = (
            {field.name: getattr(self, field.name) for field in fields(part) if field.name in names}
            for part in (BinaryMatmul, Normalize)
        )
        return (
            BinaryMatmul(**product, z=z, transposed=self.sends_back),
            Normalize(**epilogue, z=z, units=self.units),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ShiftGradient(Windowed, Sampling):
    """The gradient of a layer's weights over its places, their update and next sample.

    Contract, sections 7, 8 and 14. ``Windowed`` describes what is not described here.

    Attributes:
        weights: int8 or int16 (words, outputs, 64), read and written.
        sign: (1, words, outputs), written.
        mask: (1, words, outputs), written.
        x: activations of the image, (places * channels, batch), read.
        deltas: (places * outputs, batch), read.
        master_bits: of a weight, 8 or 16.
        log2_batch: of the examples.
        shift: bits that the update drops; negative: adds.
        binary: whether samples are -1 and 1, without 0.
        sharpness: how often their spread is halved.
        seed: first word of both keys.
        code_purpose: second word of the codes' key.
        weight_purpose: second word of the weights' key.
        step: first word of the counter; the next sample is of the step after.
        signed_inputs: whether x may be negative: its codes are those of its size.
    """

    kernel = "shift_gradient"
    access = Access(("weights", "x", "deltas"), ("weights", "sign", "mask"))

    weights: Array = None
    sign: Array = None
    mask: Array = None
    x: Array = None
    deltas: Array = None
    master_bits: int
    inputs: int
    outputs: int
    log2_batch: int
    shift: int
    binary: bool
    sharpness: int = 0
    seed: int
    code_purpose: int
    weight_purpose: int
    step: int
    channels: int = 0
    rows: int = 1
    columns: int = 1
    tap_rows: int = 1
    tap_columns: int = 1
    stride: int = 1
    padded: bool = False
    signed_inputs: bool = False

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        x, deltas = (self.image_rows, self.batch), (self.result_rows, self.batch)
        return {**self._weights(), "x": x, "deltas": deltas}


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool(Call):
    """The largest of square windows side by side, or the way back (contract, section 14).

    Attributes:
        x: activations (places * channels, batch), read.
        pooled: the largest of each window and channel, (windows * channels, batch); written, and
            on the way back read.
        deltas: of ``pooled``, read on the way back.
        result: deltas of ``x``, written on the way back.
        back: whether it is the way back.
        channels: of the image.
        rows: of its places.
        columns: of its places.
        size: rows and columns of a window.
        log2_batch: of the examples.
    """

    kernel = "pool"

    x: Array = None
    pooled: Array = None
    deltas: Array = None
    result: Array = None
    back: bool
    channels: int
    rows: int
    columns: int
    size: int
    log2_batch: int

    @property
    def access(self) -> Access:  # type: ignore[override]
        """See ``Call``."""
        if self.back:
            return Access(("x", "pooled", "deltas"), ("result",))
        return Access(("x",), ("pooled",))

    @property
    def windows(self) -> int:
        """How many there are."""
        return (self.rows // self.size) * (self.columns // self.size)

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        batch = 1 << self.log2_batch
        whole, pooled = (
            (places * self.channels, batch) for places in (self.rows * self.columns, self.windows)
        )
        return {"x": whole, "pooled": pooled, "deltas": pooled, "result": whole}


class HostCall(Call):
    """What the host does between kernels: no kernel has it, and every backend runs it.

    Attributes:
        stage: of a step, in which its operations count.
        host_arrays: those that no kernel reaches.
    """

    stage: ClassVar[Stage]
    host_arrays: ClassVar[tuple[str, ...]] = ()

    def execute(self, enter: Enter = _unwatched) -> None:
        """Does it, on arrays that are up to date.

        Args:
            enter: applied to what enters the arithmetic; instrumentation uses it.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadBatch(HostCall):
    """The host's part of a step: some images become activations (contract, section 4).

    Attributes:
        images: uint8 (N, features), read.
        offsets: uint8 (channels,), taken off each place of an image, whose activations then are
            signed; None where they are not (section 14). Read.
        answers: uint8 (N,), the labels of all images, read; None where nothing is learned.
        chosen: int64 (batch,), numbers of images, read.
        x: activations int8 (features, batch), half the pixels, or half of what is left; written.
        labels: uint8 (batch,), those of the chosen images; written if there are answers.
        loss: int32 (1,), set to zero; None where nothing is learned.
        moved_loss: the same of the second step on moved inputs; None where there is none.
    """

    kernel = "load_batch"
    stage = Stage.INPUT
    host_arrays = ("images", "offsets", "answers", "chosen")

    images: Array = None
    offsets: Array = None
    answers: Array = None
    chosen: Array = None
    x: Array = None
    labels: Array = None
    loss: Array = None
    moved_loss: Array = None

    @property
    def access(self) -> Access:  # type: ignore[override]
        """See ``Call``."""
        there = [
            name for name in ("offsets", "answers", "moved_loss") if getattr(self, name) is not None
        ]
        reads = (name for name in ("offsets", "answers") if name in there)
        learns = ("labels", "loss") if "answers" in there else ()
        moved = ("moved_loss",) if "moved_loss" in there else ()
        return Access(("images", "chosen", *reads), ("x", *learns, *moved))

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        images, batch = self.images.shape, self.chosen.shape
        return {
            **{"images": images, "answers": images[:1], "chosen": batch, "x": images[1:] + batch},
            **{"labels": batch, "loss": (1,), "moved_loss": (1,)},
            "offsets": () if self.offsets is None else self.offsets.shape,
        }

    def execute(self, enter: Enter = _unwatched) -> None:
        """See ``HostCall``."""
        pixels = enter(self.images[self.chosen])
        if self.offsets is None:
            self.x[...] = (pixels >> 1).T
        else:
            images = enter(pixels.astype(np.int16)).reshape(-1, *self.offsets.shape)
            signed = np.clip((images - self.offsets) >> 1, -ACTIVATION_MAX, ACTIVATION_MAX)
            self.x[...] = signed.reshape(pixels.shape).T
        if self.answers is not None:
            self.labels[...] = self.answers[self.chosen]
        for loss in (self.loss, self.moved_loss):
            if loss is not None:
                loss[0] = 0


CALLS: Mapping[str, type[Call]] = {
    kind.kernel: kind
    for kind in (SampleWeights, BinaryMatmul, Normalize, Layer, ShiftGradient, Pool)
}
"""The record of each kernel, by the kernel's name."""
