# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A layer with weights: its shifts, its state, its arrays, and its calls in a step.

Its weights are applied wherever its window lies on the image that enters. The window of a dense
layer is the whole image, so there is one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract import calls
from ..contract.calls import Call, Pass
from ..contract.layouts import WORD_BITS, unblock_weights, unpack_ternary, word_columns
from ..contract.limits import MAX_PLACES
from ..contract.window import Window
from ..oracle.draws import Purpose, purpose_word, weight_halves
from ..oracle.integers import ACTIVATION_FRACTION, BIAS_FRACTION, LOGIT_FRACTION
from ..oracle.weights import initial_weights, wide_initial_weights
from ..system.errors import UsageError
from .base import Arrays, Deltas, Layer, Planes, Position
from .inference import WeightedInference
from .memory import ArrayType, Memory
from .tensors import Biases, Tensor, Weights

_BIAS_RATE_EXPONENT = -5
_UPDATE_SHIFTS = (-8, 24)
_SUM_BITS = 24  # a delta's 127, shifted by more than this, would leave 32 bits
_ROOM = 17  # bits that |G| of one place and example leaves free (contract, section 14)
_SETTLED_DEPTH = 4  # layers with weights; a net with fewer has a larger output gain
_BINARY_QUARTERS = 3  # bits / 4 that a binary sample's sum is larger than a ternary one's


