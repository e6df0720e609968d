# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets that give one image and its label at a time, as PyTorch's do, without PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..system.errors import UsageError, reason_of

_IN_FRONT = (1, 3)  # channels that a tensor of three dimensions may begin with


def are_samples(given: object) -> bool:
    """Whether something gives samples by their numbers, and is no array, list, table or pair."""
    return (
        hasattr(given, "__getitem__")
        and hasattr(given, "__len__")
        and not isinstance(given, list | tuple | dict | str | bytes)
        and not hasattr(given, "__array__")
        and not hasattr(given, "__array_interface__")
    )


def pair_of(what: str, given: Any) -> tuple[list[Any], list[Any]]:
    """All images and labels of a data set that gives them one by one.

    Args:
        what: names it in errors.
        given: has a length; each number below it gives an image and its label, as a tuple.

    Raises:
        UsageError: it gives something else, or raises.
    """
    images, labels = [], []
    try:
        count = len(given)
    except Exception as error:
        raise UsageError(f"{what}: it has no length ({reason_of(error)})") from error
    for k in range(count):
        try:
            image, label = given[k]
            images.append(_image(image))
            labels.append(_label(label))
        except MemoryError:
            raise
        # Whatever others' code raises.
        except Exception as error:
            raise UsageError(
                f"{what}: sample {k} is no pair of an image and its label: {reason_of(error)}"
            ) from error
    return images, labels


def are_of_many_sizes(images: Any) -> bool:
    """Whether something is a list of images of which some have another shape."""
    if not isinstance(images, list | tuple) or len(images) < 2:
        return False
    shapes = {_shape(image) for image in images}
    return len(shapes) > 1 and () not in shapes


def _shape(image: Any) -> tuple[int, ...]:
    shape = getattr(image, "shape", None)
    if shape is not None:
        return tuple(shape)
    size = getattr(image, "size", None)  # of Pillow's images, columns and rows, and their channels
    if isinstance(size, tuple):
        return (*size[::-1], len(image.getbands()))
    return ()


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "detach") and hasattr(value, "numpy")


def _image(image: Any) -> Any:
    if not _is_tensor(image):
        return image
    array: npt.NDArray[Any] = np.asarray(image.detach().cpu().numpy())
    if array.ndim != 3 or array.shape[0] not in _IN_FRONT:
        return array
    return array[0] if array.shape[0] == 1 else np.ascontiguousarray(array.transpose(1, 2, 0))


def _label(label: Any) -> Any:
    return label.detach().cpu().numpy() if _is_tensor(label) else label
