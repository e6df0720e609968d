# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""finish_unit.hpp: what stands behind a product, unit by unit, in the kernel that has only that."""

from __future__ import annotations

from functools import partial
from typing import Any

from ....contract.calls import Pass
from ..rows import Access, Costs, Kernels, Loop, Part, TileCount, one
from ..sizes import elements, units

KERNELS = ("normalize",)
ACTIVATES = (Pass.HIDDEN, Pass.HIDDEN_MEAN)
LOGITS = (Pass.LOGITS, Pass.OUTPUT)
_access = partial(Access, "finish_unit.hpp", KERNELS)
_BIASED = tuple(pass_ for pass_ in Pass if pass_ is not Pass.PERTURB)


def over_batch(file: str, function: str, **more: Any) -> Loop:
    """A loop over the batch, once for each unit."""
    return Loop(file, KERNELS, function, units, elements, **more)


def finish_parts(
    kernels: Kernels, lanes: TileCount, logits: TileCount, shifters: int
) -> tuple[Part, ...]:
    """The arithmetic behind a product.

    Args:
        kernels: that have it.
        lanes: examples a cycle of a hidden layer.
        logits: examples a cycle of the output layer.
        shifters: loops with shifters of their own, for activations and deltas.
    """

    def times(number: int, count: TileCount) -> TileCount:
        return lambda t: number * count(t)

    pieces: tuple[tuple[str, str, TileCount], ...] = (
        ("means", "add32", times(2, lanes)),  # of 64 bits
        ("gates", "gate", lanes),
        ("sums of what passes", "add32", lanes),
        ("less the means, and biases", "add32", times(2, lanes)),
        ("rounding", "rounding", times(shifters, lanes)),
        ("saturation", "saturate", times(shifters, lanes)),
        ("logits", "logit", times(2, logits)),
        ("hinge", "hinge", logits),
        ("adversarial inputs", "perturbed", lanes),
        ("random generator", "threefry", one),
        ("biases", "logit", times(2, one)),
    )
    return tuple(Part(kernels, f"finish: {name}", piece, count) for name, piece, count in pieces)


COSTS = Costs(
    accesses=(
        _access("call.bias[unit]", 0, units, "bias", 4, passes=_BIASED),
        _access("call.mean[unit]", 0, units, "mean", 4, True, passes=(Pass.HIDDEN,)),
        _access("call.mean[unit]", 1, units, "mean", 4, passes=ACTIVATES),
        _access("call.bias[unit]", 1, units, "bias", 4, True, passes=(Pass.BACKWARD,)),
        _access("*call.loss", 0, units, "loss", 4, passes=(Pass.OUTPUT,)),
        _access("*call.loss", 0, units, "loss", 4, True, passes=(Pass.OUTPUT,)),
        _access("call.bias[unit]", 2, units, "bias", 4, True, passes=(Pass.OUTPUT,)),
    ),
    parts=finish_parts(KERNELS, lambda t: 8, lambda t: 8, 2),
)
