# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The numpy oracle behind the backend protocol: slow, and written from the contract alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.backend import OneByOne, PreparedCalls, run_on_host
from ..contract.calls import (
    CALLS,
    BinaryMatmul,
    Call,
    HostCall,
    Layer,
    Normalize,
    Pass,
    Pool,
    SampleWeights,
    ShiftGradient,
    Windowed,
)
from ..contract.layouts import (
    WORD_BITS,
    block_weights,
    pack_ternary,
    unblock_weights,
    unpack_ternary,
)
from ..contract.limits import ACTIVATION_MAX
from ..contract.stages import Stage
from ..contract.window import Window
from ..oracle import convolution, gradient, normalization, products, weights
from ..oracle.draws import element_bytes, weight_halves
from ..oracle.integers import IntArray
from ..oracle.perturbation import perturb
from ..oracle.threefry import Enter, unwatched

Key = tuple[int, int]
Epilogue = Layer | Normalize

# Word columns whose 64-bit integers are in memory at a time.
_COLUMNS = 2


def _plain(array: npt.NDArray[Any]) -> IntArray:
    return array.astype(np.int64)


def _window_of(call: Call) -> Window | None:
    """Where a call's weights are applied, if not once to all that enters."""
    return call.window if isinstance(call, Windowed) and not call.is_dense else None


def _groups_of_columns(weights: npt.NDArray[Any], inputs: int) -> Iterator[tuple[slice, int, int]]:
    """Some word columns, the first of them, and how many inputs they have."""
    for first in range(0, len(weights), _COLUMNS):
        there = min(_COLUMNS * WORD_BITS, inputs - first * WORD_BITS)
        yield slice(first, first + _COLUMNS), first, there


