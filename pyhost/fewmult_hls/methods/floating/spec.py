# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The shape of a network of the floating-point methods."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ...nets.network import Shape
from ...system.errors import UsageError

FloatMethodName = Literal["float", "binary"]
Precision = Literal["real-valued", "binary"]

BATCH_RANGE = (2, 4096)  # one example has no variance


@dataclass(frozen=True)
class FloatSpec(Shape):
    """The shape of a network of the floating-point methods: everything but its state.

    Raises:
        UsageError: a net or a batch that cannot be.
    """

    net: str
    method: FloatMethodName = "float"
    batch: int = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "net", self.plan.name)
        if not self.plan.is_dense:
            raise UsageError(f"method {self.method} knows dense layers only, such as 784-1024-10")
        low, high = BATCH_RANGE
        if not low <= self.batch <= high:
            raise UsageError(f"batch {self.batch} is not possible: take one of {low} to {high}")
        if self.method not in ("float", "binary"):
            raise UsageError(f"a floating-point method is float or binary, not {self.method}")

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The kinds of weights that it is tested with; the paper's choice first."""
        return ("real-valued", "binary") if self.method == "binary" else ("real-valued",)

    @property
    def layer_widths(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of each layer."""
        return tuple(pairwise(self.widths))

    @property
    def layer_sizes(self) -> list[int]:
        """How many weights each layer has."""
        return [inputs * outputs for inputs, outputs in self.layer_widths]

    @property
    def memory(self) -> int:
        """Bytes that training takes: float32 weights, their sample, the best ones, a checkpoint."""
        sizes = self.layer_sizes
        return 4 * (max(sizes) + 6 * sum(sizes))

    def bound(self, layer: int) -> float:
        """Size of a layer's binary weights: half of Glorot's bound, in the authors' code."""
        inputs, outputs = self.widths[layer : layer + 2]
        return float((1.5 / (inputs + outputs)) ** 0.5)
