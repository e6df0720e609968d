# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A data set as folders of pictures, a folder a class, named after it.

Either ``CLASS/*``, of which every fifth image of a class, in the order of the file names, is for
the test and every sixth of the others for validation. Or ``train/CLASS/*`` and ``test/CLASS/*``,
where every sixth training image of a class is for validation, unless ``validation/CLASS/*`` is
there. Hidden files and folders are ignored; other files that are no pictures are skipped, and
counted. One picture with colours gives all of them three channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contract.limits import MAX_CLASSES
from ..system import memory
from ..system.errors import FewmultError
from ..system.files import reading
from . import pictures
from .dataset import VALIDATION_SHARE, Array, Dataset, check_class_names
from .preprocessing import Preprocessing
from .splitting import split_parts, splitting_bytes
from .wanted import Wanted, find_preprocessing

_LEAST = 7  # images of a class: one is for the test, one of the other six for validation
_PARTS = ("train", "validation", "test")

_Labelled = tuple[Array, Array]  # images (N, rows, columns), or with channels, and labels (N,)


def has_class_folders(folder: Path) -> bool:
    """Whether ``folder`` has folders in it, as one with classes does.

    Raises:
        FewmultError: it cannot be read, or has images instead.
    """
    paths = _visible(folder)
    if any(map(_is_folder, paths)):
        return True
    if any(path.suffix.lower() in pictures.ENDINGS for path in paths):
        raise FewmultError(
            f"{folder} holds images and no class folders: put those of each class into a folder "
            "named after it"
        )
    return False


def read_class_folders(name: str, root: Path, wanted: Wanted) -> Dataset:
    """Read the set in a folder with class folders and check it.

    Args:
        name: what it is called.
        root: the folder.
        wanted: what is to happen to the images.

    Raises:
        FewmultError: a folder is empty or missing, an image is damaged or of another size, or
            there are too few images or classes, or too many, or too little memory.
    """
    reader = _Reader(Preprocessing(gray=wanted.gray, resize=wanted.resize))
    parts, classes = _parts(root, reader) if _is_split(root) else _whole(root, reader)
    parts = _with_equal_channels(parts, in_colour=wanted.in_colour)
    made = find_preprocessing("the images", parts["train"][0], wanted)
    if made.scale != reader.made.scale:
        parts = {
            part: (made.images(part, images), labels) for part, (images, labels) in parts.items()
        }
    shape = parts["train"][0].shape[1:]
    splits = split_parts(parts["train"], parts.get("validation"), parts.get("test"))
    return Dataset(
        name, len(classes), shape, *splits, classes, preprocessing=made, notes=reader.notes
    )


def _whole(root: Path, reader: _Reader) -> tuple[dict[str, _Labelled], tuple[str, ...]]:
    classes = _class_names(root, reader)
    return {"train": reader.read(root, classes, classes, _LEAST)}, classes


def _is_split(root: Path) -> bool:
    """Whether classes lie in ``train``, which could be the name of a class too."""
    train = root / "train"
    return _is_folder(train) and any(map(_is_folder, _visible(train)))


def _parts(root: Path, reader: _Reader) -> tuple[dict[str, _Labelled], tuple[str, ...]]:
    for path in _visible(root):
        if path.name not in _PARTS and not reader.skips(path):
            raise FewmultError(
                f"{path} is beside {root / 'train'}, where only folders test and validation "
                "belong: move it or rename it"
            )
    if not _is_folder(root / "test"):
        raise FewmultError(
            f"{root} has a folder train but none named test: add it, or put the classes "
            f"into {root} itself to have them split"
        )
    classes = _class_names(root / "train", reader)
    has_validation = _is_folder(root / "validation")
    least = 1 if has_validation else VALIDATION_SHARE
    parts = {"train": reader.read(root / "train", classes, classes, least)}
    for part in ("validation", "test") if has_validation else ("test",):
        parts[part] = reader.part(root / part, classes)
    return parts, classes


def _with_equal_channels(parts: dict[str, _Labelled], *, in_colour: bool) -> dict[str, _Labelled]:
    """Grey images as colours where another part has some, or they are asked for."""
    if len({images.ndim for images, _ in parts.values()}) == 1 and not in_colour:
        return parts
    return {part: (_coloured(images), labels) for part, (images, labels) in parts.items()}


def _coloured(images: Array) -> Array:
    """(N, rows, columns, 3) of grey images (N, rows, columns), or of such."""
    if images.ndim == 4:
        return images
    memory.check("images in colour", 3 * images.size, "take fewer images, or add --gray")
    return np.repeat(images[..., None], 3, axis=3)


class _Reader:
    """Reads images that all have the shape of the first, and counts what is none.

    Args:
        made: what happens to each of them.
    """

    def __init__(self, made: Preprocessing) -> None:
        self.made = made
        self._first: tuple[Path, tuple[int, ...]] | None = None
        self._skipped: list[Path] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was skipped, in a line."""
        if not self._skipped:
            return ()
        return (
            f"{len(self._skipped):,} file(s) that are no {pictures.NAMES} images were skipped, "
            f"such as {self._skipped[0]}",
        )

    def skips(self, path: Path) -> bool:
        """Whether a file is no picture, and belongs to nothing else: it is counted, once."""
        with reading(path):
            is_stray = path.is_file() and not pictures.is_picture(path)
        if is_stray:
            self._skipped.append(path)
        return is_stray

    def part(self, folder: Path, classes: Sequence[str]) -> _Labelled:
        """The images of a part, which may lack some of the classes.

        Raises:
            FewmultError: as ``read``, or it has a class that is not among ``classes``.
        """
        here = _folder_names(folder, self)
        for name in here:
            if name not in classes:
                raise FewmultError(
                    f"{folder / name} is of a class that {folder.parent / 'train'} does not "
                    "have: add it there, or remove it here"
                )
        if not here:
            raise FewmultError(f"{folder} has no class folders: add them, as in train")
        return self.read(folder, here, classes, 1)

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
            image = self._image(path)
            if image.ndim == images.ndim:  # the first one with colours
                images = _coloured(images)
            images[k] = image if image.ndim + 1 == images.ndim else image[..., None]
        return images

    def _files(self, folder: Path, least: int) -> list[Path]:
        found = _visible(folder)
        if not found:
            raise FewmultError(f"the class folder {folder} is empty: add images, or remove it")
        for path in filter(_is_folder, found):
            raise FewmultError(f"{path} is a folder among images: move its images up")
        files = [path for path in found if not self.skips(path)]
        if not files:
            raise FewmultError(
                f"the class folder {folder} holds no {pictures.NAMES} images: add some, or "
                "remove it"
            )
        if len(files) < least:
            raise FewmultError(
                f"the class folder {folder} holds {len(files)} image(s), and {least} are needed "
                "to have some for training, validation and test: add more"
            )
        return files

    def _image(self, path: Path) -> Array:
        image = pictures.read_picture(path, self.made)
        shape = rows, columns = image.shape[:2]
        if self._first is None:
            self._first = path, shape
        first, (first_rows, first_columns) = self._first
        if shape != (first_rows, first_columns):
            raise FewmultError(
                f"{path} has {rows}x{columns} pixels (rows x columns) and {first} has "
                f"{first_rows}x{first_columns}: add --resize, such as --resize 32x32, or scale "
                "all images to one size"
            )
        return image


def _class_names(folder: Path, reader: _Reader) -> tuple[str, ...]:
    names = _folder_names(folder, reader)
    if not 2 <= len(names) <= MAX_CLASSES:
        raise FewmultError(
            f"{folder} has {len(names)} class folder(s): there must be 2 to {MAX_CLASSES}"
        )
    try:
        check_class_names(names)
    except ValueError as error:
        raise FewmultError(f"{folder}: {error}: rename the folder") from error
    return tuple(names)


def _folder_names(folder: Path, reader: _Reader) -> list[str]:
    """Names of the class folders, by code points."""
    names = []
    for path in _visible(folder):
        if reader.skips(path):
            continue
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
