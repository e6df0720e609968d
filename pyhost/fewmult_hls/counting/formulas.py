# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step costs in operations, by formula: ours, and the paper's methods.

The formulas follow from the widths and the batch alone, so any net is counted at once. Tests hold
them against executed steps, stage by stage and equal. docs/operations.md derives every term and
says what counts as an operation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..contract.calls import (
    Call,
    HostCall,
    Layer,
    Pass,
    Pool,
    ShiftGradient,
)
from ..contract.layouts import WORD_BITS, word_columns
from ..contract.limits import BATCHES
from ..contract.stages import Stage
from ..layers.kinds import Plan
from ..nets.network import NetworkSpec
from ..nets.steps import Moment, layered_step
from ..oracle.threefry import ROUNDS


@dataclass(frozen=True)
class Tally:
    """Operations by kind.

    Attributes:
        multiplications: and divisions, roots and powers.
        additions: and subtractions, negations and absolute values.
        shifts: by a fixed or a variable distance.
        selections: comparisons and choices of one of two values; a clamp is two.
        logic: and, or, exclusive or.
    """

    multiplications: int = 0
    additions: int = 0
    shifts: int = 0
    selections: int = 0
    logic: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.multiplications + other.multiplications,
            self.additions + other.additions,
            self.shifts + other.shifts,
            self.selections + other.selections,
            self.logic + other.logic,
        )

    def __mul__(self, times: int) -> Tally:
        return Tally(
            self.multiplications * times,
            self.additions * times,
            self.shifts * times,
            self.selections * times,
            self.logic * times,
        )


Operations = dict[Stage, Tally]

NOTHING = Tally()
MULTIPLY = Tally(multiplications=1)
ADD = Tally(additions=1)
SHIFT = Tally(shifts=1)
SELECT = Tally(selections=1)
LOGIC = Tally(logic=1)

