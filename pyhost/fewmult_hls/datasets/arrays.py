# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set from arrays in memory, and from whatever can be made arrays."""

from __future__ import annotations

import math
import reprlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ..contract.limits import MAX_CLASSES, MAX_WIDTH
from ..system import memory
from ..system.errors import UsageError, reason_of
from ..system.given import checked
from . import samples
from .dataset import Array, Dataset, check_class_names
from .labels import Labels, as_labels
from .preprocessing import Preprocessing, as_size
from .scale import BYTES
from .splitting import split_parts, splitting_bytes
from .wanted import Wanted, find_preprocessing

Numbers = npt.NDArray[Any]


class _Options(TypedDict):
    name: str
    classes: int | None
    gray: bool
    scale: str


_MAX_NAME = 255  # characters, as of a folder's name
_PALETTE_MODES = ("P", "PA")  # of Pillow's images
_MOST_CHANNELS = 4  # of what people have; more behind than in front is another order
_DARK = 128  # values that never reach it use less than half of the scale


def from_arrays(
    train: Any,
    test: Any = None,
    validation: Any = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] = (),
    classes: int | None = None,
    gray: bool = False,
    resize: str | tuple[int, int] = "",
    scale: str = "",
) -> Dataset:
    """A data set from images and labels; the arrays are copied.

    Training images are reordered so that those of each class lie evenly. Whatever ``numpy.asarray``
    takes is an array, lists and data frames among them.

    Args:
        train: a pair of images, (N, rows, columns), (N, rows, columns, channels) or (N, features),
            and labels, (N,) numbers or names, or (N, classes) of which one is 1 and the others 0.
            Or what has a length and gives such a pair for each number, as PyTorch's data sets do;
            images of theirs that are tensors have 1 or 3 channels in front.
        test: the same, of other images; by default every fifth image of each class.
        validation: the same; by default every sixth training image of each class.
        name: what the set is called.
        class_names: by label; by default names that are labels, in the order of their code points,
            or else classes only have numbers.
        classes: how many there are; by default as many as the names or the columns of labels, or
            else as the largest training label says, and in the last case each must have a training
            image.
        gray: colours become grey.
        resize: rows and columns, as 32x32 or a pair, that the middle of images is scaled to.
        scale: how numbers become grey values 0 to 255: ``bytes``, whole numbers that are such;
            ``unit``, numbers from 0 to 1; ``LOW:HIGH``, numbers in between; ``columns``, each value
            of an image by its own range in training. By default what type and values say: uint8
            and other whole numbers in 0..255 are bytes, fractions in 0..1 are ``unit``, and
            whatever else is refused.

    Raises:
        UsageError: arrays that are no images and labels, or do not fit each other.
        FewmultError: the memory does not hold a copy.
    """
    options = checked(_Options, name=name, classes=classes, gray=gray, scale=scale)
    _check_name(options["name"])
    given = {"train": train, "test": test, "validation": validation}
    return data_of(
        options["name"],
        {part: pair for part, pair in given.items() if pair is not None},
        Wanted(options["gray"], as_size(resize), options["scale"]),
        class_names,
        options["classes"],
    )


def data_of(
    name: str,
    given: Mapping[str, Any],
    wanted: Wanted,
    class_names: Sequence[str] = (),
    classes: int | None = None,
) -> Dataset:
    """A data set of pairs of images and labels, by the names of its parts; see ``from_arrays``."""
    names = _checked_names(class_names)
    pairs = {part: _pair(part, pair) for part, pair in given.items()}
    asked = Preprocessing(gray=wanted.gray, resize=wanted.resize)
    raw = {part: _numbers(part, images, asked) for part, (images, _) in pairs.items()}
    _check_rows(raw["train"], asked)
    _check_memory(raw, asked)
    made = find_preprocessing("train", raw["train"], wanted)
    images = {part: made.images(part, numbers) for part, numbers in raw.items()}
    _check_sizes(images)
    labels = {"train": read_labels("train", pairs["train"][1], len(images["train"]), names)}
    names = names or labels["train"].names
    for part in pairs.keys() - {"train"}:
        labels[part] = read_labels(part, pairs[part][1], len(images[part]), names)
    count = classes if classes is not None else labels["train"].classes
    return _data_set(
        name,
        {part: (images[part], labels[part].numbers) for part in pairs},
        _count_classes(count, names, labels["train"].numbers),
        names,
        made,
        are_counted=count is None and not names,
        notes=_notes(raw["train"], images["train"], made),
    )


