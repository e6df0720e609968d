# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a step of a net is: a list of calls (contract, section 4).

The trainer and the evaluator execute these lists; the estimate prices them, and the formulas
count them, without arrays. The calls of a list are those of step 0: ``Call.at`` moves them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.calls import Call, Pass
from ..layers.base import Layer
from ..layers.memory import ArrayType, Memory
from .network import NetworkSpec

Layers = Sequence[Layer]


@dataclass(frozen=True)
class Moment:
    """What changes in the course of a run, besides the number of the step.

    Attributes:
        rate: log2 of the learning rate.
        sharpness: how often the spread of the weights' samples is halved.
    """

    rate: int
    sharpness: int = 0


def training_arrays(spec: NetworkSpec, *, perturbed: bool) -> dict[str, ArrayType]:
    """Shapes and types of all arrays that training needs, by name."""
    arrays: dict[str, ArrayType] = {t.name: (t.shape, t.dtype) for t in spec.plan.pixels.tensors}
    for layer in spec.layers:
        arrays |= layer.arrays()
    arrays |= {
        "labels": ((spec.batch,), np.uint8),
        "logits": ((spec.classes, spec.batch), np.int32),
        "loss": ((1,), np.int32),
    }
    if perturbed:
        arrays |= {"moved": arrays["x_0"], "moved_loss": ((1,), np.int32)}
    return arrays


def sharing_arrays(spec: NetworkSpec) -> list[list[str]]:
    """Names of arrays that may lie in one memory where a step's calls run one after the other.

    Those are the deltas of every second layer: when a layer has sent its own back to the one in
    front and stepped its weights, nobody reads them again, and what comes next is written there.
    """
    names = [
        [
            f"deltas_{layer.index}"
            for layer in spec.layers
            if layer.index % 2 == odd and f"deltas_{layer.index}" in layer.arrays()
        ]
        for odd in (0, 1)
    ]
    return [found for found in names if found]


def training_step(
    layers: Layers, now: Moment, seed: int, perturbation: int = 0, memory: Memory | None = None
) -> list[Call]:
    """A step on the inputs that are there; with a perturbation, another on moved ones.

    Args:
        layers: of the net, first to last.
        now: where the run is.
        seed: of all draws.
        perturbation: by how much inputs are moved, a power of two; 0 for no second step.
        memory: of the net; none if the list is not to be executed.
    """
    return [call for _, call in layered_step(layers, now, seed, perturbation, memory)]


def layered_step(
    layers: Layers, now: Moment, seed: int, perturbation: int = 0, memory: Memory | None = None
) -> Iterator[tuple[Layer, Call]]:
    """The calls of ``training_step``, each with the layer that it is of."""
    arrays = memory or Memory()
    yield from _learning(layers, now, seed, 0, arrays, perturbation)
    if perturbation:
        moved = arrays.with_others(x_0="moved", loss="moved_loss")
        yield from _learning(layers, now, seed, 1, moved, 0)


def _learning(
    layers: Layers, now: Moment, seed: int, number: int, memory: Memory, perturbation: int
) -> Iterator[tuple[Layer, Call]]:
    for layer in layers:
        yield from ((layer, call) for call in layer.forward(memory, now.rate))
    for layer in reversed(layers):
        calls = [*layer.backward(memory, now.rate, seed, number)]
        if perturbation and layer.index == 0:
            calls += layer.perturb(memory, perturbation)
        calls += layer.update(memory, now.rate, now.sharpness, seed, number)
        yield from ((layer, call) for call in calls)


def all_calls(layers: Layers, perturbation: int) -> list[Call]:
    """All calls of a run, each once.

    Raises:
        UsageError: the net cannot be trained so.
    """
    step = training_step(layers, Moment(0), 0, perturbation)
    return [*sampling(layers, 0, 0), *step, *evaluation(layers, Pass.HIDDEN)]


def sampling(layers: Layers, sharpness: int, seed: int, memory: Memory | None = None) -> list[Call]:
    """The samples of all weights: before the first step, and where their sharpness changes."""
    arrays = memory or Memory()
    return [call for layer in layers for call in layer.sample(arrays, sharpness, seed)]


def evaluation(
    layers: Layers,
    hidden: Pass,
    planes: int = 1,
    more_shift: int = 0,
    memory: Memory | None = None,
) -> list[Call]:
    """The forward passes of an evaluation; arguments as of ``Layer.evaluate``."""
    arrays = memory or Memory()
    found = (layer.evaluate(arrays, hidden, planes, more_shift) for layer in layers)
    return [call for calls in found for call in calls]
