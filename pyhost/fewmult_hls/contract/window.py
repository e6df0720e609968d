# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where a window lies on an image: the places of a convolution (contract, section 14)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A window of taps on an image whose rows lie as [place][channel].

    Attributes:
        channels: of the image that enters.
        rows: of its places.
        columns: of its places.
        tap_rows: of the window; as many as the image has where a layer is dense.
        tap_columns: of the window.
        stride: 1, or 2 for every second row and column.
        padded: whether zeros around the image make as many places as it has.
    """

    channels: int
    rows: int
    columns: int
    tap_rows: int
    tap_columns: int
    stride: int = 1
    padded: bool = False

    @property
    def places(self) -> int:
        """Places of the image that enters."""
        return self.rows * self.columns

    @property
    def taps(self) -> int:
        """Taps of the window."""
        return self.tap_rows * self.tap_columns

    @property
    def fan_in(self) -> int:
        """Values under the window: inputs of a unit."""
        return self.taps * self.channels

    @property
    def is_whole(self) -> bool:
        """Whether it lies once, on the whole image: that of a dense layer."""
        same_size = (self.tap_rows, self.tap_columns) == (self.rows, self.columns)
        return same_size and self.result_places == 1 and self.row_padding + self.column_padding == 0

    @property
    def result_rows(self) -> int:
        """Rows of places where the window lies; 0 or less if it fits nowhere."""
        return self._results(self.rows, self.tap_rows)

    @property
    def result_columns(self) -> int:
        """Columns of places where the window lies."""
        return self._results(self.columns, self.tap_columns)

    @property
    def result_places(self) -> int:
        """Places where the window lies."""
        return self.result_rows * self.result_columns

    def _results(self, length: int, taps: int) -> int:
        if self.padded:
            return (length + self.stride - 1) // self.stride
        return (length - taps) // self.stride + 1

    @property
    def row_padding(self) -> int:
        """Rows of zeros above the image."""
        return (self.tap_rows - 1) // 2 if self.padded else 0

    @property
    def column_padding(self) -> int:
        """Columns of zeros left of the image."""
        return (self.tap_columns - 1) // 2 if self.padded else 0
