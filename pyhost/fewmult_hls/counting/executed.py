# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Counts the arithmetic of a training step while it is executed, not by a formula.

The oracle runs the step on arrays that see every numpy operation on them. A data multiplication
anywhere would show: products, divisions and powers count as multiplications. What is counted,
stage by stage, is what the contract writes; docs/operations.md says what that leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..backends.oracle_backend import OracleBackend
from ..contract.stages import Stage
from ..datasets import Split
from ..layers.augmentation import AS_THEY_ARE, Augmentation
from ..nets.network import Network
from ..nets.trainer import Trainer
from .formulas import ADD, LOGIC, MULTIPLY, SELECT, SHIFT, Tally, total

MULTIPLICATIONS = frozenset(
    [
        "multiply", "matmul", "vecdot", "matvec", "vecmat", "square", "power", "float_power",
        "divide", "true_divide", "floor_divide", "remainder", "divmod", "fmod", "reciprocal",
        "sqrt",
    ]
)  # fmt: skip

_PRODUCTS_OF_VECTORS = frozenset(["matmul", "vecdot", "matvec", "vecmat"])

# What kind of operation each of numpy's is; one that is not here has no kind, and no count.
KINDS: dict[str, Tally] = {
    **dict.fromkeys(MULTIPLICATIONS, MULTIPLY),
    **dict.fromkeys(_PRODUCTS_OF_VECTORS, MULTIPLY + ADD),
    **dict.fromkeys(["add", "subtract", "negative", "absolute"], ADD),
    **dict.fromkeys(["left_shift", "right_shift", "ldexp"], SHIFT),
    **dict.fromkeys(["equal", "not_equal", "greater", "greater_equal"], SELECT),
    **dict.fromkeys(["less", "less_equal", "maximum", "minimum", "sign", "where"], SELECT),
    "clip": SELECT * 2,
    **dict.fromkeys(["bitwise_and", "bitwise_or", "bitwise_xor"], LOGIC),
}


class Tallies(Protocol):
    """What operations are added to, by name: a ``Counter``, or a ``Ledger``."""

    def update(self, counts: Mapping[str, int], /) -> None:
        """Adds the counts."""


class CountedArray(np.ndarray):
    """An array that adds every operation on it to a counter, by the operation's name."""

    counter: Tallies

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
        self.counter.update({ufunc.__name__: _executed(ufunc, method, plain, result)})
        return _rewrap(result, self)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, arguments: Any, options: Any
    ) -> Any:
        """Rearrangements do not count, a selection does; their results go on counting.

        Raises:
            TypeError: the function might do arithmetic of its own, unseen.
        """
        if function not in _REARRANGEMENTS:
            raise TypeError(f"numpy.{function.__name__} cannot be counted")
        result = super().__array_function__(function, types, arguments, options)
        if function is np.where:
            self.counter.update({"where": np.size(result)})
        return _rewrap(result, self)

    def dot(self, *_: Any, **__: Any) -> Any:
        """Numpy shows nobody what this method does.

        Raises:
            TypeError: always.
        """
        raise TypeError("numpy.ndarray.dot cannot be counted")


# Those that the oracle needs; what arithmetic they do is a ufunc's, which counts.
_REARRANGEMENTS = frozenset([np.clip, np.concatenate, np.stack, np.where])


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


def counted(array: npt.NDArray[Any], counter: Tallies) -> CountedArray:
    """A view of the array whose operations are added to the counter."""
    view = array.view(CountedArray)
    view.counter = counter
    return view


class Ledger:
    """Counts by stage: what is counted goes to the stage that is executed at that moment."""

    def __init__(self) -> None:
        self.stages: dict[Stage, Counter[str]] = {stage: Counter() for stage in Stage}
        self._executed: list[Stage] = []

    def update(self, counts: Mapping[str, int], /) -> None:
        """Adds to the innermost stage.

        Raises:
            RuntimeError: none is executed, so the counts would have no place.
        """
        if not self._executed:
            raise RuntimeError(f"{', '.join(counts)} outside of every stage")
        self.stages[self._executed[-1]].update(counts)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """What the block executes belongs to this stage."""
        self._executed.append(stage)
        try:
            yield
        finally:
            self._executed.pop()

    def enter(self, array: npt.NDArray[Any]) -> CountedArray:
        """A view of the array whose operations are counted here."""
        return counted(array, self)


def count_stages(
    network: Network,
    split: Split,
    seed: int,
    rate: int,
    perturbation: int = 0,
    augmentation: Augmentation = AS_THEY_ARE,
) -> dict[Stage, Counter[str]]:
    """Operations of one training step of this network on the first batch, stage by stage."""
    ledger = Ledger()
    backend = OracleBackend(ledger.enter, ledger.stage)
    trainer = Trainer(backend, network, seed, 0, perturbation, augmentation)
    for counter in ledger.stages.values():
        counter.clear()  # the first sample of the weights is not part of a step
    trainer.step(split, np.arange(network.spec.batch), rate)
    return ledger.stages


def multiplications(counter: Counter[str]) -> int:
    """How many of the counted operations multiply or divide."""
    return sum(count for name, count in counter.items() if name in MULTIPLICATIONS)


def tally(counter: Mapping[str, int]) -> Tally:
    """The counted operations by kind.

    Raises:
        KeyError: an operation that has no kind.
    """
    return total(KINDS[name] * count for name, count in counter.items())
