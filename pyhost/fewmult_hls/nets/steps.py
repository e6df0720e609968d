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
from ..layers.dense import Dense
from ..layers.memory import Memory, Place

Layers = Sequence[Dense]


@dataclass(frozen=True)
class Moment:
    """What changes in the course of a run, besides the number of the step.

    Attributes:
        rate: log2 of the learning rate.
        sharpness: how often the spread of the weights' samples is halved.
    """

    rate: int
    sharpness: int = 0


def training_places(layers: Layers, *, perturbed: bool) -> dict[str, Place]:
    """Shapes and types of all arrays that training needs, by name."""
    first, last, batch = layers[0], layers[-1], 1 << layers[0].log2_batch
    places = {name: place for layer in layers for name, place in layer.places().items()}
    places |= {
        "labels": ((batch,), np.uint8),
        "logits": ((last.outputs, batch), np.int32),
        "loss": ((1,), np.int32),
    }
    if perturbed:
        places |= {"moved": ((first.inputs, batch), np.int8), "moved_loss": ((1,), np.int32)}
    return places


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
) -> Iterator[tuple[Dense, Call]]:
    """The calls of ``training_step``, each with the layer whose weights it takes."""
    arrays = memory or Memory()
    yield from _learning(layers, now, seed, 0, arrays, perturbation)
    if perturbation:
        moved = arrays.with_others(x_0="moved", loss="moved_loss")
        yield from _learning(layers, now, seed, 1, moved, 0)


def _learning(
    layers: Layers, now: Moment, seed: int, number: int, memory: Memory, perturbation: int
) -> Iterator[tuple[Dense, Call]]:
    for layer in layers:
        yield layer, layer.forward(memory, now.rate)
    for layer in reversed(layers):
        if layer.index > 0:
            yield layer, layer.backward(memory, now.rate, seed, number)
        elif perturbation:
            yield layer, layer.perturb(memory, perturbation)
        yield layer, layer.update(memory, now.rate, now.sharpness, seed, number)


def sampling(layers: Layers, sharpness: int, seed: int, memory: Memory | None = None) -> list[Call]:
    """The samples of all weights: before the first step, and where their sharpness changes."""
    return [layer.sample(memory or Memory(), sharpness, seed) for layer in layers]


def evaluation(
    layers: Layers,
    hidden: Pass,
    planes: int = 1,
    more_shift: int = 0,
    memory: Memory | None = None,
) -> list[Call]:
    """The forward passes of an evaluation; arguments as of ``Dense.evaluate``."""
    arrays = memory or Memory()
    return [layer.evaluate(arrays, hidden, planes, more_shift) for layer in layers]
