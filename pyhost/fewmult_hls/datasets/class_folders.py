# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set as folders of PNG images, a folder a class, named after it.

Either ``CLASS/*.png``, of which every fifth image of a class, in the order of the file names, is
for the test and every sixth of the others for validation. Or ``train/CLASS/*.png`` and
``test/CLASS/*.png``, where every sixth training image of a class is for validation, unless
``validation/CLASS/*.png`` is there. Hidden files and folders are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contract.limits import MAX_CLASSES, MAX_WIDTH
from ..system import memory
from ..system.errors import FewmultError
from ..system.files import read_file, reading
from . import png
from .dataset import VALIDATION_SHARE, Array, Dataset, Split, check_class_names, make_split
from .splitting import TEST_SHARE, carve_evenly, every, splitting_bytes, spread_split

_LEAST = 7  # images of a class: one is for the test, one of the other six for validation
_PARTS = ("train", "validation", "test")

_Labelled = tuple[Array, Array]  # images (N, rows, columns) and labels (N,)


def has_class_folders(folder: Path) -> bool:
    """Whether ``folder`` has folders in it, as one with classes does.

    Raises:
        FewmultError: it cannot be read, or has images instead.
    """
    paths = _visible(folder)
    if any(map(_is_folder, paths)):
        return True
    if any(path.suffix.lower() == ".png" for path in paths):
        raise FewmultError(
            f"{folder} holds images and no class folders: put those of each class into a folder "
            "named after it"
        )
    return False


def read_class_folders(name: str, root: Path) -> Dataset:
    """Read the set in a folder with class folders and check it; ``name`` is what it is called.

    Raises:
        FewmultError: a folder is empty or missing, a file is no grey PNG image or of another
            size, or there are too few images or classes, or too many, or too little memory.
    """
    reader = _Reader()
    if _is_split(root):
        return _read_parts(name, root, reader)
    classes = _class_names(root)
    images, labels = reader.read(root, classes, classes, _LEAST)
    held_out = every(TEST_SHARE, labels)
    test = make_split(images[held_out], labels[held_out])
    train, validation = carve_evenly(images, labels, np.flatnonzero(~held_out))
    return Dataset(name, len(classes), reader.shape, train, validation, test, classes)


def _is_split(root: Path) -> bool:
    """Whether classes lie in ``train``, which could be the name of a class too."""
    train = root / "train"
    return _is_folder(train) and any(map(_is_folder, _visible(train)))


def _read_parts(name: str, root: Path, reader: _Reader) -> Dataset:
    for path in _visible(root):
        if path.name not in _PARTS:
            raise FewmultError(
                f"{path} is beside {root / 'train'}, where only folders test and validation "
                "belong: move it or rename it"
            )
    if not _is_folder(root / "test"):
        raise FewmultError(
            f"{root} has a folder train but none named test: add it, or put the classes "
            f"into {root} itself to have them split"
        )
    classes = _class_names(root / "train")
    own_validation = _is_folder(root / "validation")
    least = 1 if own_validation else VALIDATION_SHARE
    images, labels = reader.read(root / "train", classes, classes, least)
    if own_validation:
        train, validation = spread_split(images, labels), reader.part(root / "validation", classes)
    else:
        train, validation = carve_evenly(images, labels)
    test = reader.part(root / "test", classes)
    return Dataset(name, len(classes), reader.shape, train, validation, test, classes)


class _Reader:
    """Reads images that all have the shape of the first."""

    def __init__(self) -> None:
        self.shape = (0, 0)
        self._first: Path | None = None

    def part(self, folder: Path, classes: Sequence[str]) -> Split:
        """The images of a part, which may lack some of the classes.

        Raises:
            FewmultError: as ``read``, or it has a class that is not among ``classes``.
        """
        here = _folder_names(folder)
        for name in here:
            if name not in classes:
                raise FewmultError(
                    f"{folder / name} is of a class that {folder.parent / 'train'} does not "
                    "have: add it there, or remove it here"
                )
        if not here:
            raise FewmultError(f"{folder} has no class folders: add them, as in train")
        return make_split(*self.read(folder, here, classes, 1))

    def read(
        self, folder: Path, names: Sequence[str], classes: Sequence[str], least: int
    ) -> _Labelled:
        """The images of the classes ``names``, numbered as in ``classes``, class by class.

        Raises:
            FewmultError: a class has fewer images than ``least``, or an image cannot be taken.
        """
        files, labels = [], []
        for name in names:
            found = self._files(folder / name, least)
            files += found
            labels += [classes.index(name)] * len(found)
        return self._images(folder, files), np.array(labels, np.uint8)

    def _images(self, folder: Path, files: Sequence[Path]) -> Array:
        first = self._image(files[0])
        memory.check(
            f"reading the images in {folder}",
            len(files) * first.size + splitting_bytes(len(files), first.size),
            "take fewer images",
        )
        images = np.empty((len(files), *first.shape), np.uint8)
        images[0] = first
        for k, path in enumerate(files[1:], 1):
            images[k] = self._image(path)
        return images

    def _files(self, folder: Path, least: int) -> list[Path]:
        files = _visible(folder)
        if not files:
            raise FewmultError(f"the class folder {folder} is empty: add images, or remove it")
        for path in filter(_is_folder, files):
            raise FewmultError(f"{path} is a folder among images: move its images up")
        if len(files) < least:
            raise FewmultError(
                f"the class folder {folder} holds {len(files)} image(s), and {least} are needed "
                "to have some for training, validation and test: add more"
            )
        return files

    def _image(self, path: Path) -> Array:
        content = read_file(path, png.LIMIT)
        shape = rows, columns = png.shape(path, content)
        if self._first is None:
            if rows * columns > MAX_WIDTH:
                raise FewmultError(
                    f"{path} has {rows}x{columns} pixels, and a net takes at most {MAX_WIDTH:,}: "
                    "scale all images down"
                )
            self._first, self.shape = path, shape
        if shape != self.shape:
            raise FewmultError(
                f"{path} has {rows}x{columns} pixels (rows x columns) and {self._first} has "
                f"{self.shape[0]}x{self.shape[1]}: scale all images to one size"
            )
        return png.decode(path, content)


def _class_names(folder: Path) -> tuple[str, ...]:
    names = _folder_names(folder)
    if not 2 <= len(names) <= MAX_CLASSES:
        raise FewmultError(
            f"{folder} has {len(names)} class folder(s): there must be 2 to {MAX_CLASSES}"
        )
    try:
        check_class_names(names)
    except ValueError as error:
        raise FewmultError(f"{folder}: {error}: rename the folder") from error
    return tuple(names)


def _folder_names(folder: Path) -> list[str]:
    """Names of the class folders, by code points."""
    names = []
    for path in _visible(folder):
        if not _is_folder(path):
            raise FewmultError(f"{path} is a file among class folders: move it into one, or away")
        names.append(path.name)
    return names


def _is_folder(path: Path) -> bool:
    with reading(path):
        return path.is_dir()


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, by code points, whatever order the file system has."""
    with reading(folder):
        paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(paths, key=lambda path: path.name)
