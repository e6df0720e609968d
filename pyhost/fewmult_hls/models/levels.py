# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How bright the images were that a net learned from, and whether others look like negatives.

Nothing is changed by this: who asks is told.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..system.archive import Archive

_WHITE = 255
_SHARE = 100  # of so many images, one may be darker or lighter than what is stored


@dataclass(frozen=True)
class Levels:
    """Grey values of training images, 0 to 255; one image in a hundred is beyond each of them.

    Attributes:
        darkest: the mean of an image, at least.
        lightest: at most.
        peak: the largest value in an image, at least.
    """

    darkest: int
    lightest: int
    peak: int


def levels_of(images: npt.NDArray[np.uint8]) -> Levels:
    """The levels of images (N, features), at least one."""
    means, peaks = np.sort(_means(images)), np.sort(images.max(axis=1))
    few = len(images) // _SHARE
    return Levels(int(means[few]), int(means[-1 - few]), int(peaks[few]))


def doubt(levels: Levels, images: npt.NDArray[np.uint8]) -> str | None:
    """What makes most of the images (N, features) unlike those of training, in a line."""
    count = len(images)
    means, peaks = _means(images), images.max(axis=1, initial=0).astype(np.int64)
    is_odd = (means < levels.darkest) | (means > levels.lightest)
    negatives = _WHITE - means
    inverted = is_odd & (levels.darkest <= negatives) & (negatives <= levels.lightest)
    if 2 * (found := np.count_nonzero(inverted)) > count:
        return (
            f"{found} of {count} image(s) look inverted: their mean is {_extent(means[inverted])}, "
            f"and that of training images {levels.darkest} to {levels.lightest}, as their "
            "negatives have; nothing was changed"
        )
    dim = 2 * peaks < levels.peak
    if 2 * (found := np.count_nonzero(dim)) > count:
        return (
            f"{found} of {count} image(s) seem to have another scale: their values reach "
            f"{peaks[dim].max()}, and those of training images at least {levels.peak}; nothing "
            "was changed"
        )
    return None


def levels_arrays(levels: Levels | None) -> dict[str, Any]:
    """The array of a model's file that ``read_levels`` reads."""
    return {"levels": np.array(astuple(levels) if levels else (), np.int32)}


def read_levels(arrays: Archive) -> Levels | None:
    """The levels that ``levels_arrays`` stored.

    Raises:
        ValueError, KeyError: they cannot be.
    """
    found = arrays.integers("levels")
    if len(found) not in (0, 3) or not all(0 <= level <= _WHITE for level in found):
        raise ValueError(f"levels {found} are no grey values of images")
    return Levels(*found) if found else None


def _means(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    means: npt.NDArray[np.int64] = images.sum(axis=1, dtype=np.int64) // images.shape[1]
    return means


def _extent(values: npt.NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"