def _data_set(
    name: str,
    parts: Mapping[str, tuple[Array, Array]],
    classes: int,
    names: tuple[str, ...],
    made: Preprocessing,
    *,
    are_counted: bool,
    notes: tuple[str, ...],
) -> Dataset:
    for part, (_, labels) in parts.items():
        if labels.max() >= classes:
            raise UsageError(
                f"{part}: label {labels.max()} is beyond the {classes} classes "
                f"(0..{classes - 1}): correct the labels"
            )
    shape = parts["train"][0].shape[1:]
    splits = split_parts(parts["train"], parts.get("validation"), parts.get("test"))
    data = Dataset(name, classes, shape, *splits, names, are_counted, made, notes)
    data.check_classes()
    return data


def as_images(what: str, images: npt.ArrayLike, made: Preprocessing) -> Array:
    """Images as a net is given them: uint8, (N, rows, columns) or with channels.

    What has no rows and columns is one row, which is scaled and, as they were, whitened, no more.

    Args:
        what: names them in errors.
        images: (N, rows, columns), (N, rows, columns, channels) or (N, features).
        made: what happened to those that it learned from.

    Raises:
        UsageError: they are something else.
    """
    numbers = _numbers(what, images, made)
    if numbers.shape[1] == 1:
        made = Preprocessing(made.scale, whitening=made.whitening)
    return made.images(what, numbers)


def read_labels(what: str, labels: npt.ArrayLike, images: int, names: Sequence[str] = ()) -> Labels:
    """Labels as numbers of classes; see ``labels.as_labels``.

    Raises:
        UsageError: they are no labels, or not as many as there are images.
    """
    return as_labels(what, _plain_array(what, labels), images, names)


def _numbers(what: str, images: npt.ArrayLike, made: Preprocessing) -> Numbers:
    """Images as an array of some type, one row each where were only values."""
    if made.resize is not None and samples.are_of_many_sizes(images):
        each = (_plain_array(what, image)[None] for image in images)  # type: ignore[union-attr]
        array = np.concatenate(
            [_resized(f"{what}: image {k}", one, made) for k, one in enumerate(each)]
        )
    else:
        array = _plain_array(what, images)
    if array.dtype.kind == "O" and array.ndim == 2:  # as of a data frame with columns of two types
        array = _floats(what, array)
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{what}: images are {array.dtype}: give numbers")
    if array.ndim not in (2, 3, 4) or 0 in array.shape[1:]:
        raise UsageError(
            f"{what}: images of shape {array.shape}: give (N, rows, columns) or (N, features), "
            "in colour (N, rows, columns, channels)"
        )
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] > _MOST_CHANNELS:
        raise UsageError(
            f"{what}: images of shape {array.shape} have their channels in front: give "
            "images.transpose(0, 2, 3, 1)"
        )
    return array if array.ndim > 2 else array[:, None, :]


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


def _floats(what: str, array: Numbers) -> npt.NDArray[np.float64]:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{what}: some values are no numbers ({reason_of(error)}): leave such columns out"
        ) from error


def _resized(what: str, image: Numbers, made: Preprocessing) -> Array:
    """One of images of many sizes, (1, ..), which have to be bytes: nothing else has one scale."""
    if image.dtype != np.uint8 or image.ndim not in (3, 4):
        raise UsageError(
            f"{what}: images of several sizes must be uint8, (rows, columns) or (rows, columns, 3)"
        )
    return made.images(what, image)


def _pair(part: str, pair: Any) -> tuple[Any, Any]:
    if samples.are_samples(pair):
        return samples.pair_of(part, pair)
    try:
        images, labels = pair
    except (TypeError, ValueError):
        raise UsageError(
            f"{part}: give a pair of images and labels, or a data set of such pairs"
        ) from None
    return images, labels


def _check_rows(numbers: Numbers, made: Preprocessing) -> None:
    if made.resize is not None and numbers.shape[1] == 1:
        rows, columns = made.resize
        raise UsageError(
            f"rows of values cannot be scaled to {rows}x{columns}: give images (N, rows, columns), "
            "or leave resize out"
        )


def _check_memory(parts: Mapping[str, Numbers], made: Preprocessing) -> None:
    """Before any value is looked at: a view of few bytes can be a great many images."""
    needed = 0
    for numbers in parts.values():
        values = math.prod(numbers.shape[1:])
        result = values if made.resize is None else math.prod((*made.resize, *numbers.shape[3:]))
        is_copied = numbers.dtype != np.uint8 or made.resize is not None
        needed += splitting_bytes(len(numbers), (1 + is_copied) * result)
    memory.check("a copy of the images", needed, "take fewer of them")


def _notes(numbers: Numbers, images: Array, made: Preprocessing) -> tuple[str, ...]:
    """What may not be meant: whole numbers of another scale than that of bytes."""
    if made.scale.kind != BYTES or numbers.dtype == np.uint8 or images.max() >= _DARK:
        return ()
    most = int(images.max())
    return (
        f"values are whole numbers that reach {most} and are taken as grey values of 255: "
        f"scale 0:{most} would use all of them",
    )


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
