# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images made grey, cut and scaled in integers alone: equal on every machine, whoever decoded them.

Grey is ITU-R BT.601's luma, in 16 fraction bits as Pillow has it. A scaled pixel is the mean of
the area that it covers, rounded, halves up: larger images lose no line between samples, smaller
ones get blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.uint8]

_LUMA = (19595, 38470, 7471)  # of 65536
_CHUNK = 1 << 22  # values that are scaled at once


def gray(images: Array) -> Array:
    """Grey values (..) of colours (.., 3)."""
    colours = images.reshape(-1, 3)
    grey = np.empty(len(colours), np.uint8)
    for first in range(0, len(colours), _CHUNK):
        red, green, blue = colours[first : first + _CHUNK].T.astype(np.uint32)
        luma = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue + (1 << 15)
        grey[first : first + _CHUNK] = luma >> 16
    return grey.reshape(images.shape[:-1])


def kept(rows: int, columns: int, size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the largest part of an image that has the proportions of ``size``."""
    wanted_rows, wanted_columns = size
    if rows * wanted_columns > columns * wanted_rows:
        return max(1, columns * wanted_rows // wanted_columns), columns
    return rows, max(1, rows * wanted_columns // wanted_rows)


def covered(images: Array, size: tuple[int, int]) -> Array:
    """The middle of images that has the proportions of ``size``, scaled to it.

    Args:
        images: (N, rows, columns) or (N, rows, columns, channels).
        size: rows and columns of the result.
    """
    rows, columns = images.shape[1:3]
    if (rows, columns) == size:
        return images
    high, wide = kept(rows, columns, size)
    top, left = (rows - high) // 2, (columns - wide) // 2
    middle = images[:, top : top + high, left : left + wide]
    result = np.empty((len(images), *size, *images.shape[3:]), np.uint8)
    step = max(1, _CHUNK // max(1, middle[:1].size))
    for first in range(0, len(images), step):
        result[first : first + step] = _means(middle[first : first + step], size)
    return result


def _means(images: Array, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    pixels = images.shape[1] * images.shape[2]
    sums = _sums(_sums(images, size[0], 1), size[1], 2)
    means: npt.NDArray[np.int64] = (sums + pixels // 2) // pixels
    return means


def _sums(values: npt.NDArray[np.integer], count: int, axis: int) -> npt.NDArray[np.int64]:
    """Sums over ``count`` equal stretches of an axis; each element counts ``count`` times.

    So the part of an element at a stretch's end is a whole number, and each sum is of as many as
    the axis is long.
    """
    along = np.moveaxis(values, axis, 0)
    whole, part = np.divmod(np.arange(count + 1) * len(along), count)
    sums = np.empty((count, *along.shape[1:]), np.int64)
    for k in range(count):
        first, behind = int(whole[k]), int(whole[k + 1])
        sums[k] = along[first:behind].sum(axis=0, dtype=np.int64) * count
        if part[k]:
            sums[k] -= part[k] * along[first]
        if part[k + 1]:
            sums[k] += part[k + 1] * along[behind]
    return np.moveaxis(sums, 0, axis)
