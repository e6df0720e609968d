# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of every kernel, small and nasty, with what the numpy oracle leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .backends.base import (
    Int8Array,
    Int32Array,
    Key,
    LayerArrays,
    LayerNumbers,
    Pass,
    Update,
    Words,
)
from .backends.oracle_backend import OracleBackend
from .layouts import block_weights, pack_ternary, word_columns
from .oracle.draws import Purpose, purpose_word
from .oracle.gradient import weight_clip
from .oracle.integers import ACTIVATION_MAX, BIAS_MAX, DELTA_MAX
from .oracle.weights import MAX_SHARPNESS

Arrays = dict[str, npt.NDArray[Any]]

# What fills the arrays of a case: anything, nothing, or the largest and smallest values alone.
Fill = Literal["any", "zero", "largest", "extreme"]

_LAST_WORD = 2**32 - 1
_WEIGHT_KEY = Key(1, purpose_word(Purpose.WEIGHTS))


@dataclass(frozen=True)
class GoldenCase:
    """One call of a kernel's top.

    Attributes:
        name: what the case is, for people.
        numbers: the top's numbers.
        given: arrays that the top reads.
        expected: arrays that it writes, as it must leave them.
    """

    name: str
    numbers: dict[str, int]
    given: Arrays = field(repr=False)
    expected: Arrays = field(repr=False)


