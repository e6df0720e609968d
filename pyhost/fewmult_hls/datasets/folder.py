# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set as a folder of four IDX files under the names MNIST gave them.

A set that was made of folders of images also has two files of validation images, and the names
of its classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FewmultError
from ..files import reading, write_atomic
from ..networks import MAX_CLASSES
from . import checksums, idx
from .class_names import check_class_names
from .dataset import VALIDATION_SHARE, Array, Dataset, carve_validation, make_split

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
VALIDATION_STEMS = ("validation-images-idx3-ubyte", "validation-labels-idx1-ubyte")
CLASS_NAMES = "classes.json"


@dataclass(frozen=True)
class SetFiles:
    """Where the files are; ``paths`` has the four in the order of ``STEMS``, ``all`` all."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path
    validation_images: Path | None = None
    validation_labels: Path | None = None
    class_names: Path | None = None

    @property
    def all(self) -> list[Path]:
        """The paths of all files that are there."""
        others = (self.validation_images, self.validation_labels, self.class_names)
        return [*self.paths, *(path for path in others if path is not None)]

    @property
    def paths(self) -> tuple[Path, Path, Path, Path]:
        """The four paths in the order of ``STEMS``."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


def holds_set(folder: Path) -> bool:
    """Whether ``folder`` has at least one of the four files.

    Raises:
        FewmultError: the folder cannot be read.
    """
    return any(_find(folder, stem) for stem in STEMS)


def find_files(folder: Path) -> SetFiles:
    """Find the four files and the others, ``-idx`` or ``.idx``, with or without ``.gz``.

    Raises:
        FewmultError: one of the four is missing or the folder cannot be read.
    """
    four = {stem: path for stem in STEMS if (path := _find(folder, stem))}
    missing = [stem for stem in STEMS if stem not in four]
    if missing:
        raise FewmultError(
            f"{folder} lacks {', '.join(missing)} (each may end in .gz); add what is missing"
        )
    validation_images, validation_labels = (_find(folder, stem) for stem in VALIDATION_STEMS)
    if (validation_images is None) != (validation_labels is None):
        raise FewmultError(
            f"{folder} has only one of {' and '.join(VALIDATION_STEMS)}: add the other"
        )
    names = folder / CLASS_NAMES
    train_images, train_labels, test_images, test_labels = four.values()
    return SetFiles(
        train_images,
        train_labels,
        test_images,
        test_labels,
        validation_images,
        validation_labels,
        names if names.is_file() else None,
    )


def stored_name(stem: str, path: Path) -> str:
    """The name ``path`` is stored under: ``stem``, with ``.gz`` if the content is gzipped."""
    return f"{stem}.gz" if idx.is_gzip(path) else stem


def read_folder(name: str, folder: Path, classes: int | None = None) -> Dataset:
    """Read and check a set.

    Args:
        name: what the set is called.
        folder: where its four files are.
        classes: the number of classes; by default the largest training label plus one.

    Raises:
        FewmultError: a file is missing, damaged, or does not fit the others.
    """
    files = find_files(folder)
    checksums.verify(folder, files.all)
    names = _read_class_names(files.class_names)
    classes = len(names) or classes
    least = 1 if files.validation_images else VALIDATION_SHARE
    images, labels = _read_pair(files.train_images, files.train_labels, least)
    test_images, test_labels = _read_pair(files.test_images, files.test_labels, 1)
    _check_sizes(files.train_images, images, files.test_images, test_images)
    if classes is None:
        classes = int(labels.max()) + 1
    _check_labels(files.train_labels, labels, classes)
    _check_labels(files.test_labels, test_labels, classes)
    if files.validation_images and files.validation_labels:
        held_out = _read_pair(files.validation_images, files.validation_labels, 1)
        _check_sizes(files.train_images, images, files.validation_images, held_out[0])
        _check_labels(files.validation_labels, held_out[1], classes)
        train, validation = make_split(images, labels), make_split(*held_out)
    else:
        train, validation = carve_validation(images, labels)
    rows, columns = images.shape[1:]
    test = make_split(test_images, test_labels)
    return Dataset(name, classes, (rows, columns), train, validation, test, names)


def write_folder(folder: Path, dataset: Dataset) -> None:
    """Write a set so that ``read_folder`` reads the same; the class names, if it has any.

    Raises:
        FewmultError: the files cannot be written.
    """
    stems = (STEMS[:2], VALIDATION_STEMS, STEMS[2:])
    splits = (dataset.train, dataset.validation, dataset.test)
    for (images, labels), split in zip(stems, splits, strict=True):
        idx.write(folder / f"{images}.gz", split.images.reshape(-1, *dataset.image_shape))
        idx.write(folder / f"{labels}.gz", split.labels)
    if dataset.class_names:
        write_atomic(folder / CLASS_NAMES, json.dumps(dataset.class_names, indent=2) + "\n")


def _read_class_names(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    with reading(path):
        content = path.read_bytes()
    try:
        names = json.loads(content)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("it is no list of names")
        check_class_names(names)
        if len(names) > MAX_CLASSES:
            raise ValueError(f"there can be {MAX_CLASSES} at most")
    except (ValueError, RecursionError) as error:
        raise FewmultError(
            f"{path} does not name the classes ({error}): correct it, or remove it to have "
            "them numbered"
        ) from error
    return tuple(names)


def _find(folder: Path, stem: str) -> Path | None:
    spellings = (stem, stem.replace("-idx", ".idx"))
    candidates = (folder / f"{name}{end}" for name in spellings for end in ("", ".gz"))
    with reading(folder):
        return next((path for path in candidates if path.is_file()), None)


def _read_pair(images_path: Path, labels_path: Path, least: int) -> tuple[Array, Array]:
    images, labels = idx.read_images(images_path), idx.read_labels(labels_path)
    if len(images) != len(labels):
        raise FewmultError(
            f"{images_path} holds {len(images)} images but {labels_path.name} holds "
            f"{len(labels)} labels; take both files from the same set"
        )
    if len(images) < least:
        raise FewmultError(
            f"{images_path} holds {len(images)} image(s) where at least {least} are needed; "
            "give a larger set"
        )
    return images, labels


def _check_sizes(train_path: Path, train: Array, path: Path, test: Array) -> None:
    if not train[0].size:
        raise FewmultError(f"{train_path} holds images without pixels; give another set")
    if train.shape[1:] != test.shape[1:]:
        raise FewmultError(
            f"{path} holds images of {_size(test)} but the training images are "
            f"{_size(train)}; take both files from the same set"
        )


def _size(images: Array) -> str:
    return f"{images.shape[1]}x{images.shape[2]}"


def _check_labels(path: Path, labels: Array, classes: int) -> None:
    beyond = np.flatnonzero(labels >= classes)
    if beyond.size:
        index = int(beyond[0])
        raise FewmultError(
            f"{path}: label {labels[index]} at index {index} is beyond the {classes} classes "
            f"(0..{classes - 1}); correct the labels or take the files from the same set"
        )