class OracleBackend:
    """Computes with ``fewmult_hls.oracle``.

    Args:
        wrap: applied to every array that enters the arithmetic; instrumentation uses it.
        stage: says which part of a training step is executed; instrumentation uses it.
    """

    name = "numpy"
    in_order = True
    kernels = frozenset(CALLS)
    dense_only = frozenset[str]()

    def __init__(
        self,
        wrap: Enter = unwatched,
        stage: Callable[[Stage], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self._wrap = wrap
        self._stage = stage

    def _enter(self, array: npt.NDArray[Any]) -> IntArray:
        return self._wrap(_plain(array))

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array."""
        return np.zeros(shape, dtype)

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def run(self, call: Call) -> None:
        """See ``Backend``."""
        call.check()
        if isinstance(call, HostCall):
            with self._stage(call.stage):
                run_on_host(self, call, self._wrap)
        elif isinstance(call, SampleWeights):
            self._sample_weights(call)
        elif isinstance(call, BinaryMatmul):
            call.z[:] = self._product(call)
        elif isinstance(call, Layer):
            self._finish(call, self._product(call))
        elif isinstance(call, Normalize):
            self._finish(call, self._enter(call.z))
        elif isinstance(call, ShiftGradient):
            self._shift_gradient(call)
        elif isinstance(call, Pool):
            self._pool(call)

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """See ``Backend``."""
        return OneByOne(self, calls)

    # ---- Products and their epilogues ------------------------------------------------------------

    def _product(self, call: Layer | BinaryMatmul) -> IntArray:
        planes = [
            unpack_ternary(s, m, call.inputs) for s, m in zip(call.sign, call.mask, strict=True)
        ]
        source, window = self._enter(call.source), _window_of(call)
        if call.sends_back:
            with self._stage(Stage.BACKWARD):
                if window is not None:
                    return convolution.convolve_back(planes[0], source, window)
                return products.binary_matmul(planes[0].T, source)
        with self._stage(Stage.FORWARD):
            if window is not None:
                return convolution.convolve(planes, source, window)
            return products.planes_matmul(planes, source)

    def _finish(self, call: Epilogue, z: IntArray) -> None:
        if call.pass_ in (Pass.HIDDEN, Pass.HIDDEN_MEAN):
            self._finish_hidden(call, z)
        elif call.pass_ is Pass.BACKWARD:
            self._finish_backward(call, z)
        elif call.pass_ is Pass.PERTURB:
            signed = isinstance(call, Layer) and call.signed_inputs
            with self._stage(Stage.INPUT):
                least = -ACTIVATION_MAX if signed else 0
                call.result[:] = perturb(z, self._enter(call.gate), call.shift, least)
        else:
            self._finish_output(call, z)

    def _finish_hidden(self, call: Epilogue, z: IntArray) -> None:
        with self._stage(Stage.NORMALIZE):
            if call.pass_ is Pass.HIDDEN:
                call.mean[:] = normalization.batch_mean(z)
            mean, bias = self._enter(call.mean), self._enter(call.bias)
            of_rows = np.arange(len(z)) % len(bias)  # whose bias each row has
            call.result[:] = normalization.normalize_forward(z, mean, bias[of_rows], call.shift)

    def _finish_output(self, call: Epilogue, z: IntArray) -> None:
        bias = self._enter(call.bias)
        with self._stage(Stage.NORMALIZE):
            logits = normalization.normalize_output(z, bias, call.shift)
        call.logits[:] = logits
        if call.pass_ is Pass.LOGITS:
            return
        with self._stage(Stage.LOSS):
            deltas, loss = normalization.hinge(logits, self._wrap(call.labels))
        call.result[:] = deltas
        call.loss[0] += loss
        with self._stage(Stage.BIASES):
            sums = deltas.sum(axis=1)
            call.bias[:] = normalization.stepped_bias(bias, sums, call.bias_exponent)

    def _finish_backward(self, call: Epilogue, g: IntArray) -> None:
        random_bytes = self._bytes((call.seed, call.purpose), g.shape, call.step)
        with self._stage(Stage.GATE):
            gated = normalization.gate(g, self._enter(call.gate))
        with self._stage(Stage.NORMALIZE_BACK):
            deltas, sums = normalization.normalize_backward(gated, call.shift, random_bytes)
        call.result[:] = deltas
        with self._stage(Stage.BIASES):
            bias = self._enter(call.bias)
            if len(sums) > len(bias):  # a channel's, over all places
                sums = sums.reshape(-1, len(bias)).sum(axis=0)
            call.bias[:] = normalization.stepped_bias(bias, sums, call.bias_exponent)

    def _pool(self, call: Pool) -> None:
        sizes = (call.channels, call.rows, call.columns, call.size)
        with self._stage(Stage.POOL):
            if call.back:
                deltas = self._enter(call.deltas)
                call.result[:] = convolution.pool_back(self._enter(call.x), deltas, *sizes)
            else:
                call.pooled[:] = convolution.pool(self._enter(call.x), *sizes)

    # ---- Weights ---------------------------------------------------------------------------------

    def _sample_weights(self, call: SampleWeights) -> None:
        for columns, first, there in _groups_of_columns(call.weights, call.inputs):
            blocks = call.weights[columns]
            key = (call.seed, call.purpose)
            _, high = self._weight_bytes(key, blocks, first, there, call.step)
            self._store_sample(call, columns, self._enter(unblock_weights(blocks, there)), high)

    def _shift_gradient(self, call: ShiftGradient) -> None:
        code_key, weight_key = ((call.seed, p) for p in (call.code_purpose, call.weight_purpose))
        random_bytes = self._bytes(code_key, call.x.shape, call.step)
        window = _window_of(call)
        with self._stage(Stage.CODES):
            codes_of = gradient.signed_codes if call.signed_inputs else gradient.power_of_two_codes
            codes = codes_of(self._enter(call.x), random_bytes)
        sums_of = gradient.signed_gradient if call.signed_inputs else gradient.shift_gradient
        deltas, next_step = self._enter(call.deltas), (call.step + 1) & 0xFFFFFFFF
        for columns, first, there in _groups_of_columns(call.weights, call.inputs):
            blocks = call.weights[columns]
            low, high = self._weight_bytes(weight_key, blocks, first, there, next_step)
            inputs = slice(first * WORD_BITS, first * WORD_BITS + there)
            with self._stage(Stage.GRADIENT):
                if window is None:
                    sums = sums_of(deltas, codes[inputs])
                else:
                    seen = convolution.gathered(codes, window, inputs)
                    sums = sums_of(convolution.by_units(deltas, call.outputs), seen)
            with self._stage(Stage.UPDATE):
                old = self._enter(unblock_weights(blocks, there))
                matrix = gradient.updated_weights(old, sums, call.shift, low, call.master_bits)
            blocks[:] = block_weights(np.asarray(matrix))
            self._store_sample(call, columns, matrix, high)

    def _store_sample(
        self,
        call: SampleWeights | ShiftGradient,
        columns: slice,
        matrix: IntArray,
        random_bytes: IntArray,
    ) -> None:
        sample = weights.sample_binary if call.binary else weights.sample_ternary
        with self._stage(Stage.SAMPLE):
            drawn = sample(matrix, random_bytes, call.master_bits, call.sharpness)
        call.sign[0, columns], call.mask[0, columns] = pack_ternary(np.asarray(drawn))

    # ---- Draws -----------------------------------------------------------------------------------

    def _bytes(self, key: Key, shape: tuple[int, ...], step: int) -> IntArray:
        """The draws of activations or deltas (units, batch)."""
        units, batch = shape
        with self._stage(Stage.RANDOM):
            return self._wrap(element_bytes(key, units, batch, step, self._wrap))

    def _weight_bytes(
        self, key: Key, blocks: npt.NDArray[Any], first: int, inputs: int, step: int
    ) -> tuple[IntArray, IntArray]:
        """The low and the high bytes of weights (outputs, inputs) in word columns ``first`` on."""
        words, outputs, _ = blocks.shape
        with self._stage(Stage.RANDOM):
            drawn = weight_halves(key, words, outputs, step, first, self._wrap)
        halves = unblock_weights(drawn, inputs)
        return self._wrap(halves & 0xFF), self._wrap(halves >> 8)

    def info(self) -> dict[str, str]:
        """Version of numpy."""
        return {"numpy": np.__version__}

    def close(self) -> None:
        """Nothing is held."""
