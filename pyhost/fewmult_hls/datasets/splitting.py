# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Splits that treat the classes alike, and depend on nothing but the labels' order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .dataset import VALIDATION_SHARE, Array, Split, make_split


def every(share: int, labels: Array) -> npt.NDArray[np.bool_]:
    """Marks every ``share``-th image of each class, (N,).

    Args:
        share: one of so many is marked, the last of them.
        labels: uint8, shape (N,).
    """
    rank, _ = _ranks(labels)
    marked: npt.NDArray[np.bool_] = rank % share == share - 1
    return marked


def spread(labels: Array) -> npt.NDArray[np.int64]:
    """An order in which the images of each class lie evenly, (N,).

    Any part of a split then resembles the whole: the means of a net are taken over its first
    images. Images of one class keep their order.

    Args:
        labels: uint8, shape (N,).
    """
    rank, count = _ranks(labels)
    # Of equal quotients the lower class comes first, on every machine: they round alike.
    return np.lexsort((labels, (2 * rank + 1) / (2 * count)))


def carve_evenly(images: Array, labels: Array) -> tuple[Split, Split]:
    """Split training images into train and validation: every sixth of a class validates.

    Args:
        images: uint8, shape (N, rows, columns), in any order.
        labels: uint8, shape (N,).
    """
    held_out = every(VALIDATION_SHARE, labels)
    validation = make_split(images[held_out], labels[held_out])
    return spread_split(images[~held_out], labels[~held_out]), validation


def spread_split(images: Array, labels: Array) -> Split:
    """A split in which the images of each class lie evenly; see ``spread``."""
    order = spread(labels)
    return make_split(images[order], labels[order])


def _ranks(labels: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For every image, how many of its class come before it, and how many there are."""
    rank, count = np.zeros(len(labels), np.int64), np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        rank[chosen], count[chosen] = np.arange(len(chosen)), len(chosen)
    return rank, count
