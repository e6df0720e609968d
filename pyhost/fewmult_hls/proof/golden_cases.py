# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Calls of every kernel, small and nasty, with what the numpy oracle leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backends.oracle_backend import OracleBackend
from ..contract.backend import executed
from ..contract.calls import Call, Pass
from ..contract.window import Window
from ..oracle.integers import ACTIVATION_MAX
from ..oracle.weights import MAX_SHARPNESS
from .cases import CallMaker, Fill

Arrays = dict[str, npt.NDArray[Any]]

# What an epilogue may write: what it leaves as it was is expected, too.
_CHANGING = ("bias", "mean", "logits", "result", "loss", "pooled")
_LAST_WORD = 2**32 - 1
# What fills weights and values, or values and weights, where sums are largest.
_SATURATING: list[tuple[Fill, Fill]] = [
    ("zero", "largest"),
    ("largest", "zero"),
    ("largest", "largest"),
    ("extreme", "extreme"),
]


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
    """Makes the cases of one kernel, by the names of ``CallMaker``: of each call, a case."""

    def __init__(self, seed: int) -> None:
        self._calls = CallMaker(np.random.Generator(np.random.PCG64(seed)))
        self._oracle = OracleBackend()

    def __getattr__(self, kernel: str) -> Callable[..., GoldenCase]:
        def made(*arguments: Any, **options: Any) -> GoldenCase:
            call: Call = getattr(self._calls, kernel)(*arguments, **options)
            return self._case(call, arguments, options)

        return made

    def _case(self, call: Call, arguments: tuple[Any, ...], options: dict[str, Any]) -> GoldenCase:
        given = call.arrays()
        expected = executed(self._oracle, call)
        names = [field.name for field in fields(call)]  # type: ignore[arg-type]
        left = {name: given[name] for name in _CHANGING if name in given and name not in expected}
        both = {**left, **expected}
        return GoldenCase(
            " ".join([*map(_word, arguments), *(f"{k} {_word(v)}" for k, v in options.items())]),
            call.numbers(),
            given,
            {name: both[name] for name in names if name in both},
        )


def _word(value: Any) -> str:
    return value.name if isinstance(value, Pass) else str(value)


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
    last = {"seed": _LAST_WORD, "purpose": _LAST_WORD, "step": _LAST_WORD}
    return [*cases, make.sample_weights(65, 2, 16, False, **last)]


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
        for weights, values in _SATURATING:
            cases.append(
                make.binary_matmul(
                    130, 65, 32, transposed=transposed, weights=weights, values=values
                )
            )
    cases.append(make.binary_matmul(257, 3, 16, planes=7, weights="largest", values="largest"))
    return cases


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
        *_layers_at_places(make),
    ]


