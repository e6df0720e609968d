# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Labels as people have them, numbers, names or one column a class, as numbers of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..contract.limits import MAX_CLASSES
from ..system.errors import UsageError
from .dataset import Array, check_class_names


class Labels(NamedTuple):
    """Labels of images, and what they say of the classes.

    Attributes:
        numbers: uint8, (N,), a copy.
        names: of all classes by number, if the labels are names.
        classes: how many there are, if the labels have a column for each.
    """

    numbers: Array
    names: tuple[str, ...] = ()
    classes: int | None = None


def as_labels(
    what: str, labels: npt.NDArray[Any], images: int, names: Sequence[str] = ()
) -> Labels:
    """Labels of so many images.

    Args:
        what: names them in errors.
        labels: whole numbers of any type or texts, (N,) or (N, 1); or one column a class, (N, C),
            of which one is 1 and the others 0.
        images: how many there must be.
        names: of the classes by number, if they are known. Else texts are numbered in the order
            of their code points.

    Raises:
        UsageError: they are something else, or not as many as there are images.
    """
    array = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if array.ndim == 2 and len(array) == images and images and array.dtype.kind in "biuf":
        return _of_columns(what, array)
    if array.shape == (images,):
        if array.dtype.kind in "OU" and images and _are_texts(array):
            return _of_names(what, array, names)
        if array.dtype.kind in "fO":
            array = _whole(what, array)
        if array.dtype.kind in "biu":
            return Labels(_checked(what, array))
    raise UsageError(
        f"{what}: labels are {labels.dtype} of shape {labels.shape}: "
        f"give {images} whole numbers or names, one an image, or one column a class"
    )


def _are_texts(array: npt.NDArray[Any]) -> bool:
    return array.dtype.kind == "U" or any(isinstance(label, str) for label in array)


def _of_names(what: str, array: npt.NDArray[Any], names: Sequence[str]) -> Labels:
    labels = array.tolist()
    known = tuple(names)
    if not known:
        for label in labels:
            if not isinstance(label, str):
                raise UsageError(f"{what}: label {label!r} among names is none: correct it")
        known = tuple(sorted(set(labels)))
        if len(known) > MAX_CLASSES:
            raise UsageError(
                f"{what}: labels have {len(known)} different names, and there can be "
                f"{MAX_CLASSES} classes: are these labels?"
            )
        try:
            check_class_names(known)
        except ValueError as error:
            raise UsageError(f"{what}: {error}") from error
    numbers = {name: k for k, name in enumerate(known)}
    for label in labels:
        if label not in numbers:
            raise UsageError(
                f"{what}: label {label!r} is none of the classes {', '.join(known)}: correct it"
            )
    return Labels(np.array([numbers[label] for label in labels], np.uint8), known)


def _of_columns(what: str, array: npt.NDArray[Any]) -> Labels:
    if not 2 <= array.shape[1] <= MAX_CLASSES:
        raise UsageError(
            f"{what}: labels have {array.shape[1]} columns: give 2 to {MAX_CLASSES}, one a class"
        )
    is_one = array == 1
    wrong = np.flatnonzero((is_one.sum(axis=1) != 1) | (~is_one & (array != 0)).any(axis=1))
    if wrong.size:
        raise UsageError(
            f"{what}: labels with a column a class have one 1 and zeros, and row {wrong[0]} is "
            f"otherwise: correct it"
        )
    return Labels(is_one.argmax(axis=1).astype(np.uint8), classes=array.shape[1])


def _whole(what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Numbers of any type as integers, if all are."""
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"{what}: labels are neither numbers nor names: correct them") from None
    beyond = np.flatnonzero(~(np.abs(numbers) < 1 << 31) | (numbers != np.floor(numbers)))
    if beyond.size:
        raise UsageError(f"{what}: label {numbers[beyond[0]]} is no whole number: correct it")
    return numbers.astype(np.int64)


def _checked(what: str, array: npt.NDArray[Any]) -> Array:
    if array.size and not 0 <= array.min() <= array.max() < MAX_CLASSES:
        raise UsageError(f"{what}: labels must be 0 to {MAX_CLASSES - 1}")
    return array.astype(np.uint8)
