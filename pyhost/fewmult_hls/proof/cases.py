# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of every kernel with nasty arrays: the one maker of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ..contract.calls import (
    BinaryMatmul,
    Call,
    Layer,
    Normalize,
    Pass,
    Pool,
    SampleWeights,
    ShiftGradient,
)
from ..contract.layouts import MASTER_DTYPES, block_weights, pack_ternary
from ..contract.limits import BATCHES, MAX_CLASSES, MAX_WIDTH
from ..contract.window import Window
from ..oracle.convolution import pool as pooled
from ..oracle.draws import Purpose, purpose_word
from ..oracle.gradient import weight_clip
from ..oracle.integers import ACTIVATION_MAX, BIAS_MAX, DELTA_MAX
from ..oracle.weights import MAX_SHARPNESS

Fill = Literal["any", "zero", "largest", "extreme"]
"""What fills arrays: anything, nothing, or the largest and smallest values alone."""

Arrays = dict[str, Any]


class CallMaker:
    """Makes calls; all random values come from one stream.

    Arrays that a kernel only writes are not there: ``executed`` of ``contract.backend`` gives
    them a place.

    Args:
        random: the stream.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    # ---- Arrays ----------------------------------------------------------------------------------

    def integers(
        self, low: int, high: int, shape: tuple[int, ...], fill: Fill, dtype: npt.DTypeLike
    ) -> npt.NDArray[Any]:
        """Integers from low to high, both included."""
        if fill == "zero":
            return np.zeros(shape, dtype)
        if fill == "largest":
            return np.full(shape, high, dtype)
        if fill == "extreme":
            return self._random.choice(np.array([low, high]), shape).astype(dtype)
        return self._random.integers(low, high + 1, shape).astype(dtype)

    def activations(self, units: int, batch: int, fill: Fill) -> npt.NDArray[np.int8]:
        """Half of them at the ends of their range: there codes and gates change."""
        values = self.integers(0, ACTIVATION_MAX, (units, batch), fill, np.int8)
        if fill != "any":
            return values
        ends = self._random.choice(np.array([0, 1, ACTIVATION_MAX]), (units, batch))
        at_end = self._random.random((units, batch)) < 0.5
        return np.where(at_end, ends, values).astype(np.int8)

    def deltas(self, units: int, batch: int, fill: Fill) -> npt.NDArray[np.int8]:
        """Deltas from one end of their range to the other."""
        return self.integers(-DELTA_MAX, DELTA_MAX, (units, batch), fill, np.int8)

    def biases(self, units: int) -> npt.NDArray[np.int32]:
        """Half of them at the ends of their range, or where a shift's rounding changes."""
        values = self._random.integers(-(1 << 18), 1 << 18, units)
        edges = np.array([-BIAS_MAX, BIAS_MAX, -2049, -2048, -1024, -1, 1023, 2047])
        at_edge = self._random.random(units) < 0.5
        return np.where(at_edge, self._random.choice(edges, units), values).astype(np.int32)

    def labels(self, units: int, batch: int) -> npt.NDArray[np.uint8]:
        """The first and the last unit are among them."""
        labels = self._random.integers(0, units, batch)
        labels[[0, -1]] = units - 1, 0
        return labels.astype(np.uint8)

    def master_weights(self, inputs: int, outputs: int, bits: int, fill: Fill) -> npt.NDArray[Any]:
        """Master weights as kernels take them, (words, outputs, 64)."""
        limit = weight_clip(bits)
        matrix = self.integers(-limit, limit, (outputs, inputs), fill, np.dtype(f"int{bits}"))
        return block_weights(matrix)

    def packed(self, inputs: int, outputs: int, planes: int, fill: Fill) -> Arrays:
        """Sign and mask of samples, (planes, words, outputs); extreme ones are binary."""
        samples = [
            pack_ternary(self.integers(-1, 1, (outputs, inputs), fill, np.int8))
            for _ in range(planes)
        ]
        sign, mask = zip(*samples, strict=True)
        return {"sign": np.stack(sign), "mask": np.stack(mask)}

    def source(
        self, inputs: int, outputs: int, batch: int, sends_back: bool, fill: Fill
    ) -> npt.NDArray[np.int8]:
        """What a product takes: activations, or deltas if it is transposed."""
        if sends_back:
            return self.deltas(outputs, batch, fill)
        return self.activations(inputs, batch, fill)

    def epilogue(
        self,
        pass_: Pass,
        units: int,
        batch: int,
        largest_mean: int,
        *,
        biases: int = 0,
        signed: bool = False,
    ) -> Arrays:
        """What the epilogue of a pass reads; there are as many biases as units, or fewer."""
        given: Arrays = {} if pass_ is Pass.PERTURB else {"bias": self.biases(biases or units)}
        if pass_ is Pass.HIDDEN_MEAN:
            given["mean"] = self.integers(-largest_mean, largest_mean, (units,), "any", np.int32)
        if pass_ is Pass.OUTPUT:
            given["labels"] = self.labels(units, batch)
            given["loss"] = np.array([123_456], np.int32)
        if pass_.sends_back:
            values_of = self.deltas if signed else self.activations
            given["gate"] = values_of(units, batch, "any")
        return given

    # ---- Calls -----------------------------------------------------------------------------------

    def sample_weights(
        self,
        inputs: int,
        outputs: int,
        bits: int,
        binary: bool,
        fill: Fill = "any",
        **draws: int,
    ) -> SampleWeights:
        """A sampling."""
        return SampleWeights(
            weights=self.master_weights(inputs, outputs, bits, fill),
            master_bits=bits,
            inputs=inputs,
            outputs=outputs,
            binary=binary,
            **{**_WEIGHT_DRAWS, **draws},
        )

    def binary_matmul(
        self,
        inputs: int,
        outputs: int,
        batch: int,
        *,
        planes: int = 1,
        transposed: bool = False,
        weights: Fill = "any",
        values: Fill = "any",
    ) -> BinaryMatmul:
        """A product."""
        return BinaryMatmul(
            source=self.source(inputs, outputs, batch, transposed, values),
            **self.packed(inputs, outputs, planes, weights),
            transposed=transposed,
            inputs=inputs,
            outputs=outputs,
            log2_batch=log2(batch),
            planes=planes,
        )

    def normalize(
        self,
        pass_: Pass,
        units: int,
        batch: int,
        shift: int,
        bias_exponent: int = 0,
        *,
        largest_sum: int = 1 << 12,
        fill: Fill = "any",
        **draws: int,
    ) -> Normalize:
        """The epilogue of a product, alone."""
        return Normalize(
            pass_=pass_,
            z=self.integers(-largest_sum, largest_sum, (units, batch), fill, np.int32),
            **self.epilogue(pass_, units, batch, largest_sum),
            units=units,
            log2_batch=log2(batch),
            shift=shift,
            bias_exponent=bias_exponent,
            **{**_DELTA_DRAWS, **draws},
        )

    def layer(
        self,
        pass_: Pass,
        inputs: int,
        outputs: int,
        batch: int,
        shift: int,
        bias_exponent: int = 0,
        *,
        window: Window | None = None,
        signed: bool = False,
        planes: int = 1,
        fill: Fill = "any",
        **draws: Any,
    ) -> Layer:
        """A pass over a layer, dense or with a window; if signed, its gate may be negative."""
        back, seen = pass_.sends_back, window or Window(inputs, 1, 1, 1, 1)
        image, made = seen.places * seen.channels, seen.result_places * outputs
        units, biases = (image, seen.channels) if back else (made, outputs)
        return Layer(
            pass_=pass_,
            source=self.source(image, made, batch, back, fill),
            **self.packed(inputs, outputs, planes, fill),
            **self.epilogue(pass_, units, batch, 64, biases=biases, signed=signed),
            inputs=inputs,
            outputs=outputs,
            log2_batch=log2(batch),
            planes=planes,
            shift=shift,
            bias_exponent=bias_exponent,
            **asdict(seen),
            signed_inputs=signed,
            **{**_DELTA_DRAWS, **draws},
        )

    def shift_gradient(
        self,
        inputs: int,
        outputs: int,
        batch: int,
        shift: int,
        bits: int,
        binary: bool,
        *,
        window: Window | None = None,
        signed: bool = False,
        values: Fill = "any",
        weights: Fill = "any",
        **draws: Any,
    ) -> ShiftGradient:
        """An update of weights, which places of a window may share."""
        seen = window or Window(inputs, 1, 1, 1, 1)
        values_of = self.deltas if signed else self.activations
        return ShiftGradient(
            weights=self.master_weights(inputs, outputs, bits, weights),
            x=values_of(seen.places * seen.channels, batch, values),
            deltas=self.deltas(seen.result_places * outputs, batch, values),
            master_bits=bits,
            inputs=inputs,
            outputs=outputs,
            log2_batch=log2(batch),
            shift=shift,
            binary=binary,
            **asdict(seen),
            signed_inputs=signed,
            **{**_UPDATE_DRAWS, **draws},
        )

    def pool(
        self,
        channels: int,
        rows: int,
        columns: int,
        size: int,
        batch: int,
        *,
        back: bool = False,
        fill: Fill = "any",
    ) -> Pool:
        """The largest of windows, or the way back; many values are equal."""
        shape = (rows * columns * channels, batch)
        few = fill == "any"
        x = (
            self.integers(-2, 2, shape, fill, np.int8)
            if few
            else self.deltas(shape[0], batch, fill)
        )
        call = Pool(
            x=x,
            back=back,
            channels=channels,
            rows=rows,
            columns=columns,
            size=size,
            log2_batch=log2(batch),
        )
        if not back:
            return call
        found = pooled(x.astype(np.int64), channels, rows, columns, size).astype(np.int8)
        return replace(call, pooled=found, deltas=self.deltas(len(found), batch, fill))


