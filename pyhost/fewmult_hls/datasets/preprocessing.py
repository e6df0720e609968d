# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to an image before a net sees it: a part of the data and of every model."""

from __future__ import annotations

import operator
import re
import reprlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.limits import MAX_WIDTH
from ..system.archive import Archive
from ..system.errors import UsageError
from . import areas
from .scale import Scale
from .whitening import Whitening, read_whitening

Array = npt.NDArray[np.uint8]

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


@dataclass(frozen=True)
class Preprocessing:
    """How numbers and colours become the bytes that a net learned from; in this order.

    Attributes:
        scale: of numbers that are no bytes.
        gray: whether colours become grey.
        resize: rows and columns that images are cut and scaled to; None if they are so already.
        whitening: of all values together; None if they are left as they are.
    """

    scale: Scale = field(default_factory=Scale)
    gray: bool = False
    resize: tuple[int, int] | None = None
    whitening: Whitening | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """What it does, for people, the first step first; nothing where bytes stay as they are."""
        said = [self.scale.text] if self.scale.text else []
        if self.gray:
            said.append("colours to grey, (19595 R + 38470 G + 7471 B + 32768) >> 16")
        if self.resize is not None:
            rows, columns = self.resize
            said.append(
                f"the largest middle part of {rows}:{columns} scaled to {rows}x{columns} "
                "(rows x columns), a pixel the mean of its area, halves up"
            )
        if self.whitening is not None:
            said.append(self.whitening.text)
        return tuple(said)

    @property
    def text(self) -> str:
        """All steps in a line."""
        return "; ".join(self.steps) or "none: bytes as they are"

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an image, when all has happened to one of ``shape``."""
        if len(shape) not in (2, 3):
            return shape
        channels = () if self.gray and shape[2:] == (3,) else shape[2:]
        return (*(self.resize or shape[:2]), *channels)

    def images(self, what: str, numbers: npt.NDArray[Any]) -> Array:
        """What a net is given.

        Args:
            what: names them in errors.
            numbers: (N, rows, columns), or with channels, of any numbers that ``scale`` takes.

        Returns:
            uint8, (N, rows, columns) or with channels; not copied if they are so already.

        Raises:
            UsageError: they are beyond the scale, or have no proportions to keep.
        """
        images = self.scale.bytes_of(what, numbers)
        if self.gray and images.ndim == 4 and images.shape[3] == 3:
            images = areas.gray(images)
        if self.resize is not None and len(images):
            check_proportions(what, images.shape[1:3], self.resize)
            images = areas.covered(images, self.resize)
        return images if self.whitening is None else self.whitening.images(images)


def check_proportions(what: str, shape: tuple[int, ...], size: tuple[int, int]) -> None:
    """Whether most of an image is left when it is cut to the proportions of ``size``.

    Raises:
        UsageError: a tenth or less is.
    """
    rows, columns = shape
    high, wide = areas.kept(rows, columns, size)
    if 10 * high * wide <= rows * columns:
        raise UsageError(
            f"{what} has {rows}x{columns} pixels (rows x columns), of which {size[0]}x{size[1]} "
            "would keep a tenth or less: cut it, or leave it out"
        )


def parse_size(text: str) -> tuple[int, int] | None:
    """Rows and columns of ``HxW``; None of an empty text.

    Raises:
        UsageError: the text says no size, or one that no net takes.
    """
    if not text:
        return None
    found = _SIZE.fullmatch(text)
    rows, columns = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 0 < rows * columns <= MAX_WIDTH:
        raise UsageError(
            f"resize is '{text}': give rows and columns, such as 32x32, of at most {MAX_WIDTH:,} "
            "pixels together"
        )
    return rows, columns


def as_size(given: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """Rows and columns that a caller gave, as ``parse_size`` takes them or as two numbers.

    Raises:
        UsageError: they are none.
    """
    if given is None or isinstance(given, str):
        return parse_size(given or "")
    try:
        rows, columns = (operator.index(side) for side in given)
    except (TypeError, ValueError):
        raise UsageError(f"resize is {reprlib.repr(given)}: give rows and columns") from None
    return parse_size(f"{rows}x{columns}")


def preprocessing_arrays(made: Preprocessing) -> dict[str, Any]:
    """The arrays of a model's file that ``read_preprocessing`` reads."""
    return {
        "gray": np.int32(made.gray),
        "resize": np.array(made.resize or (), np.int32),
        "scale": np.array(made.scale.kind),
        "scale_low": np.array(made.scale.low, np.float64),
        "scale_high": np.array(made.scale.high, np.float64),
        **({} if made.whitening is None else made.whitening.arrays()),
    }


def read_preprocessing(arrays: Archive) -> Preprocessing:
    """The preprocessing that ``preprocessing_arrays`` stored.

    Raises:
        ValueError, KeyError: there is none, or it cannot be.
    """
    gray, resize = arrays.integer("gray"), arrays.integers("resize")
    if gray not in (0, 1) or len(resize) not in (0, 2) or any(side < 1 for side in resize):
        raise ValueError(f"images cannot be made grey ({gray}) and scaled to {resize}")
    scale = Scale(arrays.text("scale"), arrays.numbers("scale_low"), arrays.numbers("scale_high"))
    size = (resize[0], resize[1]) if resize else None
    return Preprocessing(scale, bool(gray), size, read_whitening(arrays))
