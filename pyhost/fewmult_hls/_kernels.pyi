# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled kernels; arrays as in ``fewmult_hls.backends.Backend``.

Every dtype, shape, layout and number is checked before anything is written, and every value that
could overflow (docs/arithmetic.md, section 9): TypeError or ValueError, MemoryError where a caller
cannot have its scratch memory. ``threads`` may be fewer than were asked for: as many as start.
"""

from typing import Any

import numpy.typing as npt

_Array = npt.NDArray[Any]
_Pair = tuple[int, int]

class Kernels:
    level: str
    threads: int

    def __init__(self, level: str, threads: int) -> None: ...
    def peak(self, gradient: bool, loops: int) -> int | None: ...
    def gather(self, images: _Array, chosen: _Array, inputs: _Array) -> None: ...
    def sample_weights(
        self,
        weights: _Array,
        sign: _Array,
        mask: _Array,
        inputs: int,
        binary: bool,
        key: _Pair,
        step: int,
        sharpness: int = 0,
    ) -> None: ...
    def binary_matmul(
        self, source: _Array, sign: _Array, mask: _Array, z: _Array, inputs: int, transposed: bool
    ) -> None: ...
    def normalize(
        self,
        pass_: int,
        z: _Array,
        bias: _Array | None = None,
        result: _Array | None = None,
        gate: _Array | None = None,
        mean: _Array | None = None,
        logits: _Array | None = None,
        labels: _Array | None = None,
        loss: _Array | None = None,
        *,
        shift: int,
        bias_exponent: int,
        key: _Pair,
        step: int,
    ) -> None: ...
    def layer(
        self,
        pass_: int,
        source: _Array,
        sign: _Array,
        mask: _Array,
        inputs: int,
        bias: _Array | None = None,
        result: _Array | None = None,
        gate: _Array | None = None,
        mean: _Array | None = None,
        logits: _Array | None = None,
        labels: _Array | None = None,
        loss: _Array | None = None,
        *,
        shift: int,
        bias_exponent: int,
        key: _Pair,
        step: int,
    ) -> None: ...
    def shift_gradient(
        self,
        weights: _Array,
        sign: _Array,
        mask: _Array,
        x: _Array,
        deltas: _Array,
        shift: int,
        binary: bool,
        code_key: _Pair,
        weight_key: _Pair,
        step: int,
        sharpness: int = 0,
    ) -> None: ...

def levels() -> list[str]: ...
def threefry(key: _Pair, counter: _Pair, rounds: int) -> _Pair: ...

compiler: str