_WEIGHT_DRAWS = {"sharpness": 0, "seed": 1, "purpose": purpose_word(Purpose.WEIGHTS), "step": 7}
_UPDATE_DRAWS = {
    "sharpness": 0,
    "seed": 1,
    "code_purpose": purpose_word(Purpose.CODES, 1),
    "weight_purpose": purpose_word(Purpose.WEIGHTS, 1),
    "step": 7,
}
_DELTA_DRAWS = {"seed": 5, "purpose": purpose_word(Purpose.DELTAS, 2), "step": 9}


def log2(batch: int) -> int:
    """The exponent of a power of two."""
    return batch.bit_length() - 1


def random_calls(kernel: str, random: np.random.Generator, widest: int = 200) -> list[Call]:
    """Calls of one layer, and of one at places: every pass of a kernel, of awkward sizes.

    Args:
        kernel: one of ``contract.calls.CALLS``.
        random: the stream.
        widest: the largest number of units.
    """
    make = CallMaker(random)
    if kernel == Pool.kernel:
        return _random_pools(random, make)
    dense = _random_calls_on_rows(kernel, random, make, widest)
    if kernel not in (Layer.kernel, ShiftGradient.kernel):
        return dense
    return [*dense, *_random_calls_on_images(kernel, random, make)]


