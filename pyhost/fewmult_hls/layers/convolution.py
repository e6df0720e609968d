# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A convolution: weights that are applied at places of an image (contract, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..contract.limits import MAX_ROWS, MAX_TAPS, MAX_WIDTH
from ..contract.window import Window
from ..oracle.integers import ACTIVATION_FRACTION
from ..system.errors import UsageError
from .base import Image, Kind, Position, Recipe, Signal
from .weighted import Weighted

_WORD = re.compile("([0-9]{1,9})C([0-9]{1,4})(p?)(s2)?")


@dataclass(frozen=True)
class ConvolutionKind(Kind):
    """``128C3``: so many channels, and a window of 3 x 3 wherever it fits.

    Attributes:
        channels: of the image that it makes.
        taps: a side of the window.
        padded: ``128C3p``, with zeros around the image, so that as many places come out.
        stride: 2 of ``128C3s2``, at every second row and column; else 1.
    """

    channels: int
    taps: int
    padded: bool = False
    stride: int = 1

    typical = "32C3"
    recipe = Recipe(
        first_rates=(1, 1), output_rate=-2, sharpness=2, wide_start=True, largest_gain=0,
        delta_gain=1,
    )  # fmt: skip

    @classmethod
    def read(cls, word: str) -> ConvolutionKind | None:
        """The layer that a word such as 128C3 or 128C3ps2 names."""
        found = _WORD.fullmatch(word)
        if found is None:
            return None
        channels, taps, padded, stride = found.groups()
        return cls(int(channels), int(taps), bool(padded), 2 if stride else 1)

    @property
    def word(self) -> str:
        """Channels, taps, p if padded, s2 if it has that stride."""
        padded, stride = "p" * self.padded, "s2" if self.stride == 2 else ""
        return f"{self.channels}C{self.taps}{padded}{stride}"

    def _window(self, image: Image) -> Window:
        return Window(*image, self.taps, self.taps, self.stride, self.padded)

    def result(self, source: Signal, index: int) -> Signal:
        """An image of other channels; refuses windows that fit nowhere, and too large ones."""
        if not 1 <= self.taps <= MAX_TAPS or self.channels < 1:
            raise UsageError(f"a convolution has 1 to {MAX_TAPS} taps a side, and channels")
        source.check_places(index)
        image, window = source.image, self._window(source.image)
        here = f"{image.channels} channels at {image.rows}x{image.columns} places"
        rows, columns = window.result_rows, window.result_columns
        if min(rows, columns) < 1:
            raise UsageError(
                f"a window of {self.taps}x{self.taps} does not fit into {image.rows}x"
                f"{image.columns} places: pool less, or pad it, {self.channels}C{self.taps}p"
            )
        if max(window.fan_in, window.taps * self.channels) > MAX_WIDTH:
            raise UsageError(
                f"{self.channels} channels, and {self.taps}x{self.taps} taps on {here}, make sums "
                f"of more than {MAX_WIDTH:,} terms"
            )
        made = Image(self.channels, rows, columns)
        if made.size > MAX_ROWS:
            raise UsageError(f"it makes {made.size:,} values of {here}, more than {MAX_ROWS:,}")
        return Signal(made, ACTIVATION_FRACTION, bias=f"bias_{index}")

    def layer(self, position: Position) -> Weighted:
        """The layer where it stands."""
        return Weighted(self.channels, self._window(position.source.image), position)
