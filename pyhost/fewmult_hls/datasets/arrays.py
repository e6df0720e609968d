# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set from arrays in memory."""

from __future__ import annotations

import math
import reprlib
import warnings
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ..contract.limits import MAX_CLASSES, MAX_WIDTH
from ..system import memory
from ..system.errors import UsageError, reason_of
from ..system.given import checked
from .dataset import VALIDATION_SHARE, Array, Dataset, Split, check_class_names, make_split
from .splitting import carve_evenly, every, splitting_bytes, spread_split

Labelled = tuple[npt.ArrayLike, npt.ArrayLike]


class _Options(TypedDict):
    name: str
    classes: int | None


_MAX_NAME = 255  # characters, as of a folder's name
_PALETTE_MODES = ("P", "PA")  # of Pillow's images


def from_arrays(
    train: Labelled,
    test: Labelled,
    validation: Labelled | None = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] = (),
    classes: int | None = None,
) -> Dataset:
    """A data set from images and labels; the arrays are copied.

    Training images are reordered so that those of each class lie evenly.

    Args:
        train: images, uint8, (N, rows, columns), (N, rows, columns, channels) or (N, features),
            and labels, integers, (N,).
        test: the same, of other images.
        validation: the same; by default every sixth training image of each class.
        name: what the set is called.
        class_names: by label; by default classes only have numbers.
        classes: how many there are; by default as many as ``class_names`` or else the largest
            training label say, and in the last case each must have a training image.

    Raises:
        UsageError: arrays that are no images and labels, or do not fit each other.
        FewmultError: the memory does not hold a copy.
    """
    options = checked(_Options, name=name, classes=classes)
    name, classes = options["name"], options["classes"]
    _check_name(name)
    names = _checked_names(class_names)
    given = {"train": train, "test": test, "validation": validation}
    parts = _checked_parts({part: pair for part, pair in given.items() if pair is not None})
    images, labels = parts["train"]
    count = _count_classes(classes, names, labels)
    _check_labels(parts, count)
    learned, held_out = _split(images, labels, parts.get("validation"))
    tests, are_counted = _copied(*parts["test"]), classes is None and not names
    data = Dataset(name, count, images.shape[1:], learned, held_out, tests, names, are_counted)
    data.check_classes()
    return data


def _split(
    images: Array, labels: Array, validation: tuple[Array, Array] | None
) -> tuple[Split, Split]:
    if validation is not None:
        return spread_split(images, labels), _copied(*validation)
    if every(VALIDATION_SHARE, labels).any():
        return carve_evenly(images, labels)
    raise UsageError(
        f"no class has {VALIDATION_SHARE} training images, to spare one for validation: "
        "give more, or validation images"
    )


def _copied(images: Array, labels: Array) -> Split:
    return make_split(images.copy(), labels)


def checked_images(what: str, images: npt.ArrayLike) -> Array:
    """Images as uint8, (N, rows, columns) or with channels, one row where were only values.

    Args:
        what: names them in errors.
        images: (N, rows, columns), (N, rows, columns, channels) or (N, features).

    Raises:
        UsageError: they are something else.
    """
    array = _plain_array(what, images)
    if array.dtype != np.uint8:
        raise UsageError(f"{what}: images are {array.dtype}: give uint8, grey values 0 to 255")
    if array.ndim not in (2, 3, 4) or 0 in array.shape[1:]:
        raise UsageError(
            f"{what}: images of shape {array.shape}: give (N, rows, columns) or (N, features), "
            "in colour (N, rows, columns, channels)"
        )
    return array if array.ndim > 2 else array[:, None, :]