class _Maker:
    """Makes the cases of one kernel: all random values of a file come from one stream."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._oracle = OracleBackend()

    def _integers(
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

    def _activations(self, units: int, batch: int, fill: Fill) -> Int8Array:
        """Half of them at the ends of their range: there codes and gates change."""
        values = self._integers(0, ACTIVATION_MAX, (units, batch), fill, np.int8)
        if fill != "any":
            return values
        ends = self._random.choice(np.array([0, 1, ACTIVATION_MAX]), (units, batch))
        at_end = self._random.random((units, batch)) < 0.5
        return np.where(at_end, ends, values).astype(np.int8)

    def _deltas(self, units: int, batch: int, fill: Fill) -> Int8Array:
        return self._integers(-DELTA_MAX, DELTA_MAX, (units, batch), fill, np.int8)

    def _biases(self, units: int) -> Int32Array:
        """Half of them at the ends of their range, or where a shift's rounding changes."""
        values = self._random.integers(-(1 << 18), 1 << 18, units)
        edges = np.array([-BIAS_MAX, BIAS_MAX, -2049, -2048, -1024, -1, 1023, 2047])
        at_edge = self._random.random(units) < 0.5
        return np.where(at_edge, self._random.choice(edges, units), values).astype(np.int32)

    def _labels(self, units: int, batch: int) -> npt.NDArray[np.uint8]:
        """The first and the last unit are among them."""
        labels = self._random.integers(0, units, batch)
        labels[[0, -1]] = units - 1, 0
        return labels.astype(np.uint8)

    def _master_weights(self, inputs: int, outputs: int, bits: int, fill: Fill) -> npt.NDArray[Any]:
        limit = weight_clip(bits)
        matrix = self._integers(-limit, limit, (outputs, inputs), fill, np.dtype(f"int{bits}"))
        return block_weights(matrix)

    def _packed(self, inputs: int, outputs: int, planes: int, fill: Fill) -> tuple[Words, Words]:
        """Samples as (planes, word columns, outputs); extreme ones are binary."""
        samples = [
            pack_ternary(self._integers(-1, 1, (outputs, inputs), fill, np.int8))
            for _ in range(planes)
        ]
        return np.stack([sign for sign, _ in samples]), np.stack([mask for _, mask in samples])

    def _empty_words(self, inputs: int, outputs: int) -> Words:
        return self._oracle.empty((1, word_columns(inputs), outputs), np.uint64)

    def sample_weights(
        self,
        inputs: int,
        outputs: int,
        bits: int,
        binary: bool,
        fill: Fill = "any",
        key: Key = _WEIGHT_KEY,
        step: int = 7,
        sharpness: int = 0,
    ) -> GoldenCase:
        weights = self._master_weights(inputs, outputs, bits, fill)
        sign, mask = self._empty_words(inputs, outputs), self._empty_words(inputs, outputs)
        self._oracle.sample_weights(
            weights,
            sign,
            mask,
            inputs=inputs,
            binary=binary,
            key=key,
            step=step,
            sharpness=sharpness,
        )
        return GoldenCase(
            f"{_kind(binary)} {bits} bit {inputs}-{outputs} {fill} seed {key.seed} step {step} "
            f"sharpness {sharpness}",
            {
                "master_bits": bits,
                "inputs": inputs,
                "outputs": outputs,
                "binary": int(binary),
                "sharpness": sharpness,
                **key._asdict(),
                "step": step,
            },
            {"weights": weights},
            {"sign": sign, "mask": mask},
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
    ) -> GoldenCase:
        source = self._source(inputs, outputs, batch, transposed, values)
        sign, mask = self._packed(inputs, outputs, planes, weights)
        z = self._oracle.empty((inputs if transposed else outputs, batch), np.int32)
        self._oracle.binary_matmul(source, sign, mask, z, inputs=inputs, transposed=transposed)
        way = "transposed" if transposed else f"{planes} planes"
        return GoldenCase(
            f"{way} {inputs}-{outputs} batch {batch} weights {weights} values {values}",
            {
                "transposed": int(transposed),
                "inputs": inputs,
                "outputs": outputs,
                "log2_batch": _log2(batch),
                "planes": planes,
            },
            {"source": source, "sign": sign, "mask": mask},
            {"z": z},
        )

    def _source(
        self, inputs: int, outputs: int, batch: int, transposed: bool, fill: Fill
    ) -> Int8Array:
        if transposed:
            return self._deltas(outputs, batch, fill)
        return self._activations(inputs, batch, fill)

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
    ) -> GoldenCase:
        z = self._integers(-largest_sum, largest_sum, (units, batch), fill, np.int32)
        numbers = _numbers(shift, bias_exponent)
        arrays, given = self._pass_arrays(pass_, units, batch, largest_sum)
        self._oracle.normalize(pass_, z, arrays, numbers)
        return GoldenCase(
            f"{pass_.name} {units} units batch {batch} shift {shift} sums {fill} to {largest_sum} "
            f"bias exponent {bias_exponent}",
            {"pass": int(pass_), "units": units, **_pass_numbers(batch, numbers)},
            {"z": z, **given},
            _written(pass_, arrays),
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
        planes: int = 1,
        fill: Fill = "any",
    ) -> GoldenCase:
        backward = pass_.sends_back
        source = self._source(inputs, outputs, batch, backward, fill)
        sign, mask = self._packed(inputs, outputs, planes, fill)
        numbers = _numbers(shift, bias_exponent)
        arrays, given = self._pass_arrays(pass_, inputs if backward else outputs, batch, 64)
        self._oracle.layer(pass_, source, sign, mask, arrays, numbers, inputs=inputs)
        return GoldenCase(
            f"{pass_.name} {inputs}-{outputs} {planes} planes batch {batch} shift {shift} {fill} "
            f"bias exponent {bias_exponent}",
            {
                "pass": int(pass_),
                "inputs": inputs,
                "outputs": outputs,
                "planes": planes,
                **_pass_numbers(batch, numbers),
            },
            {"source": source, "sign": sign, "mask": mask, **given},
            _written(pass_, arrays),
        )

    def _pass_arrays(
        self, pass_: Pass, units: int, batch: int, largest_mean: int
    ) -> tuple[LayerArrays, Arrays]:
        """The arrays of a pass, and copies of those that it reads."""
        given: Arrays = {} if pass_ is Pass.PERTURB else {"bias": self._biases(units)}
        if pass_ is Pass.HIDDEN_MEAN:
            given["mean"] = self._integers(-largest_mean, largest_mean, (units,), "any", np.int32)
        if pass_ is Pass.OUTPUT:
            given["labels"] = self._labels(units, batch)
            given["loss"] = np.array([123_456], np.int32)
        if pass_.sends_back:
            given["gate"] = self._activations(units, batch, "any")
        arrays: Arrays = {
            "result": self._oracle.empty((units, batch), np.int8),
            "mean": self._oracle.empty((units,), np.int32),
            "logits": self._oracle.empty((units, batch), np.int32),
            **{name: array.copy() for name, array in given.items()},
        }
        return LayerArrays(**arrays), given

    def shift_gradient(
        self,
        inputs: int,
        outputs: int,
        batch: int,
        shift: int,
        bits: int,
        binary: bool,
        *,
        values: Fill = "any",
        weights: Fill = "any",
        seed: int = 1,
        step: int = 7,
        sharpness: int = 0,
    ) -> GoldenCase:
        before = self._master_weights(inputs, outputs, bits, weights)
        x = self._activations(inputs, batch, values)
        deltas = self._deltas(outputs, batch, values)
        after = before.copy()
        sign, mask = self._empty_words(inputs, outputs), self._empty_words(inputs, outputs)
        code_key = Key(seed, purpose_word(Purpose.CODES, 1))
        weight_key = Key(seed, purpose_word(Purpose.WEIGHTS, 1))
        update = Update(shift, binary, code_key, weight_key, step, sharpness)
        self._oracle.shift_gradient(after, sign, mask, x, deltas, update)
        return GoldenCase(
            f"{_kind(binary)} {bits} bit {inputs}-{outputs} batch {batch} shift {shift} "
            f"values {values} weights {weights} seed {seed} step {step} sharpness {sharpness}",
            {
                "master_bits": bits,
                "inputs": inputs,
                "outputs": outputs,
                "log2_batch": _log2(batch),
                "shift": shift,
                "binary": int(binary),
                "sharpness": sharpness,
                "seed": seed,
                "code_purpose": code_key.purpose,
                "weight_purpose": weight_key.purpose,
                "step": step,
            },
            {"weights": before, "x": x, "deltas": deltas},
            {"weights": after, "sign": sign, "mask": mask},
        )


