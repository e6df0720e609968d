# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set as a folder of four IDX files under the names MNIST gave them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FewmultError
from . import checksums, idx
from .dataset import VALIDATION_SHARE, Array, Dataset, carve_validation, make_split
from .reading import reading

STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@dataclass(frozen=True)
class SetFiles:
    """Where the four files are; ``paths`` is in the order of ``STEMS``."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path

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
    """Find the four files, ``-idx`` or ``.idx``, with or without ``.gz``.

    Raises:
        FewmultError: a file is missing or the folder cannot be read.
    """
    found = {stem: _find(folder, stem) for stem in STEMS}
    missing = [stem for stem, path in found.items() if path is None]
    if missing:
        raise FewmultError(
            f"{folder} lacks {', '.join(missing)} (each may end in .gz); add what is missing"
        )
    return SetFiles(*(path for path in found.values() if path is not None))


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
    checksums.verify(folder, files.paths)
    images, labels = _read_pair(files.train_images, files.train_labels, VALIDATION_SHARE)
    test_images, test_labels = _read_pair(files.test_images, files.test_labels, 1)
    _check_sizes(files, images, test_images)
    if classes is None:
        classes = int(labels.max()) + 1
    _check_labels(files.train_labels, labels, classes)
    _check_labels(files.test_labels, test_labels, classes)
    train, validation = carve_validation(images, labels)
    rows, columns = images.shape[1:]
    test = make_split(test_images, test_labels)
    return Dataset(name, classes, (rows, columns), train, validation, test)


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


def _check_sizes(files: SetFiles, train: Array, test: Array) -> None:
    if not train[0].size:
        raise FewmultError(f"{files.train_images} holds images without pixels; give another set")
    if train.shape[1:] != test.shape[1:]:
        raise FewmultError(
            f"{files.test_images} holds images of {_size(test)} but the training images are "
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
