# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A dense layer: every unit sees every input. Its shifts, its arrays, and its calls in a step.

Arrays of layer k in a net's memory: weights_k, bias_k (state); sign_k, mask_k (its packed
sample), mean_k; x_k (activations that enter it) and deltas_k (of its units). What it computes
enters layer k + 1 as x_{k+1}; the output layer leaves ``logits`` and adds to ``loss``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contract import calls
from ..contract.calls import Pass
from ..contract.layouts import WORD_BITS, word_columns
from ..oracle.draws import Purpose, purpose_word
from .memory import Memory, Place

_BIAS_RATE_EXPONENT = -5
_BIAS_FRACTION = 16
_LOGIT_FRACTION = 6
_ACTIVATION_FRACTION = 5
_UPDATE_SHIFTS = (-8, 24)
_SUM_BITS = 24  # a delta's 127, shifted by more than this, would leave 32 bits


def _limited(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


@dataclass(frozen=True)
class Dense:
    """One layer and its fixed shifts (contract, section 10).

    Attributes:
        index: of the layer, from 0.
        inputs: that enter every unit.
        outputs: its units.
        is_output: whether its sums are the net's logits.
        forward_shift: K, of the sums.
        delta_shift: S, of the deltas that it sends back.
        delta_exponent: E; a delta d of this layer is d * 2**E.
        input_fraction: fraction bits of its activations.
        binary: whether samples of its weights are -1 and 1, without 0.
        master_bits: of its weights, 8 or 16.
        log2_batch: of the samples.
    """

    index: int
    inputs: int
    outputs: int
    is_output: bool
    forward_shift: int
    delta_shift: int
    delta_exponent: int
    input_fraction: int
    binary: bool
    master_bits: int
    log2_batch: int

    @property
    def words(self) -> int:
        """Word columns of its packed weights."""
        return word_columns(self.inputs)

    @property
    def output_fraction(self) -> int:
        """Fraction bits of what the forward shift leaves."""
        return _LOGIT_FRACTION if self.is_output else _ACTIVATION_FRACTION

    @property
    def sent_exponent(self) -> int:
        """Exponent of the product that it sends back, before the delta shift."""
        return self.delta_exponent - self.forward_shift + self.input_fraction - self.output_fraction

    def update_shift(self, rate: int) -> int:
        """Bits that a weight update drops (negative: adds), at learning rate 2**rate."""
        gained = self.master_bits + rate - self.log2_batch
        return _limited(self.input_fraction - self.delta_exponent - gained, *_UPDATE_SHIFTS)

    def output_bias_exponent(self, rate: int) -> int:
        """The exponent of the step of an output layer's biases."""
        return self._bias_exponent(self.delta_exponent, rate, summands=1)

    def hidden_bias_exponent(self, rate: int) -> int:
        """The exponent of the step of the biases in front of it, from what it sends back."""
        return self._bias_exponent(self.sent_exponent, rate, self.outputs)

    def _bias_exponent(self, exponent: int, rate: int, summands: int) -> int:
        exponent += _BIAS_FRACTION + _BIAS_RATE_EXPONENT + rate - self.log2_batch
        largest = _SUM_BITS - self.log2_batch - (summands - 1).bit_length()
        return _limited(exponent, -_SUM_BITS, largest)

    # ---- Its arrays ------------------------------------------------------------------------------

    def places(self) -> dict[str, Place]:
        """Shapes and types of all its arrays in training, by name."""
        k, batch = self.index, 1 << self.log2_batch
        words = (1, self.words, self.outputs)
        return {
            f"weights_{k}": ((self.words, self.outputs, WORD_BITS), f"int{self.master_bits}"),
            f"bias_{k}": ((self.outputs,), np.int32),
            f"sign_{k}": (words, np.uint64),
            f"mask_{k}": (words, np.uint64),
            f"mean_{k}": ((self.outputs,), np.int32),
            f"x_{k}": ((self.inputs, batch), np.int8),
            f"deltas_{k}": ((self.outputs, batch), np.int8),
        }

    # ---- Its calls -------------------------------------------------------------------------------

    def sample(self, memory: Memory, sharpness: int, seed: int) -> calls.SampleWeights:
        """The call that samples its weights before its first step."""
        k = self.index
        return calls.SampleWeights(
            weights=memory[f"weights_{k}"],
            sign=memory[f"sign_{k}"],
            mask=memory[f"mask_{k}"],
            master_bits=self.master_bits,
            inputs=self.inputs,
            outputs=self.outputs,
            binary=self.binary,
            sharpness=sharpness,
            seed=seed,
            purpose=purpose_word(Purpose.WEIGHTS, k),
            step=0,
        )

    def forward(self, memory: Memory, rate: int) -> calls.Layer:
        """The call for its activations, or for the net's logits, loss and first deltas."""
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
        self, memory: Memory, hidden: Pass, planes: int = 1, more_shift: int = 0
    ) -> calls.Layer:
        """The call for its activations or logits with deterministic weights (contract, section 12).

        Args:
            memory: in which its packed weights have so many planes.
            hidden: with the batch's own means, or with given ones.
            planes: of the weights.
            more_shift: what its sums are larger by, in bits.
        """
        k, shift = self.index, self.forward_shift + more_shift
        if self.is_output:
            logits = memory["logits"]
            return self._pass(Pass.LOGITS, memory, logits=logits, planes=planes, shift=shift)
        mean, result = memory[f"mean_{k}"], memory[f"x_{k + 1}"]
        return self._pass(hidden, memory, mean=mean, result=result, planes=planes, shift=shift)

    def backward(self, memory: Memory, rate: int, seed: int, step: int) -> calls.Layer:
        """The call for the deltas of the layer in front of it, and the step of its biases."""
        k = self.index
        return self._pass(
            Pass.BACKWARD,
            memory,
            gate=memory[f"x_{k}"],
            bias=memory[f"bias_{k - 1}"],
            result=memory[f"deltas_{k - 1}"],
            shift=self.delta_shift,
            bias_exponent=self.hidden_bias_exponent(rate),
            seed=seed,
            purpose=purpose_word(Purpose.DELTAS, k),
            step=step,
        )

    def perturb(self, memory: Memory, perturbation: int) -> calls.Layer:
        """The call that moves a first layer's inputs against the net (contract, section 13)."""
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
    ) -> calls.ShiftGradient:
        """The call that updates its weights and draws their next sample."""
        k = self.index
        return calls.ShiftGradient(
            weights=memory[f"weights_{k}"],
            sign=memory[f"sign_{k}"],
            mask=memory[f"mask_{k}"],
            x=memory[f"x_{k}"],
            deltas=memory[f"deltas_{k}"],
            master_bits=self.master_bits,
            inputs=self.inputs,
            outputs=self.outputs,
            log2_batch=self.log2_batch,
            shift=self.update_shift(rate),
            binary=self.binary,
            sharpness=sharpness,
            seed=seed,
            code_purpose=purpose_word(Purpose.CODES, k),
            weight_purpose=purpose_word(Purpose.WEIGHTS, k),
            step=step,
        )

    def _pass(self, pass_: Pass, memory: Memory, **more: Any) -> calls.Layer:
        k = self.index
        common = {
            "source": memory[f"deltas_{k}" if pass_.sends_back else f"x_{k}"],
            "sign": memory[f"sign_{k}"],
            "mask": memory[f"mask_{k}"],
            "bias": memory[f"bias_{k}"],
            "inputs": self.inputs,
            "outputs": self.outputs,
            "log2_batch": self.log2_batch,
            "shift": self.forward_shift,
        }
        return calls.Layer(pass_=pass_, **{**common, **more})