def checked_labels(what: str, labels: npt.ArrayLike, images: int) -> Array:
    """Labels as uint8, (N,), a copy.

    Raises:
        UsageError: they are no labels, or not as many as there are images.
    """
    array = _plain_array(what, labels)
    if array.dtype.kind not in "iu" or array.shape != (images,):
        raise UsageError(
            f"{what}: labels are {array.dtype} of shape {array.shape}: "
            f"give {images} integers, one an image"
        )
    if array.size and not 0 <= array.min() <= array.max() < MAX_CLASSES:
        raise UsageError(f"{what}: labels must be 0 to {MAX_CLASSES - 1}")
    return array.astype(np.uint8)


def _plain_array(what: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    """What a caller gave, as an array; numpy would drop masks and palettes without a word."""
    for part in values if isinstance(values, list | tuple) else (values,):
        if np.ma.is_masked(part):
            raise UsageError(f"{what}: some values are masked: fill them in, or leave these out")
        if hasattr(part, "getpalette") and getattr(part, "mode", "") in _PALETTE_MODES:
            raise UsageError(f"{what}: an image has a palette: give grey values, .convert('L')")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they are about has another type than we take
        try:
            return np.asarray(values)
        except MemoryError:
            raise
        # Whatever an object raises that cannot be made an array.
        except Exception as error:
            raise UsageError(f"{what}: this makes no array: {reason_of(error)}") from error


def _checked_parts(given: dict[str, Labelled]) -> dict[str, tuple[Array, Array]]:
    """Images and labels of all parts, the images not yet copied."""
    pairs = {part: _pair(part, pair) for part, pair in given.items()}
    images = {part: checked_images(part, pixels) for part, (pixels, _) in pairs.items()}
    _check_sizes(images)
    needed = sum(splitting_bytes(len(pixels), pixels[0].size) for pixels in images.values())
    memory.check("a copy of the images", needed, "take fewer of them")
    return {
        part: (pixels, checked_labels(part, pairs[part][1], len(pixels)))
        for part, pixels in images.items()
    }


def _pair(part: str, pair: Labelled) -> Labelled:
    try:
        images, labels = pair
    except (TypeError, ValueError):
        raise UsageError(f"{part}: give a pair of images and labels") from None
    return images, labels


def _check_sizes(images: dict[str, Array]) -> None:
    shape = images["train"].shape[1:]
    if math.prod(shape) > MAX_WIDTH:
        raise UsageError(f"images of {shape} are too large: a net takes {MAX_WIDTH:,} values")
    for part, pixels in images.items():
        if not len(pixels):
            raise UsageError(f"{part}: there are no images: give at least one")
        if pixels.shape[1:] != shape:
            raise UsageError(
                f"{part}: images are {pixels.shape[1:]} and those of train {shape}: "
                "give all in one shape"
            )


def _check_name(name: str) -> None:
    if not (name.isprintable() and 0 < len(name) <= _MAX_NAME):
        raise UsageError(f"name: {reprlib.repr(name)} cannot name a data set: give a line of text")


def _checked_names(names: Sequence[str]) -> tuple[str, ...]:
    try:
        if isinstance(names, str):
            raise ValueError("give a list of names, not one text")
        checked = tuple(names)
        check_class_names(checked)
    except (TypeError, ValueError) as error:
        raise UsageError(f"class_names: {error}") from error
    return tuple(map(str, checked))


def _count_classes(classes: int | None, names: Sequence[str], labels: Array) -> int:
    """How many classes there are."""
    count = len(names) or int(labels.max()) + 1 if classes is None else classes
    if names and count != len(names):
        raise UsageError(f"classes is {count}, and there are {len(names)} class_names")
    if not 2 <= count <= MAX_CLASSES:
        raise UsageError(f"there must be 2 to {MAX_CLASSES} classes, not {count}")
    return count


def _check_labels(parts: dict[str, tuple[Array, Array]], classes: int) -> None:
    for part, (_, labels) in parts.items():
        if labels.max() >= classes:
            raise UsageError(
                f"{part}: label {labels.max()} is beyond the {classes} classes "
                f"(0..{classes - 1}): correct the labels"
            )