def _layers_at_places(make: _Maker) -> list[GoldenCase]:
    """Odd numbers of units, whose means share words; places that nobody saw; words in pieces."""
    hidden, hidden_mean, _, _, backward, perturb = Pass

    def at_places(
        pass_: Pass, window: Window, outputs: int, *numbers: int, **more: Any
    ) -> GoldenCase:
        return make.layer(pass_, window.fan_in, outputs, *numbers, window=window, **more)

    return [
        at_places(hidden, Window(3, 5, 4, 3, 3), 6, 16, 3),
        at_places(hidden, Window(1, 4, 4, 3, 3, 1, True), 5, 16, 2),
        at_places(hidden, Window(20, 3, 3, 2, 2, 2, True), 131, 32, 4),
        at_places(hidden, Window(3, 1, 1, 3, 3, 1, True), 4, 16, 1),
        at_places(hidden, Window(64, 3, 2, 3, 3, 2, True), 64, 64, 5, fill="extreme"),
        at_places(hidden, Window(70, 2, 3, 2, 3), 9, 16, 5),
        at_places(hidden_mean, Window(7, 5, 5, 3, 3, 2), 9, 32, 8, planes=7),
        at_places(hidden_mean, Window(33, 3, 4, 1, 4), 129, 16, 4),
        at_places(backward, Window(3, 5, 4, 3, 3), 6, 16, 3, -8),
        at_places(backward, Window(33, 4, 4, 3, 3, 1, True), 7, 64, 4, -12),
        at_places(backward, Window(130, 2, 2, 2, 2), 3, 16, 2, -8),
        at_places(backward, Window(64, 2, 2, 2, 2), 65, 32, 5, -9, fill="extreme"),
        at_places(backward, Window(20, 5, 4, 3, 3, 2, True), 31, 16, 4, -10),
        at_places(backward, Window(5, 3, 3, 1, 1, 2), 4, 16, 1, -6),
        at_places(perturb, Window(3, 4, 4, 3, 3, 1, True), 6, 16, 4, signed=True),
        at_places(perturb, Window(5, 3, 2, 3, 2), 70, 16, 3, signed=True, fill="largest"),
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
        for values, weights in _SATURATING:
            cases.append(
                make.shift_gradient(
                    65, 17, 128, 6, bits, binary=False, values=values, weights=weights
                )
            )
    cases.append(make.shift_gradient(64, 3, 256, -8, 16, True, values="largest", weights="extreme"))
    cases.append(make.shift_gradient(65, 3, 16, 5, 16, True, seed=_LAST_WORD, step=_LAST_WORD - 1))
    return [*cases, *_gradients_at_places(make)]


def _gradients_at_places(make: _Maker) -> list[GoldenCase]:
    """Activations of either sign; more outputs than a tile at places has; several word columns."""

    def gradient(
        window: Window, outputs: int, *numbers: int, signed: bool = False, **fills: Fill
    ) -> GoldenCase:
        sizes = (window.fan_in, outputs, *numbers)
        return make.shift_gradient(*sizes, window=window, signed=signed, **fills)

    return [
        gradient(Window(3, 5, 4, 3, 3), 6, 16, 5, 16, False),
        gradient(Window(3, 5, 4, 3, 3, 1, True), 6, 32, 5, 8, True, signed=True),
        gradient(Window(1, 3, 3, 3, 3, 2, True), 131, 16, 3, 16, False),
        gradient(Window(33, 4, 3, 2, 2, 2, True), 65, 16, 6, 8, False, signed=True),
        gradient(Window(64, 2, 3, 2, 3), 3, 16, 4, 16, False),
        gradient(Window(64, 1, 1, 1, 1), 65, 64, 4, 8, False, signed=True),
        gradient(Window(20, 1, 1, 3, 3, 1, True), 4, 16, 0, 16, True),
        *(
            gradient(
                Window(17, 3, 3, 3, 3, 1, True), 5, 128, 7, bits, False,
                signed=True, values=values, weights=weights,
            )
            for bits in (8, 16)
            for weights, values in _SATURATING
        ),
    ]  # fmt: skip


def _pool(make: _Maker) -> list[GoldenCase]:
    sizes = [
        *(
            (1, 2, 2, 2, 16),
            (3, 5, 7, 2, 16),
            (20, 4, 6, 2, 32),
            (7, 9, 6, 3, 16),
            (1, 4, 9, 4, 64),
        ),
        (65, 2, 2, 2, 128),  # more of a place than the chip holds at once
    ]
    fills: list[Fill] = ["zero", "largest", "extreme"]
    return [
        *(make.pool(*size, back=back) for back in (False, True) for size in sizes),
        *(make.pool(3, 5, 4, 2, 16, back=back, fill=f) for back in (False, True) for f in fills),
    ]


_CASES = {
    "sample_weights": _sample_weights,
    "binary_matmul": _binary_matmul,
    "normalize": _normalize,
    "layer": _layer,
    "shift_gradient": _shift_gradient,
    "pool": _pool,
}

KERNELS = tuple(_CASES)


def golden_cases(kernel: str) -> list[GoldenCase]:
    """The cases of one of ``KERNELS``: the same ones every time."""
    return _CASES[kernel](_Maker(seed=KERNELS.index(kernel)))
