# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The numpy oracle behind the backend protocol: slow, and written from the contract alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from ..layouts import WORD_BITS, block_weights, pack_ternary, unblock_weights, unpack_ternary
from ..oracle import gradient, normalization, products, weights
from ..oracle.draws import sample_bytes, weight_halves
from ..oracle.integers import IntArray
from ..oracle.perturbation import perturb
from ..oracle.threefry import Enter, unwatched
from ..stages import Stage
from .base import Int8Array, Int32Array, Key, LayerArrays, LayerNumbers, Pass, Update, Words


def _plain(array: npt.NDArray[Any]) -> IntArray:
    return array.astype(np.int64)


# Word columns whose 64-bit integers are in memory at a time.
_COLUMNS = 2


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

    def __init__(
        self,
        wrap: Enter = unwatched,
        stage: Callable[[Stage], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self._wrap = wrap
        self._stage = stage

    def _enter(self, array: npt.NDArray[Any] | None) -> IntArray:
        assert array is not None, "the pass needs an array that it was not given"
        return self._wrap(_plain(array))

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array."""
        return np.zeros(shape, dtype)

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def gather(
        self, images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], inputs: Int8Array
    ) -> None:
        """See ``Backend``."""
        with self._stage(Stage.INPUT):
            inputs[:] = (self._wrap(images[chosen]) >> 1).T

    def sample_weights(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        *,
        inputs: int,
        binary: bool,
        key: Key,
        step: int,
        sharpness: int = 0,
    ) -> None:
        """See ``Backend``."""
        master_bits = weights.dtype.itemsize * 8
        for columns, first, there in _groups_of_columns(weights, inputs):
            _, high = self._weight_bytes(key, weights[columns], first, there, step)
            matrix = self._enter(unblock_weights(weights[columns], there))
            self._store_sample(
                matrix,
                high,
                sign[:, columns],
                mask[:, columns],
                binary,
                sharpness,
                master_bits,
            )

    def _bytes(self, key: Key, units: int, batch: int, step: int) -> IntArray:
        """The draws of activations or deltas (units, batch)."""
        with self._stage(Stage.RANDOM):
            return self._wrap(sample_bytes(key, units, batch, step, self._wrap))

    def _weight_bytes(
        self, key: Key, blocks: npt.NDArray[Any], first: int, inputs: int, step: int
    ) -> tuple[IntArray, IntArray]:
        """The low and the high bytes of weights (outputs, inputs) in word columns ``first`` on."""
        words, outputs, _ = blocks.shape
        with self._stage(Stage.RANDOM):
            drawn = weight_halves(key, words, outputs, step, first, self._wrap)
        halves = unblock_weights(drawn, inputs)
        return self._wrap(halves & 0xFF), self._wrap(halves >> 8)

    def _store_sample(
        self,
        matrix: IntArray,
        random_bytes: IntArray,
        sign: Words,
        mask: Words,
        binary: bool,
        sharpness: int,
        master_bits: int,
    ) -> None:
        sample = weights.sample_binary if binary else weights.sample_ternary
        with self._stage(Stage.SAMPLE):
            ternary = np.asarray(sample(matrix, random_bytes, master_bits, sharpness))
        sign[0], mask[0] = pack_ternary(ternary)

    def _product(
        self, source: Int8Array, sign: Words, mask: Words, inputs: int, transposed: bool
    ) -> IntArray:
        planes = [unpack_ternary(s, m, inputs) for s, m in zip(sign, mask, strict=True)]
        if transposed:
            with self._stage(Stage.BACKWARD):
                return products.binary_matmul(planes[0].T, self._enter(source))
        with self._stage(Stage.FORWARD):
            return products.planes_matmul(planes, self._enter(source))

    def binary_matmul(
        self,
        source: Int8Array,
        sign: Words,
        mask: Words,
        z: Int32Array,
        *,
        inputs: int,
        transposed: bool,
    ) -> None:
        """See ``Backend``."""
        z[:] = self._product(source, sign, mask, inputs, transposed)

    def normalize(
        self, pass_: Pass, z: Int32Array, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        """See ``Backend``."""
        self._finish(pass_, self._enter(z), arrays, numbers)

    def layer(
        self,
        pass_: Pass,
        source: Int8Array,
        sign: Words,
        mask: Words,
        arrays: LayerArrays,
        numbers: LayerNumbers,
        *,
        inputs: int,
    ) -> None:
        """See ``Backend``."""
        z = self._product(source, sign, mask, inputs, pass_.sends_back)
        self._finish(pass_, z, arrays, numbers)

    def _finish(self, pass_: Pass, z: IntArray, arrays: LayerArrays, numbers: LayerNumbers) -> None:
        if pass_ in (Pass.HIDDEN, Pass.HIDDEN_MEAN):
            self._finish_hidden(pass_, z, arrays, numbers)
        elif pass_ is Pass.BACKWARD:
            self._finish_backward(z, arrays, numbers)
        elif pass_ is Pass.PERTURB:
            assert arrays.result is not None
            with self._stage(Stage.INPUT):
                arrays.result[:] = perturb(z, self._enter(arrays.gate), numbers.shift)
        else:
            self._finish_output(pass_, z, arrays, numbers)

    def _finish_hidden(
        self, pass_: Pass, z: IntArray, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        assert arrays.mean is not None
        assert arrays.result is not None
        with self._stage(Stage.NORMALIZE):
            if pass_ is Pass.HIDDEN:
                arrays.mean[:] = normalization.batch_mean(z)
            arrays.result[:] = normalization.normalize_forward(
                z, self._enter(arrays.mean), self._enter(arrays.bias), numbers.shift
            )

    def _finish_output(
        self, pass_: Pass, z: IntArray, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        assert arrays.logits is not None
        assert arrays.bias is not None
        bias = self._enter(arrays.bias)
        with self._stage(Stage.NORMALIZE):
            logits = normalization.normalize_output(z, bias, numbers.shift)
        arrays.logits[:] = logits
        if pass_ is Pass.LOGITS:
            return
        assert arrays.result is not None
        assert arrays.labels is not None
        assert arrays.loss is not None
        with self._stage(Stage.LOSS):
            deltas, loss = normalization.hinge(logits, self._wrap(arrays.labels))
        arrays.result[:] = deltas
        arrays.loss[0] += loss
        with self._stage(Stage.BIASES):
            sums = deltas.sum(axis=1)
            arrays.bias[:] = normalization.stepped_bias(bias, sums, numbers.bias_exponent)

    def _finish_backward(self, g: IntArray, arrays: LayerArrays, numbers: LayerNumbers) -> None:
        assert arrays.result is not None
        assert arrays.bias is not None
        units, batch = g.shape
        random_bytes = self._bytes(numbers.key, units, batch, numbers.step)
        with self._stage(Stage.GATE):
            gated = normalization.gate(g, self._enter(arrays.gate))
        with self._stage(Stage.NORMALIZE_BACK):
            deltas, sums = normalization.normalize_backward(gated, numbers.shift, random_bytes)
        arrays.result[:] = deltas
        with self._stage(Stage.BIASES):
            arrays.bias[:] = normalization.stepped_bias(
                self._enter(arrays.bias), sums, numbers.bias_exponent
            )

    def shift_gradient(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        x: Int8Array,
        deltas: Int8Array,
        update: Update,
    ) -> None:
        """See ``Backend``."""
        inputs, batch = x.shape
        master_bits = weights.dtype.itemsize * 8
        random_bytes = self._bytes(update.code_key, inputs, batch, update.step)
        with self._stage(Stage.CODES):
            codes = gradient.power_of_two_codes(self._enter(x), random_bytes)
        next_step = (update.step + 1) & 0xFFFFFFFF
        entered = self._enter(deltas)
        for columns, first, there in _groups_of_columns(weights, inputs):
            blocks = weights[columns]
            low, high = self._weight_bytes(update.weight_key, blocks, first, there, next_step)
            with self._stage(Stage.GRADIENT):
                sums = gradient.shift_gradient(entered, codes[first * WORD_BITS :][:there])
            with self._stage(Stage.UPDATE):
                old = self._enter(unblock_weights(blocks, there))
                matrix = gradient.updated_weights(old, sums, update.shift, low, master_bits)
            blocks[:] = block_weights(np.asarray(matrix))
            self._store_sample(
                matrix,
                high,
                sign[:, columns],
                mask[:, columns],
                update.binary,
                update.sharpness,
                master_bits,
            )

    def info(self) -> dict[str, str]:
        """Version of numpy."""
        return {"numpy": np.__version__}

    def close(self) -> None:
        """Nothing is held."""
