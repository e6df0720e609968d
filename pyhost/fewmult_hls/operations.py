# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Counts the arithmetic of a training step while it is executed, not by a formula.

The oracle runs the step on arrays that see every numpy operation on them. A data multiplication
anywhere would show: products, divisions and powers count as multiplications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .backends.oracle_backend import OracleBackend
from .datasets import Split
from .networks import Network
from .training import Trainer

MULTIPLICATIONS = frozenset(
    [
        "multiply", "matmul", "vecdot", "matvec", "vecmat", "square", "power", "float_power",
        "divide", "true_divide", "floor_divide", "remainder", "divmod", "fmod", "reciprocal",
        "sqrt",
    ]
)  # fmt: skip


class CountedArray(np.ndarray):
    """An array that adds every operation on it to a counter, by the operation's name."""

    counter: Counter[str]

    def __array_finalize__(self, parent: Any) -> None:
        if isinstance(parent, CountedArray):
            self.counter = parent.counter

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Computes on plain arrays, counts, and hands a counted array on.

        Raises:
            TypeError: the ufunc's own indexing hides how often it is executed.
        """
        if method == "at":
            raise TypeError(f"numpy.{ufunc.__name__}.at cannot be counted")
        plain = [np.asarray(value) for value in inputs]
        if out is not None:
            options["out"] = tuple(np.asarray(array) for array in out)
        result = getattr(ufunc, method)(*plain, **options)
        self.counter[ufunc.__name__] += _executed(ufunc, method, plain, result)
        return _rewrap(result, self)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, arguments: Any, options: Any
    ) -> Any:
        """Selections and rearrangements do not count; their results go on counting.

        Raises:
            TypeError: the function might do arithmetic of its own, unseen.
        """
        if function not in _REARRANGEMENTS:
            raise TypeError(f"numpy.{function.__name__} cannot be counted")
        return _rewrap(super().__array_function__(function, types, arguments, options), self)

    def dot(self, *_: Any, **__: Any) -> Any:
        """Numpy shows nobody what this method does.

        Raises:
            TypeError: always.
        """
        raise TypeError("numpy.ndarray.dot cannot be counted")


# Those that the oracle needs; what arithmetic they do is a ufunc's, which counts.
_REARRANGEMENTS = frozenset([np.clip, np.concatenate, np.stack, np.where])
_PRODUCTS_OF_VECTORS = frozenset(["matmul", "vecdot", "matvec", "vecmat"])


def _executed(ufunc: np.ufunc, method: str, inputs: list[Any], result: Any) -> int:
    if method in ("__call__", "outer"):
        size = np.size(result[0] if isinstance(result, tuple) else result)
        return size * inputs[0].shape[-1] if ufunc.__name__ in _PRODUCTS_OF_VECTORS else size
    return int(np.size(inputs[0]))


def _rewrap(result: Any, like: CountedArray) -> Any:
    if isinstance(result, tuple):
        return tuple(_rewrap(part, like) for part in result)
    if isinstance(result, (np.ndarray, np.generic)):
        view = np.asarray(result).view(CountedArray)
        view.counter = like.counter
        return view
    return result


def counted(array: npt.NDArray[Any], counter: Counter[str]) -> CountedArray:
    """A view of the array whose operations are added to the counter."""
    view = array.view(CountedArray)
    view.counter = counter
    return view


def count_step(
    network: Network, split: Split, seed: int, rate: int, perturbation: int = 0
) -> Counter[str]:
    """Operations of one training step of this network on the first batch of this data."""
    counter: Counter[str] = Counter()
    trainer = Trainer(
        OracleBackend(lambda array: counted(array, counter)), network, seed, 0, perturbation
    )
    counter.clear()  # the first sample of the weights is not part of a step
    trainer.step(split, np.arange(network.spec.batch), rate)
    return counter


def multiplications(counter: Counter[str]) -> int:
    """How many of the counted operations multiply or divide."""
    return sum(count for name, count in counter.items() if name in MULTIPLICATIONS)