def _random_calls_on_rows(
    kernel: str, random: np.random.Generator, make: CallMaker, widest: int
) -> list[Call]:
    inputs, outputs = (int(random.integers(1, widest)) for _ in range(2))
    batch = int(random.choice(BATCHES))
    fill: Fill = random.choice(get_args(Fill), p=(0.7, 0.1, 0.1, 0.1))
    draws: Arrays = {
        "seed": int(random.integers(1 << 32)),
        "step": int(random.integers((1 << 32) - 1)),
    }
    if kernel in ("sample_weights", "shift_gradient"):
        bits, binary = int(random.choice(list(MASTER_DTYPES))), bool(random.integers(2))
        draws["sharpness"] = int(random.choice(MAX_SHARPNESS + 1))
        if kernel == "sample_weights":
            return [make.sample_weights(inputs, outputs, bits, binary, fill, **draws)]
        shift, fills = int(random.integers(-8, 25)), {"values": fill, "weights": fill}
        sizes = (inputs, outputs, batch)
        return [make.shift_gradient(*sizes, shift, bits, binary, **{**fills, **draws})]
    if kernel == "binary_matmul":
        kinds: list[Arrays] = [{"planes": 1}, {"planes": 7}, {"transposed": True}]
        fills = {"weights": fill, "values": fill}
        return [make.binary_matmul(inputs, outputs, batch, **{**fills, **kind}) for kind in kinds]
    shift = int(random.choice([*range(11), 16, 24]))
    exponent = int(random.integers(-24, 7 if fill == "any" else 1))
    draws["fill"] = fill
    passes = [p for p in Pass if outputs <= MAX_CLASSES or p not in (Pass.LOGITS, Pass.OUTPUT)]
    if kernel == "layer":
        planes = {p: 1 if p.sends_back else int(random.integers(1, 8)) for p in passes}
        numbers = (inputs, outputs, batch, shift, exponent)
        return [make.layer(p, *numbers, **{"planes": planes[p], **draws}) for p in passes]
    draws["largest_sum"] = 30_000 if fill == "any" else ACTIVATION_MAX * MAX_WIDTH
    units = {p: inputs if p.sends_back else outputs for p in passes}
    return [make.normalize(p, units[p], batch, shift, exponent, **draws) for p in passes]


