# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set from arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..networks import MAX_CLASSES, MAX_WIDTH
from .class_names import check_class_names
from .dataset import VALIDATION_SHARE, Array, Dataset, make_split
from .splitting import carve_evenly, every, spread_split

Labelled = tuple[npt.ArrayLike, npt.ArrayLike]


def from_arrays(
    train: Labelled,
    test: Labelled,
    validation: Labelled | None = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] = (),
) -> Dataset:
    """A data set from images and labels; the arrays are copied.

    Training images are reordered so that those of each class lie evenly.

    Args:
        train: images, uint8, (N, rows, columns) or (N, features), and labels, integers, (N,).
        test: the same, of other images.
        validation: the same; by default every sixth training image of each class.
        name: what the set is called.
        class_names: by label; by default classes only have numbers, as many as the largest
            training label says.

    Raises:
        UsageError: arrays that are no images and labels, or do not fit each other.
    """
    images, labels = _labelled("train", train)
    classes = len(class_names) or int(labels.max()) + 1
    if not 2 <= classes <= MAX_CLASSES:
        raise UsageError(f"there must be 2 to {MAX_CLASSES} classes, not {classes}")
    _check_names(class_names)
    parts = {"train": (images, labels), "test": _labelled("test", test)}
    if validation is not None:
        parts["validation"] = _labelled("validation", validation)
    _check_parts(parts, classes)
    if validation is not None:
        learnt, held_out = spread_split(images, labels), make_split(*parts["validation"])
    elif every(VALIDATION_SHARE, labels).any():
        learnt, held_out = carve_evenly(images, labels)
    else:
        raise UsageError(
            f"no class has {VALIDATION_SHARE} training images, to spare one for validation: "
            "give more, or validation images"
        )
    rows, columns = images.shape[1:]
    tests = make_split(*parts["test"])
    return Dataset(name, classes, (rows, columns), learnt, held_out, tests, tuple(class_names))


def checked_images(what: str, images: npt.ArrayLike) -> Array:
    """Images as uint8, (N, rows, columns), with one row where there were only values.

    Args:
        what: names them in errors.
        images: (N, rows, columns) or (N, features).

    Raises:
        UsageError: they are something else.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8:
        raise UsageError(f"{what}: images are {array.dtype}: give uint8, grey values 0 to 255")
    if array.ndim not in (2, 3) or 0 in array.shape[1:]:
        raise UsageError(
            f"{what}: images have the shape {array.shape}: give (N, rows, columns) or (N, features)"
        )
    return array if array.ndim == 3 else array[:, None, :]


def checked_labels(what: str, labels: npt.ArrayLike, images: int) -> Array:
    """Labels as uint8, (N,), a copy.

    Raises:
        UsageError: they are no labels, or not as many as there are images.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" or array.shape != (images,):
        raise UsageError(
            f"{what}: labels are {array.dtype} of shape {array.shape}: "
            f"give {images} integers, one an image"
        )
    if array.size and not 0 <= array.min() <= array.max() < MAX_CLASSES:
        raise UsageError(f"{what}: labels must be 0 to {MAX_CLASSES - 1}")
    return array.astype(np.uint8)


def _labelled(part: str, pair: Labelled) -> tuple[Array, Array]:
    try:
        images, labels = pair
    except (TypeError, ValueError):
        raise UsageError(f"{part}: give a pair of images and labels") from None
    pixels = checked_images(part, images).copy()
    if not len(pixels):
        raise UsageError(f"{part}: there are no images: give at least one")
    return pixels, checked_labels(part, labels, len(pixels))


def _check_names(names: Sequence[str]) -> None:
    try:
        check_class_names(names)
    except ValueError as error:
        raise UsageError(f"class_names: {error}") from error


def _check_parts(parts: dict[str, tuple[Array, Array]], classes: int) -> None:
    shape = parts["train"][0].shape[1:]
    if shape[0] * shape[1] > MAX_WIDTH:
        raise UsageError(f"images of {shape} are too large: a net takes {MAX_WIDTH:,} values")
    for part, (images, labels) in parts.items():
        if images.shape[1:] != shape:
            raise UsageError(
                f"{part}: images are {images.shape[1:]} and those of train {shape}: "
                "give all in one shape"
            )
        if labels.max() >= classes:
            raise UsageError(
                f"{part}: label {labels.max()} is beyond the {classes} classes "
                f"(0..{classes - 1}): correct the labels"
            )