def _limited(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _log2_above(n: int) -> int:
    """log2, rounded up."""
    return (n - 1).bit_length()


def grown_bits(terms: int, quarters: int = 0) -> int:
    """How many bits a sum of random terms grows by: log2(sqrt(terms)), rounded.

    Args:
        terms: how many.
        quarters: quarter bits to add before rounding.
    """
    twice_log2 = (terms * terms).bit_length() - 1
    return (twice_log2 + 2 + quarters) // 4


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with weights and its fixed shifts (contract, sections 10 and 14).

    Attributes:
        outputs: its units at a place.
        window: of a unit, on the image that enters.
        position: where it stands.

    Raises:
        UsageError: its gradient could leave 32 bits.
    """

    outputs: int
    window: Window
    position: Position

    def __post_init__(self) -> None:
        places, batch = self.window.result_places, self.position.batch
        if places * batch > MAX_PLACES and places > 1:
            raise UsageError(
                f"{places:,} places with a batch of {batch} are more than {MAX_PLACES:,} terms of "
                "a gradient: take a smaller batch, or a stride"
            )

    @cached_property
    def inputs(self) -> int:
        """That enter every unit at a place."""
        return self.window.fan_in

    @cached_property
    def sent_terms(self) -> int:
        """Most terms of a sum that it sends back."""
        return min(self.window.taps, self.window.result_places) * self.outputs

    @property
    def is_signed(self) -> bool:
        """Whether what enters may be negative."""
        return self.position.source.signed

    @cached_property
    def result_rows(self) -> int:
        """Rows of what it makes: places times units."""
        return self.window.result_places * self.outputs

    @property
    def is_output(self) -> bool:
        """Whether its sums are the net's logits."""
        return self.position.is_output

    @cached_property
    def words(self) -> int:
        """Word columns of its packed weights."""
        return word_columns(self.inputs)

    @property
    def output_fraction(self) -> int:
        """Fraction bits of what the forward shift leaves."""
        return LOGIT_FRACTION if self.is_output else ACTIVATION_FRACTION

    # ---- Its shifts ------------------------------------------------------------------------------

    @cached_property
    def forward_shift(self) -> int:
        """K, of the sums."""
        at = self.position
        shift = grown_bits(self.inputs, _BINARY_QUARTERS if at.binary else 0)
        shift -= int(at.source.bias is not None)
        if self.is_output:
            shift -= _limited(_SETTLED_DEPTH - at.depth, 0, at.recipe.largest_gain)
        return max(shift, 0)

    @cached_property
    def delta_shift(self) -> int:
        """S, of the deltas that it sends back."""
        at, stride = self.position, self.window.stride
        there = max(1, self.sent_terms // (stride * stride * at.deltas.one_in))  # that are not 0
        return max(0, grown_bits(there) - at.recipe.delta_gain + int(self.is_output))

    @property
    def delta_exponent(self) -> int:
        """E; a delta d of this layer is d * 2**E."""
        return self.position.deltas.exponent

    @cached_property
    def sent_exponent(self) -> int:
        """X, of the product that it sends back, before the delta shift."""
        fraction = self.position.source.fraction
        return self.delta_exponent - self.forward_shift + fraction - self.output_fraction

    @property
    def sent(self) -> Deltas:
        """Exponent of the deltas that it sends back."""
        return Deltas(self.sent_exponent + self.delta_shift)

    def update_shift(self, rate: int) -> int:
        """Bits that a weight update drops (negative: adds), at learning rate 2**rate."""
        at = self.position
        rate += at.recipe.output_rate if self.is_output else 0
        shift = at.source.fraction - self.delta_exponent - at.master_bits - rate + at.log2_batch
        least = at.log2_batch + _log2_above(self.window.result_places) - _ROOM
        return _limited(shift, max(_UPDATE_SHIFTS[0], least), _UPDATE_SHIFTS[1])

    def output_bias_exponent(self, rate: int) -> int:
        """Exponent of the step of an output layer's biases."""
        return self._bias_exponent(self.delta_exponent, rate, 1)

    def hidden_bias_exponent(self, rate: int) -> int:
        """Exponent of the step of the biases in front, from the product that it sends back."""
        return self._bias_exponent(self.sent_exponent, rate, self.sent_terms, self.window.places)

    def _bias_exponent(self, exponent: int, rate: int, terms: int, places: int = 1) -> int:
        log2_batch = self.position.log2_batch
        exponent += BIAS_FRACTION + _BIAS_RATE_EXPONENT + rate - log2_batch
        largest = _SUM_BITS - log2_batch - _log2_above(terms) - _log2_above(places)
        return _limited(exponent, -_SUM_BITS, largest)

    # ---- Its state -------------------------------------------------------------------------------

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Weights (outputs, inputs) and biases (outputs,)."""
        k = self.index
        weights = Weights.of(f"weights_{k}", self.outputs, self.inputs, self.position.master_bits)
        return weights, Biases.of(f"bias_{k}", self.outputs, self.output_fraction)

    @property
    def weights(self) -> int:
        """How many weights it has."""
        return self.inputs * self.outputs

    @property
    def seen(self) -> tuple[int, int, int]:
        """Rows, columns and channels under the window."""
        return self.window.tap_rows, self.window.tap_columns, self.window.channels

    def start(self, seed: int) -> Arrays:
        """Weights and biases before the first step (contract, section 8)."""
        k, bits = self.index, self.position.master_bits
        begin = wide_initial_weights if self.position.recipe.wide_start else initial_weights
        key = (seed, purpose_word(Purpose.INIT, k))
        blocks = np.empty((self.words, self.outputs, WORD_BITS), self.position.dtype)
        for word in range(self.words):  # 64-bit integers for all would outweigh the net
            halves = weight_halves(key, 1, self.outputs, step=0, first=word)
            blocks[word] = begin(halves[0], bits)
        return {
            f"weights_{k}": unblock_weights(blocks, self.inputs),
            f"bias_{k}": np.zeros(self.outputs, np.int32),
        }

    # ---- Its arrays ------------------------------------------------------------------------------

    def arrays(self) -> dict[str, ArrayType]:
        """Shapes and types of all its arrays in training, by name."""
        k, batch = self.index, self.position.batch
        words = (1, self.words, self.outputs)
        return {
            f"weights_{k}": ((self.words, self.outputs, WORD_BITS), self.position.dtype),
            f"bias_{k}": ((self.outputs,), np.int32),
            f"sign_{k}": (words, np.uint64),
            f"mask_{k}": (words, np.uint64),
            **self.means(),
            f"x_{k}": ((self.position.source.image.size, batch), np.int8),
            f"deltas_{k}": ((self.result_rows, batch), np.int8),
        }

    def means(self) -> dict[str, ArrayType]:
        """The mean sums of a hidden layer, (places * outputs,)."""
        return {} if self.is_output else {f"mean_{self.index}": ((self.result_rows,), np.int32)}

    def deployed(self, state: Mapping[str, npt.NDArray[Any]], planes: Planes) -> Arrays:
        """Packed deterministic weights, and biases."""
        k = self.index
        sign, mask = planes(state[f"weights_{k}"])
        return {f"sign_{k}": sign, f"mask_{k}": mask, f"bias_{k}": state[f"bias_{k}"]}

    def inference(self, arrays: Mapping[str, npt.NDArray[Any]]) -> WeightedInference:
        """The sums of its units and their epilogue (contract, sections 5 and 12)."""
        k, shape = self.index, (self.window.result_places, self.outputs)
        before = np.full(shape, 1 << self.forward_shift >> 1, np.int64)
        for name in self.means():
            before -= arrays[name].reshape(shape)
        (bias,) = (tensor for tensor in self.tensors if isinstance(tensor, Biases))
        return WeightedInference(
            window=self.window,
            weights=unpack_ternary(arrays[f"sign_{k}"][0], arrays[f"mask_{k}"][0], self.inputs),
            before=before,
            shift=self.forward_shift,
            behind=arrays[bias.name].astype(np.int64) >> bias.unused_bits,
            is_output=self.is_output,
        )

    # ---- Its calls -------------------------------------------------------------------------------

    def sample(self, memory: Memory, sharpness: int, seed: int) -> Sequence[Call]:
        """The call that samples its weights before its first step."""
        k = self.index
        call = calls.SampleWeights(
            weights=memory[f"weights_{k}"],
            sign=memory[f"sign_{k}"],
            mask=memory[f"mask_{k}"],
            master_bits=self.position.master_bits,
            inputs=self.inputs,
            outputs=self.outputs,
            binary=self.position.binary,
            sharpness=sharpness,
            seed=seed,
            purpose=purpose_word(Purpose.WEIGHTS, k),
            step=0,
        )
        return [call]

    def forward(self, memory: Memory, rate: int) -> Sequence[Call]:
        """The pass to its activations, or to the net's logits, loss and first deltas."""
        k = self.index
        if not self.is_output:
            return self._pass(
                Pass.HIDDEN, memory, mean=memory[f"mean_{k}"], result=memory[f"x_{k + 1}"]
            )
        return self._pass(
            Pass.OUTPUT,
            memory,
            labels=memory["labels"],
            logits=memory["logits"],
            result=memory[f"deltas_{k}"],
            loss=memory["loss"],
            bias_exponent=self.output_bias_exponent(rate),
        )

    def evaluate(
        self, memory: Memory, hidden: Pass, planes: int, more_shift: int
    ) -> Sequence[Call]:
        """The pass with deterministic weights, to activations or logits (contract, section 12)."""
        k, shift = self.index, self.forward_shift + more_shift
        if self.is_output:
            logits = memory["logits"]
            return self._pass(Pass.LOGITS, memory, logits=logits, planes=planes, shift=shift)
        mean, result = memory[f"mean_{k}"], memory[f"x_{k + 1}"]
        return self._pass(hidden, memory, mean=mean, result=result, planes=planes, shift=shift)

    def backward(self, memory: Memory, rate: int, seed: int, step: int) -> Sequence[Call]:
        """Deltas of what stands in front of it, and the step of its biases, if it learns."""
        k, bias = self.index, self.position.source.bias
        if bias is None:
            return []
        return self._pass(
            Pass.BACKWARD,
            memory,
            gate=memory[f"x_{k}"],
            bias=memory[bias],
            result=memory[f"deltas_{k - 1}"],
            shift=self.delta_shift,
            bias_exponent=self.hidden_bias_exponent(rate),
            seed=seed,
            purpose=purpose_word(Purpose.DELTAS, k),
            step=step,
        )

    def perturb(self, memory: Memory, perturbation: int) -> Sequence[Call]:
        """The inputs of a first layer, moved against the net (contract, section 13)."""
        return self._pass(
            Pass.PERTURB,
            memory,
            gate=memory["x_0"],
            bias=None,
            result=memory["moved"],
            shift=perturbation.bit_length() - 1,
        )

    def update(
        self, memory: Memory, rate: int, sharpness: int, seed: int, step: int
    ) -> Sequence[Call]:
        """The update of its weights, and their next sample."""
        k = self.index
        call = calls.ShiftGradient(
            weights=memory[f"weights_{k}"],
            sign=memory[f"sign_{k}"],
            mask=memory[f"mask_{k}"],
            x=memory[f"x_{k}"],
            deltas=memory[f"deltas_{k}"],
            master_bits=self.position.master_bits,
            inputs=self.inputs,
            outputs=self.outputs,
            log2_batch=self.position.log2_batch,
            shift=self.update_shift(rate),
            binary=self.position.binary,
            sharpness=sharpness,
            seed=seed,
            code_purpose=purpose_word(Purpose.CODES, k),
            weight_purpose=purpose_word(Purpose.WEIGHTS, k),
            step=step,
            **vars(self.window),
            signed_inputs=self.is_signed,
        )
        return [call]

    def _pass(self, pass_: Pass, memory: Memory, **more: Any) -> Sequence[Call]:
        k = self.index
        common = {
            "source": memory[f"deltas_{k}" if pass_.sends_back else f"x_{k}"],
            "sign": memory[f"sign_{k}"],
            "mask": memory[f"mask_{k}"],
            "bias": memory[f"bias_{k}"],
            "inputs": self.inputs,
            "outputs": self.outputs,
            "log2_batch": self.position.log2_batch,
            "shift": self.forward_shift,
            **vars(self.window),
            "signed_inputs": pass_ is Pass.PERTURB and self.is_signed,
        }
        return [calls.Layer(pass_=pass_, **{**common, **more})]