def random_window(random: np.random.Generator) -> Window:
    """A window that fits somewhere: odd sizes, one place, one channel, stride 2, padding."""
    taps, padded = int(random.integers(1, 6)), bool(random.integers(2))
    least = 1 if padded else taps
    rows, columns = (int(side) for side in random.integers(least, 8, 2))
    channels = int(random.choice([1, 3, 7, 20]))
    return Window(channels, rows, columns, taps, taps, int(random.integers(1, 3)), padded)


def _random_pools(random: np.random.Generator, make: CallMaker) -> list[Call]:
    size, channels = int(random.integers(2, 5)), int(random.choice([1, 3, 7, 20]))
    rows, columns = (int(side) for side in random.integers(size, 3 * size, 2))
    sizes = (channels, rows, columns, size, int(random.choice(BATCHES[:3])))
    fill = random.choice(get_args(Fill))
    return [make.pool(*sizes, back=back, fill=fill) for back in (False, True)]


def _random_calls_on_images(
    kernel: str, random: np.random.Generator, make: CallMaker
) -> list[Call]:
    window, outputs = random_window(random), int(random.integers(1, 40))
    batch, fill = int(random.choice(BATCHES[:3])), random.choice(get_args(Fill))
    signed = bool(random.integers(2))
    draws: Arrays = {
        "seed": int(random.integers(1 << 32)),
        "step": int(random.integers((1 << 32) - 1)),
    }
    if kernel == ShiftGradient.kernel:
        bits, binary = int(random.choice(list(MASTER_DTYPES))), bool(random.integers(2))
        shift = int(random.integers(-6, 25))
        numbers = (window.fan_in, outputs, batch, shift, bits, binary)
        draws |= {"values": fill, "weights": fill, "window": window, "signed": signed}
        return [make.shift_gradient(*numbers, **draws)]
    shift, exponent = int(random.choice([*range(11), 16, 24])), int(random.integers(-24, 1))
    passes = (Pass.HIDDEN, Pass.HIDDEN_MEAN, Pass.BACKWARD, Pass.PERTURB)
    return [
        make.layer(
            pass_, window.fan_in, outputs, batch, shift, exponent, window=window, fill=fill,
            planes=1 if pass_.sends_back else int(random.integers(1, 8)),
            signed=signed and pass_ is Pass.PERTURB, **draws,
        )
        for pass_ in passes
    ]  # fmt: skip
