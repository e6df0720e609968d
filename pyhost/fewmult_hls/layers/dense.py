# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A dense layer: every unit sees all that enters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..contract.limits import MAX_WIDTH
from ..contract.window import Window
from ..oracle.integers import ACTIVATION_FRACTION
from ..system.errors import UsageError
from .base import Image, Kind, Position, Signal
from .weighted import Weighted


@dataclass(frozen=True)
class DenseKind(Kind):
    """``256``: a dense layer with so many units."""

    units: int

    typical = "256"
    can_end = True

    @classmethod
    def read(cls, word: str) -> DenseKind | None:
        """The layer of that many units, if the word is a number."""
        # int() would also take blanks, underscores and other alphabets.
        return cls(int(word)) if re.fullmatch("[0-9]{1,20}", word) else None

    @property
    def word(self) -> str:
        """The number of units, in decimal."""
        return str(self.units)

    def result(self, source: Signal, index: int) -> Signal:
        """One place with its units; refuses widths beyond the limits."""
        if not all(1 <= width <= MAX_WIDTH for width in (source.image.size, self.units)):
            raise UsageError(f"every width must be 1 to {MAX_WIDTH}")
        return Signal(Image(self.units), ACTIVATION_FRACTION, bias=f"bias_{index}")

    def layer(self, position: Position) -> Weighted:
        """The layer where it stands: its window is the whole image."""
        channels, rows, columns = position.source.image
        return Weighted(self.units, Window(channels, rows, columns, rows, columns), position)
