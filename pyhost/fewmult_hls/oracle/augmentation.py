# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images moved and mirrored by chance (contract, section 14)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .draws import IntArray, Purpose, purpose_word
from .threefry import Enter, threefry, unwatched

_HALF = 16  # bits


class Moves(NamedTuple):
    """What happens to the images of a batch, each (batch,).

    Attributes:
        rows: that an image goes up.
        columns: that it goes to the left.
        mirrored: 1 for one whose columns are then taken from right to left, else 0.
    """

    rows: IntArray
    columns: IntArray
    mirrored: IntArray


def draw_moves(
    seed: int, step: int, examples: IntArray, crop: int, enter: Enter = unwatched
) -> Moves:
    """The moves of images in a step, by their numbers in the training split.

    Args:
        seed: of all draws.
        step: of the training.
        examples: numbers of the images, (batch,).
        crop: by how many places an image goes at most, a power of two; 0 for none.
        enter: applied to what enters the arithmetic; instrumentation uses it.
    """
    key = (seed, purpose_word(Purpose.AUGMENTATION))
    low, high = threefry(key, (examples.astype(np.uint32), np.uint32(step)), enter=enter)
    low, high = low.astype(np.int64), high.astype(np.int64)
    rows, columns = (_place(half, crop) for half in (low & (1 << _HALF) - 1, low >> _HALF))
    return Moves(rows, columns, high & 1)


def _place(half: IntArray, crop: int) -> IntArray:
    """One of -crop .. crop, of 16 random bits: 2 crop + 1 times them, in their upper half."""
    if crop == 0:
        return np.zeros(half.shape, np.int64)
    times = (half << crop.bit_length()) + half
    return (times >> _HALF) - crop


def augment(images: npt.NDArray[np.int8], moves: Moves, *, flip: bool) -> npt.NDArray[np.int8]:
    """Each image moved, with 0 where nothing of it is, and mirrored if that is wanted.

    Args:
        images: activations, (batch, rows, columns, channels).
        moves: of each.
        flip: whether to mirror those that are to be.
    """
    result = np.zeros_like(images)
    _, height, width, _ = images.shape
    for image, moved, down, right, mirrored in zip(images, result, *moves, strict=True):
        rows, columns = _overlap(int(down), height), _overlap(int(right), width)
        seen = moved[:, ::-1] if flip and mirrored else moved
        seen[rows.to, columns.to] = image[rows.of, columns.of]
    return result


class _Overlap(NamedTuple):
    """Places that get a value, and those that give it."""

    to: slice
    of: slice


def _overlap(move: int, size: int) -> _Overlap:
    """Of so many places in a row, where each is to have what is ``move`` further on."""
    before, behind = max(0, -move), max(0, move)
    return _Overlap(slice(before, size - behind), slice(behind, size - before))
