# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that are applied at places, and pooling (contract, section 14).

A convolution is the product of section 4 with an input for each tap and channel and a column for
each place and example; what a window sees is gathered for it, which the kernels do not need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from ..contract.window import Window
from .integers import IntArray, fits_int32
from .products import binary_matmul, planes_matmul


@cache
def seen_places(window: Window) -> npt.NDArray[np.int64]:
    """Which place of the image each tap sees at each place of the result, (taps, places).

    One that is not there has the number of places.
    """
    row = _along(window.result_rows, window.tap_rows, window.stride, window.row_padding)
    column = _along(window.result_columns, window.tap_columns, window.stride, window.column_padding)
    rows, columns = np.broadcast_arrays(row[:, None, :, None], column[None, :, None, :])
    inside = (rows >= 0) & (rows < window.rows) & (columns >= 0) & (columns < window.columns)
    places = np.where(inside, rows * window.columns + columns, window.places)
    return places.reshape(window.taps, window.result_places)


def _along(results: int, taps: int, stride: int, padding: int) -> npt.NDArray[np.int64]:
    """Rows (or columns) that each tap sees, (taps, results)."""
    return np.arange(taps)[:, None] + np.arange(results)[None, :] * stride - padding


def gathered(image: IntArray, window: Window, inputs: slice = slice(None)) -> npt.NDArray[np.int64]:
    """What the window sees, (inputs, places * batch): an input for each tap and channel.

    Args:
        image: rows of places and channels, (places * channels, batch).
        window: on it.
        inputs: which of them.
    """
    batch = image.shape[1]
    rows = image.reshape(window.places, window.channels, batch)
    # The zeros outside are a last place.
    ringed = np.concatenate([rows, _zeros(image, rows[:1].shape)])
    numbers = np.arange(window.fan_in)[inputs]
    taps, channels = numbers // window.channels, numbers % window.channels
    return ringed[seen_places(window)[taps], channels[:, None]].reshape(len(numbers), -1)


def _zeros(like: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Zeros that instrumentation follows as it does ``like``."""
    return np.concatenate([like.ravel()[:0], np.zeros(math.prod(shape), np.int64)]).reshape(shape)


def by_places(results: IntArray, batch: int) -> IntArray:
    """(units, places * batch) as rows of places and units, (places * units, batch)."""
    units = len(results)
    return results.reshape(units, -1, batch).transpose(1, 0, 2).reshape(-1, batch)


def by_units(rows: IntArray, units: int) -> IntArray:
    """The way back of ``by_places``."""
    batch = rows.shape[1]
    return rows.reshape(-1, units, batch).transpose(1, 0, 2).reshape(units, -1)


def convolve(planes: Sequence[npt.NDArray[np.int8]], image: IntArray, window: Window) -> IntArray:
    """Sums z of a convolution, (places * outputs, batch).

    Args:
        planes: of the weights, each (outputs, taps * channels) of -1, 0 and +1.
        image: rows of places and channels, (places * channels, batch).
        window: on it.
    """
    return by_places(planes_matmul(planes, gathered(image, window)), image.shape[1])


def convolve_back(weights: npt.NDArray[np.int8], deltas: IntArray, window: Window) -> IntArray:
    """Sums g that a convolution sends back, (places * channels, batch).

    Args:
        weights: (outputs, taps * channels) of -1, 0 and +1.
        deltas: rows of places and outputs, (places * outputs, batch).
        window: on the image that deltas go back to.
    """
    outputs, batch = len(weights), deltas.shape[1]
    columns, shape = by_units(deltas, outputs), (window.channels, window.result_places, batch)
    # A place more takes what falls outside.
    total = _zeros(deltas, (window.places + 1, window.channels, batch))
    for tap, places in enumerate(seen_places(window)):
        mine = weights[:, tap * window.channels :][:, : window.channels]
        sums = binary_matmul(mine.T, columns).reshape(shape).transpose(1, 0, 2)
        total[places] = total[places] + sums
    return fits_int32(total[:-1].reshape(-1, batch))


def pool(image: IntArray, channels: int, rows: int, columns: int, size: int) -> IntArray:
    """The largest of each window, (windows * channels, batch).

    Args:
        image: rows of places and channels, (places * channels, batch).
        channels: of it.
        rows: of its places.
        columns: of its places.
        size: rows and columns of a window.
    """
    first, *others = _members(image, channels, rows, columns, size)
    for other in others:
        first = np.maximum(first, other)
    return first.reshape(-1, image.shape[1])


def pool_back(
    image: IntArray, deltas: IntArray, channels: int, rows: int, columns: int, size: int
) -> IntArray:
    """Deltas of an image, each at the first place of its window that has the largest value.

    Args:
        image: rows of places and channels, (places * channels, batch).
        deltas: of the windows, (windows * channels, batch).
        channels: of the image.
        rows: of its places.
        columns: of its places.
        size: rows and columns of a window.
    """
    members = _members(image, channels, rows, columns, size)
    largest = pool(image, channels, rows, columns, size).reshape(members[0].shape)
    wanted = deltas.reshape(largest.shape)
    result = _zeros(image, image.shape)
    for member, target in zip(
        members, _members(result, channels, rows, columns, size), strict=True
    ):
        here = member == largest
        target[...] = np.where(here, wanted, 0)
        wanted = np.where(here, 0, wanted)  # the first has it
    return result


def _members(image: IntArray, channels: int, rows: int, columns: int, size: int) -> list[IntArray]:
    """Views of the first values of all windows, of the second values, and so on, row by row."""
    whole = image.reshape(rows, columns, channels, -1)
    there = whole[: rows // size * size, : columns // size * size]
    return [there[u::size, v::size] for u in range(size) for v in range(size)]
