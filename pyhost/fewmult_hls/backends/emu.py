# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels themselves, compiled for this machine's CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import FewmultError
from .base import Int8Array, Int32Array, Key, LayerArrays, LayerNumbers, Pass, Update, Words


def load_kernels() -> Any:
    """The compiled module.

    Raises:
        FewmultError: this installation has none.
    """
    try:
        from .. import _kernels
    except ImportError as error:
        raise FewmultError(
            f"this installation has no compiled kernels ({error}): "
            "install fewmult-hls where a C++ compiler is, or take --backend numpy"
        ) from error
    return _kernels


class EmuBackend:
    """Runs the literal kernel source; bit for bit what the fabric computes."""

    name = "emu"

    def __init__(self) -> None:
        self._kernels = load_kernels()

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array."""
        return np.zeros(shape, dtype)

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
    ) -> None:
        """See ``Backend``."""
        self._kernels.sample_weights(weights, sign, mask, inputs, binary, key, step)

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
        self._kernels.binary_matmul(source, sign, mask, z, inputs, transposed)

    def normalize(
        self, pass_: Pass, z: Int32Array, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        """See ``Backend``."""
        self._kernels.normalize(int(pass_), z, **vars(arrays), **numbers._asdict())

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
        self._kernels.layer(
            int(pass_), source, sign, mask, inputs, **vars(arrays), **numbers._asdict()
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
        self._kernels.shift_gradient(weights, sign, mask, x, deltas, **update._asdict())

    def info(self) -> dict[str, str]:
        """Compiler of the kernels."""
        return {"kernels": self._kernels.build_info()}

    def close(self) -> None:
        """Nothing is held."""
