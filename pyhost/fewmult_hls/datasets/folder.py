# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set as a folder of four IDX files under the names MNIST gave them.

A set that was made of folders of images also has two files of validation images, and the names
of its classes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..contract.limits import MAX_CLASSES, MAX_WIDTH
from ..system import memory
from ..system.errors import FewmultError
from ..system.files import read_file, reading, write_atomic
from ..system.schema import parse_json, typed
from . import checksums, idx
from .dataset import CLASS_NAMES as CLASS_NAMES
from .dataset import (
    VALIDATION_SHARE,
    Array,
    Dataset,
    Split,
    carve_validation,
    check_class_names,
    make_split,
)

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
VALIDATION_STEMS = ("validation-images-idx3-ubyte", "validation-labels-idx1-ubyte")
_PAIRS = (STEMS[:2], VALIDATION_STEMS, STEMS[2:])  # of training, validation and test

# Names of folders, in which JSON may write each character as two escapes.
_CLASS_NAMES_LIMIT = 1 << 20


class Pair(NamedTuple):
    """The files of a split."""

    images: Path
    labels: Path


def spellings(stem: str) -> list[str]:
    """The names that a file may have, the first one first."""
    return [f"{name}{end}" for name in (stem, stem.replace("-idx", ".idx")) for end in ("", ".gz")]


def file_names() -> frozenset[str]:
    """The names that files of a stored set may have."""
    stems = (*STEMS, *VALIDATION_STEMS)
    return frozenset((CLASS_NAMES, *(name for stem in stems for name in spellings(stem))))


def holds_set(folder: Path) -> bool:
    """Whether ``folder`` has at least one of the four files.

    Raises:
        FewmultError: the folder cannot be read.
    """
    return any(_find(folder, stem) for stem in STEMS)


def find_files(folder: Path) -> dict[str, Path]:
    """Finds the files of a set by their stems: the four, and what else there is of the others.

    They are spelled ``-idx`` or ``.idx``, with or without ``.gz``.

    Raises:
        FewmultError: one of the four is missing or the folder cannot be read.
    """
    stems = (*STEMS, *VALIDATION_STEMS)
    files = {stem: path for stem in stems if (path := _find(folder, stem))}
    missing = [stem for stem in STEMS if stem not in files]
    if missing:
        raise FewmultError(
            f"{folder} lacks {', '.join(missing)} (each may end in .gz); add what is missing"
        )
    if len(files) == len(STEMS) + 1:
        raise FewmultError(
            f"{folder} has only one of {' and '.join(VALIDATION_STEMS)}: add the other"
        )
    if os.path.lexists(folder / CLASS_NAMES):
        files[CLASS_NAMES] = folder / CLASS_NAMES
    return files


def stored_name(stem: str, path: Path) -> str:
    """The name ``path`` is stored under: ``stem``, with ``.gz`` if the content is gzipped."""
    return f"{stem}.gz" if idx.is_gzip(path) else stem


def read_folder(name: str, folder: Path, classes: int | None = None) -> Dataset:
    """Read and check a set.

    Args:
        name: what the set is called.
        folder: where its four files are.
        classes: how many there are; by default those that the folder names, or else as many as the
            largest training label says.

    Raises:
        FewmultError: a file is missing, damaged, or does not fit the others, or the memory does
            not hold them.
    """
    files = find_files(folder)
    checksums.verify(folder, files.values())
    names = _read_class_names(files.get(CLASS_NAMES))
    asked = len(names) or classes
    pairs = [Pair(files[images], files[labels]) for images, labels in _PAIRS if images in files]
    image_shape = _check_headers(folder, pairs)
    images, labels = idx.read_images(pairs[0].images), idx.read_labels(pairs[0].labels)
    classes = asked or int(labels.max(initial=0)) + 1
    _check_labels(pairs[0].labels, labels, classes)
    others = [_read_split(pair, classes) for pair in pairs[1:]]
    if len(others) == 2:
        train, validation = make_split(images, labels), others[0]
    else:
        train, validation = carve_validation(images, labels)
    return Dataset(name, classes, image_shape, train, validation, others[-1], names, not asked)