_CLAMP = SELECT * 2
_SHIFT_TO_NEAREST = ADD + SHIFT
_LOG2 = (SHIFT + SELECT + ADD) * 6  # of 7 bits: how many of the six upper powers it reaches
_SIGN = ADD * 2 + SELECT * 2  # of a code: the size of an activation, and back
_ROTATE = SHIFT * 2 + LOGIC
_CALL = (ADD + _ROTATE + LOGIC) * ROUNDS + ADD * (2 + 2 * (ROUNDS // 4))  # of the generator


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of some tallies."""
    return sum(tallies, NOTHING)


def our_batch(batch: int) -> int:
    """The smallest batch of ours that holds so many examples, else the largest."""
    return next((size for size in BATCHES if size >= batch), BATCHES[-1])


def our_step(
    spec: NetworkSpec, rate: int, nonzeros: Sequence[int] | None = None, perturbation: int = 0
) -> Operations:
    """Operations of one of our training steps (docs/arithmetic.md), by stage.

    Args:
        spec: the network, the kind of its weights and its batch.
        rate: log2 of the learning rate; it decides which shifts round.
        nonzeros: how many weights of each layer's sample are not 0; by default all of them,
            which is what the fabric has time for.
        perturbation: of the inputs, for a second step; 0 for none.
    """
    counts = nonzeros or spec.layer_sizes
    step = dict.fromkeys(Stage, NOTHING)
    step[Stage.INPUT] = _pixel(spec) * (spec.features * spec.batch)
    for layer, call in layered_step(spec.layers, Moment(rate), 0, perturbation):
        for stage, tally in operations_of(call, counts[layer.index]).items():
            step[stage] += tally
    return step


def _pixel(spec: NetworkSpec) -> Tally:
    """Half of a pixel; where inputs are signed, of what it is above its channel's mean."""
    return ADD + SHIFT + _CLAMP if spec.plan.pixels.signed else SHIFT


def operations_of(call: Call, nonzero: int) -> Operations:
    """Operations of a call of a training step, by stage.

    Args:
        call: the call.
        nonzero: how many of its packed weights are not 0.
    """
    if isinstance(call, HostCall):
        return {}  # it moves values
    if isinstance(call, ShiftGradient):
        return _gradient(call)
    if isinstance(call, Pool):
        return _pool(call)
    assert isinstance(call, Layer)
    product = _product(call, nonzero)
    if call.sends_back:
        behind = _backward(call) if call.pass_ is Pass.BACKWARD else _perturbed(call)
        return {Stage.BACKWARD: product, **behind}
    behind = _output(call) if call.pass_ is Pass.OUTPUT else _hidden(call)
    return {Stage.FORWARD: product, **behind}


def _product(call: Layer, nonzero: int) -> Tally:
    """A signed sum at each place; sent back, of each tap alone, and then of the taps."""
    if call.is_dense:
        return _signed_sums(nonzero * call.batch, call.units * call.batch)
    columns = call.window.result_places * call.batch
    if not call.sends_back:
        return _signed_sums(nonzero * columns, call.units * call.batch)
    parts = call.window.fan_in * columns
    return _signed_sums(nonzero * columns, parts) + ADD * parts


def _pool(call: Pool) -> Operations:
    """The largest of a window, member by member; back, found again and looked for."""
    members, results = call.size * call.size, call.windows * call.channels << call.log2_batch
    largest = SELECT * ((members - 1) * results)
    found = SELECT * (3 * members * results)
    return {Stage.POOL: largest + found if call.back else largest}


def _signed_sums(terms: int, sums: int) -> Tally:
    """Inputs of weight +1, less those of weight -1."""
    return ADD * (terms + sums)


def _hidden(call: Layer) -> Operations:
    """Sum, less the mean, shift, bias, saturation; of a unit, its mean and its bias's place."""
    each = ADD * 2 + _SHIFT_TO_NEAREST + ADD + _CLAMP
    unit = _SHIFT_TO_NEAREST + SHIFT
    return {Stage.NORMALIZE: each * (call.units * call.batch) + unit * call.units}


def _output(call: Layer) -> Operations:
    """Shift and bias; the hinge; and of a unit, the sum of its deltas that its bias steps by."""
    elements = call.units * call.batch
    return {
        Stage.NORMALIZE: (_SHIFT_TO_NEAREST + ADD) * elements + SHIFT * call.units,
        Stage.LOSS: _hinge() * elements,
        Stage.BIASES: ADD * elements + _bias(call.bias_exponent) * call.units,
    }


def _hinge() -> Tally:
    """Is it the label; -y or y; 64 less that, clamped; -h or h; and the sum of the h."""
    return SELECT + (ADD + SELECT) + (ADD + _CLAMP) + (ADD + SELECT) + ADD


def _backward(call: Layer) -> Operations:
    """The gate; the mean, whose sum biases step by, too; and what is left, rounded."""
    elements, biases = call.units * call.batch, call.shapes()["bias"][0]
    each = ADD * 2 + _rounded(call.shift) + _CLAMP
    over_places = ADD * (call.units if call.units > biases else 0)
    return {
        Stage.GATE: (SELECT * 3 + LOGIC) * elements,
        Stage.NORMALIZE_BACK: each * elements + _SHIFT_TO_NEAREST * call.units,
        Stage.BIASES: over_places + _bias(call.bias_exponent) * biases,
        Stage.RANDOM: _CALL * (elements // 8),  # a byte a delta
    }


def _perturbed(call: Layer) -> Operations:
    """Above or below 0, and a step or nothing, each; the sum of both, clamped."""
    return {Stage.INPUT: (SELECT * 4 + ADD * 2 + _CLAMP) * (call.units * call.batch)}


def _gradient(call: ShiftGradient) -> Operations:
    """Codes, their shifted sums, the update, the next sample; a byte a code, a half a weight."""
    weights, codes = call.inputs * call.outputs, math.prod(call.shapes()["x"])
    columns, is_signed = call.batch * call.window.result_places, call.signed_inputs
    halves = word_columns(call.inputs) * call.outputs * WORD_BITS
    return {
        Stage.CODES: (_code() + _SIGN if is_signed else _code()) * codes,
        Stage.GRADIENT: (SHIFT + SELECT + ADD + (ADD + SELECT if is_signed else NOTHING))
        * (weights * columns)
        + (ADD + SELECT * 2 + (ADD + SELECT if is_signed else NOTHING)) * (call.inputs * columns),
        Stage.UPDATE: _update(call.shift) * weights,
        Stage.SAMPLE: _sample(call) * weights,
        Stage.RANDOM: _CALL * (codes // 8 + halves // 4),
    }


def _rounding_term(bits: int) -> Tally:
    return SHIFT if bits <= 8 else SHIFT + ADD


def _rounded(bits: int) -> Tally:
    """A shift with stochastic rounding."""
    return _rounding_term(bits) + ADD + SHIFT


def _code() -> Tally:
    """The code of an activation: k, its rest against 8 - k random bits, and what 1 and 0 get."""
    rest = SHIFT + ADD
    random_bits = ADD + SHIFT
    one_or_nothing = SHIFT + SELECT
    return _LOG2 + rest + random_bits + SELECT + ADD + one_or_nothing + SELECT * 2


def _update(shift: int) -> Tally:
    return (_rounded(shift) if shift > 0 else SHIFT) + ADD + _CLAMP


def _bias(exponent: int) -> Tally:
    return (SHIFT if exponent >= 0 else _SHIFT_TO_NEAREST) + ADD + _CLAMP


def _sample(call: ShiftGradient) -> Tally:
    """The weight (or its size), a threshold, the comparison and the choice (and the sign)."""
    bits = call.master_bits - (0 if call.binary else 1)
    threshold = _rounding_term(bits) + ADD + SHIFT + ADD
    return ADD + threshold + SELECT * (2 if call.binary else 3)


@dataclass(frozen=True)
class _PaperLayer:
    """A layer of the paper: what it has one of, and how many of an example.

    Attributes:
        weights: shared by all places.
        channels: means, biases and gains.
        products: weights, as often as they are applied.
        entering: activations, each with a code.
        sums: results of its products.
        leaving: of these, those behind its pool, if it has one: all that stands behind sees them.
    """

    weights: int
    channels: int
    products: int
    entering: int
    sums: int
    leaving: int


def _paper_layers(plan: Plan) -> list[_PaperLayer]:
    """The layers with weights; a pool belongs to the one in front of it."""
    layers = plan.layers(binary=False, master_bits=16, log2_batch=4)
    weighted = [layer for layer in layers if layer.weights]
    entering = [layer.position.source.image.size for layer in weighted]
    made = [plan.signals[layer.index + 1].image for layer in weighted]
    behind = [*entering[1:], made[-1].size]
    return [
        _PaperLayer(
            layer.weights, image.channels, layer.weights * image.places, x, image.size, leaving
        )
        for layer, image, x, leaving in zip(weighted, made, entering, behind, strict=True)
    ]


def paper_step(
    plan: Plan,
    batch: int,
    method: str,
    batch_norm: bool,
    nonzeros: Sequence[int] | None = None,
) -> Operations:
    """Multiplications, additions and shifts of one of the paper's training steps, by stage.

    Args:
        plan: the net.
        batch: examples, at least one.
        method: one of ``contract.method_names.METHODS``.
        batch_norm: whether every layer, the last one too, is normalized.
        nonzeros: how many weights of each layer's sample are not 0; by default all of them.
    """
    step = dict.fromkeys(Stage, NOTHING)
    step[Stage.LOSS] = ADD * (3 * plan.signals[-1].image.size * batch)
    for index, layer in enumerate(_paper_layers(plan)):
        nonzero = nonzeros[index] if nonzeros else layer.weights
        for stages in (
            _paper_products(layer, batch, method, nonzero),
            _paper_elements(layer, batch),
            _paper_draws(layer, batch, method),
            _paper_batch_norm(layer, batch) if batch_norm else {},
        ):
            for stage, tally in stages.items():
                step[stage] += tally
    return step


def _paper_products(layer: _PaperLayer, batch: int, method: str, nonzero: int) -> Operations:
    """The three products of a layer; also the first one sends deltas back, as in its totals."""
    dense = (MULTIPLY + ADD) * (layer.products * batch)
    shifted = (SHIFT + ADD) * (layer.products * batch)
    exact, terms = method == "float", nonzero * (layer.products // layer.weights) * batch
    return {
        Stage.FORWARD: dense if exact else _signed_sums(terms, layer.sums * batch),
        Stage.BACKWARD: dense if exact else _signed_sums(terms, layer.entering * batch),
        Stage.GRADIENT: shifted if method.endswith("-qbp") else dense,
    }


def _paper_elements(layer: _PaperLayer, batch: int) -> Operations:
    """Equations 5 and 6: the gate, and the learning rate times the delta, once for each."""
    each = layer.leaving * batch
    return {
        Stage.NORMALIZE: ADD * each,  # the bias
        Stage.GATE: MULTIPLY * each,
        Stage.BIASES: (MULTIPLY + ADD) * each + ADD * layer.channels,
        Stage.UPDATE: MULTIPLY * each + ADD * layer.weights,
    }


def _paper_draws(layer: _PaperLayer, batch: int, method: str) -> Operations:
    """Chances of the samples, (w + 1) / 2 or ``|w|``; and of the powers of two, 2m - 1."""
    chance = {"float": NOTHING, "ternary-qbp": ADD}.get(method, ADD + SHIFT)
    code = SHIFT + ADD * 2 if method.endswith("-qbp") else NOTHING
    return {Stage.SAMPLE: chance * layer.weights, Stage.CODES: code * (layer.entering * batch)}


def _paper_batch_norm(layer: _PaperLayer, batch: int) -> Operations:
    """Forward, backward, and the step of the gain."""
    each, channels = layer.leaving * batch, layer.channels
    return {
        Stage.NORMALIZE: (MULTIPLY + ADD) * (3 * each) + (MULTIPLY * 3 + ADD) * channels,
        Stage.NORMALIZE_BACK: (MULTIPLY + ADD) * (5 * each) + (MULTIPLY * 6 + ADD) * channels,
        Stage.BIASES: (MULTIPLY + ADD) * each + ADD * channels,
    }