def _kind(binary: bool) -> str:
    return "binary" if binary else "ternary"


def _log2(batch: int) -> int:
    return batch.bit_length() - 1


def _numbers(shift: int, bias_exponent: int) -> LayerNumbers:
    return LayerNumbers(shift, bias_exponent, Key(5, purpose_word(Purpose.DELTAS, 2)), step=9)


def _pass_numbers(batch: int, numbers: LayerNumbers) -> dict[str, int]:
    return {
        "log2_batch": _log2(batch),
        "shift": numbers.shift,
        "bias_exponent": numbers.bias_exponent,
        **numbers.key._asdict(),
        "step": numbers.step,
    }


_WRITTEN = {
    Pass.HIDDEN: ("bias", "mean", "result"),
    Pass.HIDDEN_MEAN: ("bias", "mean", "result"),
    Pass.LOGITS: ("bias", "logits"),
    Pass.OUTPUT: ("bias", "logits", "result", "loss"),
    Pass.BACKWARD: ("bias", "result"),
    Pass.PERTURB: ("result",),
}


def _written(pass_: Pass, arrays: LayerArrays) -> Arrays:
    """What a pass may write: also what it must leave as it was."""
    return {name: getattr(arrays, name) for name in _WRITTEN[pass_]}


def _sample_weights(make: _Maker) -> list[GoldenCase]:
    kinds = [(bits, binary) for bits in (8, 16) for binary in (False, True)]
    shapes = [(1, 1), (63, 64), (64, 63), (65, 17), (130, 21), (257, 3)]
    cases = [make.sample_weights(*shape, *kind) for shape in shapes for kind in kinds]
    fills: list[Fill] = ["zero", "largest", "extreme"]
    cases += [make.sample_weights(65, 2, *kind, fill) for fill in fills for kind in kinds]
    cases += [
        make.sample_weights(65, 17, *kind, sharpness=sharpness)
        for sharpness in (1, 3, 8, MAX_SHARPNESS)
        for kind in kinds
    ]
    last = Key(_LAST_WORD, _LAST_WORD)
    return [*cases, make.sample_weights(65, 2, 16, False, key=last, step=_LAST_WORD)]