def write_folder(folder: Path, dataset: Dataset) -> None:
    """Write a set so that ``read_folder`` reads the same; the class names, if it has any.

    Raises:
        FewmultError: the files cannot be written.
    """
    for (images, labels), split in zip(_PAIRS, dataset.splits, strict=True):
        idx.write(folder / f"{images}.gz", split.images.reshape(-1, *dataset.image_shape))
        idx.write(folder / f"{labels}.gz", split.labels)
    if dataset.class_names:
        write_atomic(folder / CLASS_NAMES, json.dumps(dataset.class_names, indent=2) + "\n")


def _read_class_names(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    content = read_file(path, _CLASS_NAMES_LIMIT)
    try:
        names = typed(tuple[str, ...], parse_json(content))
        check_class_names(names)
        if len(names) > MAX_CLASSES:
            raise ValueError(f"there can be {MAX_CLASSES} at most")
    except ValueError as error:
        raise FewmultError(
            f"{path} does not name the classes ({error}): correct it, or remove it to have "
            "them numbered"
        ) from error
    return names


def _find(folder: Path, stem: str) -> Path | None:
    names = spellings(stem)
    with reading(folder):
        for path in (folder / name for name in names):
            # Some archives have a folder of the file's name that holds the file.
            there = [path / name for name in names] if path.is_dir() else [path]
            # What is no regular file is found too, and refused when it is read.
            if found := next(filter(os.path.lexists, there), None):
                return found
    return None


def _check_headers(folder: Path, pairs: Sequence[Pair]) -> tuple[int, int]:
    """All that can be said before the images are read; returns their rows and columns."""
    shapes = [_shape(pair) for pair in pairs]
    _, rows, columns = shapes[0]
    for pair, (count, *size) in zip(pairs, shapes, strict=True):
        carved = pair is pairs[0] and len(pairs) == 2
        _check_count(pair.images, count, VALIDATION_SHARE if carved else 1)
        _check_size(pair.images, size, [rows, columns])
    needed = sum(count * (rows * columns + 1) for count, *_ in shapes)
    memory.check(f"the set in {folder}", needed, "take fewer images")
    return rows, columns


def _shape(pair: Pair) -> tuple[int, int, int]:
    """How many images there are, with as many labels, and their rows and columns."""
    count, rows, columns = idx.shape(pair.images, 3)
    (labels,) = idx.shape(pair.labels, 1)
    if count != labels:
        raise FewmultError(
            f"{pair.images} holds {count} images but {pair.labels.name} holds "
            f"{labels} labels; take both files from the same set"
        )
    return count, rows, columns


def _check_count(path: Path, count: int, least: int) -> None:
    if count < least:
        raise FewmultError(
            f"{path} holds {count} image(s) where at least {least} are needed; give a larger set"
        )


def _check_size(path: Path, size: list[int], wanted: list[int]) -> None:
    pixels = math.prod(size)
    if not pixels:
        raise FewmultError(f"{path} holds images without pixels; give another set")
    if pixels > MAX_WIDTH:
        raise FewmultError(
            f"{path} holds images of {_text(size)}, and a net takes at most {MAX_WIDTH:,} pixels; "
            "scale them down"
        )
    if size != wanted:
        raise FewmultError(
            f"{path} holds images of {_text(size)} but the training images are "
            f"{_text(wanted)}; take both files from the same set"
        )


def _text(size: list[int]) -> str:
    return "x".join(map(str, size))


def _read_split(pair: Pair, classes: int) -> Split:
    images, labels = idx.read_images(pair.images), idx.read_labels(pair.labels)
    _check_labels(pair.labels, labels, classes)
    return make_split(images, labels)


def _check_labels(path: Path, labels: Array, classes: int) -> None:
    beyond = np.flatnonzero(labels >= classes)
    if beyond.size:
        index = int(beyond[0])
        raise FewmultError(
            f"{path}: label {labels[index]} at index {index} is beyond the {classes} classes "
            f"(0..{classes - 1}); correct the labels or take the files from the same set"
        )
