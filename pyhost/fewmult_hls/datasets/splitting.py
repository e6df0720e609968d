# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Splits that treat the classes alike, and depend on nothing but the labels' order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..system.errors import UsageError
from .dataset import VALIDATION_SHARE, Array, Split, make_split

TEST_SHARE = 5
"""One image of a class in this many is for the test where nobody gave images for it."""

_BYTES_ORDER = 56  # an image, by measurement


def every(share: int, labels: Array) -> npt.NDArray[np.bool_]:
    """Marks every ``share``-th image of each class, (N,), for labels, uint8 (N,)."""
    rank, _ = _ranks(labels)
    marked: npt.NDArray[np.bool_] = rank % share == share - 1
    return marked


def spread(labels: Array) -> npt.NDArray[np.int64]:
    """An order in which the images of each class lie evenly, (N,), for labels, uint8 (N,).

    Any part of a split then resembles the whole: the means of a net are taken over its first
    images. Images of one class keep their order.
    """
    rank, count = _ranks(labels)
    # Of equal quotients the lower class comes first, on every machine: they round alike.
    return np.lexsort((labels, (2 * rank + 1) / (2 * count)))


def carve_evenly(
    images: Array, labels: Array, chosen: npt.NDArray[np.int64] | None = None
) -> tuple[Split, Split]:
    """Split training images into train and validation: every sixth of a class validates.

    Args:
        images: uint8, shape (N, rows, columns), in any order.
        labels: uint8, shape (N,).
        chosen: numbers of the images for training, rising; by default all are.
    """
    if chosen is None:
        chosen = np.arange(len(labels))
    held_out = every(VALIDATION_SHARE, labels[chosen])
    learned, validating = chosen[~held_out], chosen[held_out]
    train = learned[spread(labels[learned])]
    # Images are copied once: there may be little more memory than for this.
    return make_split(images[train], labels[train]), make_split(
        images[validating], labels[validating]
    )


def spread_split(images: Array, labels: Array) -> Split:
    """A split in which the images of each class lie evenly; see ``spread``."""
    order = spread(labels)
    return make_split(images[order], labels[order])


def split_parts(
    train: tuple[Array, Array],
    validation: tuple[Array, Array] | None,
    test: tuple[Array, Array] | None,
) -> tuple[Split, Split, Split]:
    """What is trained, validated and tested on, of images and labels in any order.

    Without images to test on, every fifth of each class is; without such to validate, every sixth
    of the others. Given arrays are copied.

    Raises:
        UsageError: no class has so many.
    """
    images, labels = train
    chosen = np.arange(len(labels))
    if test is None:
        held_out = every(TEST_SHARE, labels)
        _check_some(held_out, TEST_SHARE, "the test")
        tests, chosen = make_split(images[held_out], labels[held_out]), chosen[~held_out]
    else:
        tests = _copied(*test)
    if validation is not None:
        chosen = chosen[spread(labels[chosen])]
        return make_split(images[chosen], labels[chosen]), _copied(*validation), tests
    _check_some(every(VALIDATION_SHARE, labels[chosen]), VALIDATION_SHARE, "validation")
    return (*carve_evenly(images, labels, chosen), tests)


def _copied(images: Array, labels: Array) -> Split:
    return make_split(images.copy(), labels)


def _check_some(marked: npt.NDArray[np.bool_], share: int, purpose: str) -> None:
    if not marked.any():
        raise UsageError(
            f"no class has {share} training images, to spare one for {purpose}: "
            f"give more, or images for {purpose}"
        )


def splitting_bytes(images: int, pixels: int) -> int:
    """What splitting takes at most, about: a copy of the images, and orders of their labels."""
    return images * (pixels + _BYTES_ORDER)


def _ranks(labels: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For every image, how many of its class come before it, and how many there are."""
    rank, count = np.zeros(len(labels), np.int64), np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        rank[chosen], count[chosen] = np.arange(len(chosen)), len(chosen)
    return rank, count
