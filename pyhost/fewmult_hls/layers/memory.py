# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The arrays of a net by name, as its layers' calls take them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.calls import Array, Shape

ArrayType = tuple[Shape, npt.DTypeLike]
"""Shape and type of an array."""


def _size(kind: ArrayType) -> int:
    """Bytes of an array."""
    shape, dtype = kind
    return math.prod(shape) * np.dtype(dtype).itemsize


class Memory:
    """Arrays that calls work on; of a list that is only counted or priced, there are none.

    Args:
        arrays: by name; None if there are none.
        others: names that stand for other names.
    """

    def __init__(
        self,
        arrays: Mapping[str, npt.NDArray[Any]] | None = None,
        others: Mapping[str, str] | None = None,
    ) -> None:
        self._arrays, self._others = arrays, others or {}

    @classmethod
    def allocated(
        cls,
        types: Mapping[str, ArrayType],
        empty: Callable[..., npt.NDArray[Any]],
        sharing: Sequence[Sequence[str]] = (),
    ) -> Memory:
        """Zeroed arrays.

        Args:
            types: of the arrays, by name.
            empty: makes an array of zeros.
            sharing: names of arrays, of which each sequence lies in one memory.
        """
        arrays: dict[str, npt.NDArray[Any]] = {}
        for names in sharing:
            whole = empty((max(_size(types[name]) for name in names),), np.int8)
            for name in names:
                shape, dtype = types[name]
                arrays[name] = whole[: _size(types[name])].view(dtype).reshape(shape)
        alone = (name for name in types if name not in arrays)
        return cls({**arrays, **{name: empty(*types[name]) for name in alone}})

    def __getitem__(self, name: str) -> Array:
        return None if self._arrays is None else self._arrays[self._others.get(name, name)]

    def array(self, name: str) -> npt.NDArray[Any]:
        """An array that is there."""
        assert self._arrays is not None, f"there is no {name}"
        return self._arrays[self._others.get(name, name)]

    def with_others(self, **others: str) -> Memory:
        """The same arrays, in which some names stand for others."""
        return Memory(self._arrays, {**self._others, **others})