def _binary_matmul(make: _Maker) -> list[GoldenCase]:
    shapes = [(1, 1, 16), (63, 65, 16), (64, 64, 32), (65, 257, 16), (63, 10, 256), (130, 63, 64)]
    cases = [make.binary_matmul(*shape) for shape in shapes]
    cases += [make.binary_matmul(*shape, transposed=True) for shape in shapes]
    cases += [
        make.binary_matmul(257, 65, 32, transposed=transposed) for transposed in (False, True)
    ]
    cases += [make.binary_matmul(65, 33, 32, planes=planes) for planes in (2, 3, 7)]
    cases.append(make.binary_matmul(63, 257, 16, planes=3))
    for transposed in (False, True):
        for weights, values in _saturations():
            cases.append(
                make.binary_matmul(
                    130, 65, 32, transposed=transposed, weights=weights, values=values
                )
            )
    cases.append(make.binary_matmul(257, 3, 16, planes=7, weights="largest", values="largest"))
    return cases


def _saturations() -> list[tuple[Fill, Fill]]:
    return [
        ("zero", "largest"),
        ("largest", "zero"),
        ("largest", "largest"),
        ("extreme", "extreme"),
    ]


def _normalize(make: _Maker) -> list[GoldenCase]:
    one_plane = ACTIVATION_MAX << 16  # the largest sum of 65,536 inputs
    planes = one_plane * 127  # and of seven planes
    hidden, hidden_mean, logits, output, backward, perturb = Pass
    return [
        make.normalize(hidden, 1, 16, 0, fill="zero"),
        make.normalize(hidden, 65, 16, 0),
        make.normalize(hidden, 33, 256, 7),
        make.normalize(hidden, 3, 128, 16, largest_sum=one_plane, fill="extreme"),
        make.normalize(hidden, 3, 64, 24, largest_sum=one_plane),
        make.normalize(hidden, 2, 256, 0, largest_sum=one_plane, fill="largest"),
        make.normalize(hidden_mean, 65, 32, 5),
        make.normalize(hidden_mean, 3, 64, 24, largest_sum=planes, fill="extreme"),
        make.normalize(hidden_mean, 3, 16, 0, largest_sum=planes, fill="extreme"),
        make.normalize(logits, 1, 16, 0, fill="zero"),
        make.normalize(logits, 63, 64, 9),
        make.normalize(logits, 10, 16, 0, largest_sum=planes, fill="extreme"),
        make.normalize(output, 1, 16, 0, -3, fill="zero"),
        make.normalize(output, 10, 256, 5, 4),
        make.normalize(output, 256, 16, 5),
        make.normalize(output, 10, 256, 0, 16, largest_sum=one_plane, fill="extreme"),
        make.normalize(output, 3, 32, 24, -24),
        make.normalize(backward, 1, 16, 0, fill="zero"),
        make.normalize(backward, 65, 16, 3, 4),
        make.normalize(backward, 257, 16, 8),
        make.normalize(backward, 33, 64, 9, -4),
        make.normalize(backward, 10, 256, 5, -1),
        make.normalize(backward, 3, 256, 0, 0, largest_sum=one_plane, fill="largest"),
        make.normalize(backward, 3, 256, 16, -24, largest_sum=one_plane, fill="extreme"),
        make.normalize(backward, 3, 32, 24, -20, largest_sum=one_plane),
        make.normalize(perturb, 1, 16, 0, fill="zero"),
        make.normalize(perturb, 65, 16, 4, largest_sum=2),
        make.normalize(perturb, 3, 256, 6, largest_sum=one_plane, fill="extreme"),
        make.normalize(perturb, 3, 32, 24, largest_sum=one_plane),
    ]


def _layer(make: _Maker) -> list[GoldenCase]:
    hidden, hidden_mean, logits, output, backward, perturb = Pass
    return [
        make.layer(hidden, 1, 1, 256, 0),
        make.layer(hidden, 65, 130, 16, 3),
        make.layer(hidden, 130, 257, 16, 4),
        make.layer(hidden, 63, 64, 128, 2, fill="extreme"),
        make.layer(hidden, 257, 3, 32, 9, fill="largest"),
        make.layer(hidden, 65, 3, 16, 0, fill="zero"),
        make.layer(hidden_mean, 65, 63, 16, 3),
        make.layer(hidden_mean, 130, 33, 64, 10, planes=7),
        make.layer(logits, 130, 10, 64, 4),
        make.layer(logits, 65, 10, 16, 10, planes=7, fill="largest"),
        make.layer(output, 63, 10, 256, 4, 4),
        make.layer(output, 65, 256, 16, 3),
        make.layer(output, 1, 1, 16, 0, -5),
        make.layer(output, 257, 65, 32, 4, -2, fill="extreme"),
        make.layer(backward, 1, 1, 16, 0),
        make.layer(backward, 65, 10, 64, 2, 6),
        make.layer(backward, 257, 65, 16, 4, -2),
        make.layer(backward, 63, 257, 16, 9, 3),
        make.layer(backward, 64, 63, 256, 0, -9, fill="extreme"),
        make.layer(backward, 65, 3, 16, 1, fill="zero"),
        make.layer(perturb, 1, 1, 16, 3),
        make.layer(perturb, 257, 65, 16, 4),
        make.layer(perturb, 64, 63, 256, 6, fill="extreme"),
    ]


def _shift_gradient(make: _Maker) -> list[GoldenCase]:
    cases = [
        make.shift_gradient(1, 1, 16, 0, 8, False),
        make.shift_gradient(63, 17, 16, 5, 16, True),
        make.shift_gradient(64, 16, 32, 8, 16, False),
        make.shift_gradient(63, 15, 256, 9, 8, False),
        make.shift_gradient(130, 33, 64, -1, 16, False),
        make.shift_gradient(257, 17, 16, 12, 8, True),
        make.shift_gradient(321, 5, 16, 3, 16, False),
    ]
    for shift in (-8, -3, 0, 1, 7, 8, 9, 16, 24):
        for bits in (8, 16):
            cases.append(make.shift_gradient(65, 3, 16, shift, bits, binary=shift % 2 == 0))
    for bits in (8, 16):
        for binary in (False, True):
            cases.append(make.shift_gradient(65, 17, 16, 3, bits, binary, sharpness=2))
        for values, weights in _saturations():
            cases.append(
                make.shift_gradient(
                    65, 17, 128, 6, bits, binary=False, values=values, weights=weights
                )
            )
    cases.append(make.shift_gradient(64, 3, 256, -8, 16, True, values="largest", weights="extreme"))
    cases.append(make.shift_gradient(65, 3, 16, 5, 16, True, seed=_LAST_WORD, step=_LAST_WORD - 1))
    return cases


_CASES = {
    "sample_weights": _sample_weights,
    "binary_matmul": _binary_matmul,
    "normalize": _normalize,
    "layer": _layer,
    "shift_gradient": _shift_gradient,
}

KERNELS = tuple(_CASES)


def golden_cases(kernel: str) -> list[GoldenCase]:
    """The cases of one of ``KERNELS``: the same ones every time."""
    return _CASES[kernel](_Maker(seed=KERNELS.index(kernel)))
