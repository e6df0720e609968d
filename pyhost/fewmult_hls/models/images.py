# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images to classify, from files, folders and standard input: what training did is done to them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from ..datasets import pictures, png, tables
from ..datasets.arrays import as_images
from ..system import memory
from ..system.archive import Header, read_header
from ..system.errors import FewmultError, UsageError
from ..system.files import open_regular, reading
from .domain import Domain

STANDARD_INPUT = Path("-")

_NPY = b"\x93NUMPY"
_MOST_INPUT = 1 << 30  # bytes that come without a size
_SHOWN_INPUT = Path("standard input")

Images = npt.NDArray[np.uint8]


class Found(NamedTuple):
    """Files to classify, and how many others lay among them.

    Attributes:
        files: that were named, and those in folders, by code points.
        skipped: those in folders that are no pictures.
    """

    files: list[Path]
    skipped: list[Path]

    @property
    def note(self) -> str | None:
        """What was skipped, in a line."""
        if not self.skipped:
            return None
        return (
            f"{len(self.skipped):,} file(s) that are no {pictures.NAMES} images were skipped, "
            f"such as {self.skipped[0]}"
        )


def find_images(paths: list[Path]) -> Found:
    """The files that are meant by files, folders and ``-``, the standard input.

    Raises:
        UsageError: standard input is meant more than once.
        FewmultError: a folder cannot be read, or has no pictures in it or below.
    """
    if paths.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input can be read once: give - once")
    found = Found([], [])
    for path in paths:
        with reading(path):
            is_folder = path != STANDARD_INPUT and path.is_dir()
        if not is_folder:
            found.files.append(path)
            continue
        before = len(found.files)
        for file in _below(path):
            (found.files if pictures.is_picture(file) else found.skipped).append(file)
        if len(found.files) == before:
            raise FewmultError(f"{path} has no {pictures.NAMES} images in it: give another folder")
    return found


def _below(folder: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden, in one order on every file system."""
    with reading(folder):
        paths = sorted(
            (path for path in folder.iterdir() if not path.name.startswith(".")),
            key=lambda path: path.name,
        )
    for path in paths:
        if path.is_dir() and not path.is_symlink():  # links may lead round
            yield from _below(path)
        elif path.is_file():
            yield path


def read_images(path: Path, domain: Domain, features: int) -> Images:
    """The images in a file, (N, features); one in a picture.

    Args:
        path: a PNG, JPEG, BMP or WebP image; or a .npy file of numbers of the scale that the model
            learned from, (rows, columns) or (N, rows, columns), each with channels if the model
            takes them, or (N, features); or a .csv file of such numbers, a line an image. ``-`` is
            a picture or an array, from standard input.
        domain: says what shape an image must have, and what happens to it before.
        features: values that an image must have.

    Raises:
        FewmultError: the file cannot be read or is damaged, or holds something else, or more than
            the memory does.
    """
    if path == STANDARD_INPUT:
        content = sys.stdin.buffer.read(_MOST_INPUT + 1)
        if len(content) > _MOST_INPUT:
            raise FewmultError(f"standard input has more than {_MOST_INPUT:,} bytes: give a file")
        return _read(_SHOWN_INPUT, io.BytesIO(content), len(content), domain, features)
    if path.suffix.lower() == tables.ENDING:
        return _read_table(path, domain, features)
    with open_regular(path) as file:
        return _read(path, file, os.fstat(file.fileno()).st_size, domain, features)


def _read(path: Path, file: BinaryIO, size: int, domain: Domain, features: int) -> Images:
    begin = file.read(pictures.BEGIN)
    file.seek(0)
    if begin.startswith(_NPY):
        return _read_npy(path, file, size, domain, features)
    if pictures.kind_of(begin) is None:
        raise FewmultError(
            f"{path} is neither a {pictures.NAMES} image nor a .npy file: {png.CONVERT}, or "
            "numpy.save"
        )
    if size > pictures.MOST_BYTES:
        raise FewmultError(f"cannot read {path}: it has more than {pictures.MOST_BYTES:,} bytes")
    made = domain.preprocessing
    image = pictures.picture_of(path, file.read(), replace(made, whitening=None))
    channels = (domain.image_shape or ())[2:]
    if image.ndim == 3 and channels != (3,):
        raise FewmultError(
            f"{path} has colours where the model takes grey: {png.CONVERT}, or train with --gray"
        )
    shape = (*image.shape[:2], *channels)
    if channels not in ((), (1,), (3,)) or not domain.fits(shape, features):
        rows, columns = image.shape[:2]
        raise FewmultError(
            f"{path} has {rows}x{columns} pixels (rows x columns) and the model takes "
            f"{domain.image_text(features)}: {_scaling(domain)}"
        )
    wide = image if image.ndim == 3 or not channels else image[..., None]
    flat = np.broadcast_to(wide, shape).reshape(1, -1)
    return flat if made.whitening is None else made.whitening.images(flat)


def _read_table(path: Path, domain: Domain, features: int) -> Images:
    """The lines of a table, without the labels that they may have."""
    values = tables.read_table(path, needs_label=False).values
    if values.shape[1] != features:
        raise FewmultError(
            f"{path} has {values.shape[1]} columns of values and the model takes {features}: leave "
            "out what it did not learn from"
        )
    try:
        return as_images(str(path), values, domain.preprocessing).reshape(-1, features)
    except UsageError as error:  # what a file holds is no fault of the command
        raise FewmultError(str(error)) from error


def _read_npy(path: Path, file: BinaryIO, size: int, domain: Domain, features: int) -> Images:
    """Reads an array whose header fits the file, the model and the memory."""
    try:
        header = read_header("the array", file, size)
    except ValueError as error:
        raise FewmultError(
            f"{path} is a damaged .npy file, or holds no plain numbers ({error}): save it again"
        ) from error
    is_one = _check_header(path, header, domain, features)
    # Numbers by columns are copied once, and so are those of several files.
    memory.check(str(path), 2 * header.size, "give its images in parts")
    content = file.read(header.size)
    if len(content) != header.size:
        raise FewmultError(f"{path} became shorter while it was read: give it again")
    array = np.frombuffer(content, header.dtype).reshape(header.shape, order=header.order)
    batch = array[None] if is_one else array
    try:
        return as_images(str(path), batch, domain.preprocessing).reshape(-1, features)
    except UsageError as error:  # what a file holds is no fault of the command
        raise FewmultError(str(error)) from error


def _check_header(path: Path, header: Header, domain: Domain, features: int) -> bool:
    """Whether an array that the model takes is one image, not many."""
    shape, made = header.shape, domain.preprocessing
    if header.dtype.kind not in "biuf":
        raise FewmultError(f"{path} holds {header.dtype} and the model takes numbers")
    is_row = len(shape) == 2 and shape[1] == features
    is_one = not is_row and domain.fits(made.shape_of(shape), features)
    if not (is_row or is_one or domain.fits(made.shape_of(shape[1:]), features)):
        raise FewmultError(
            f"{path} has the shape {shape} and the model takes images of "
            f"{domain.image_text(features)}: save one, (N, ..) of them, or (N, {features})"
        )
    if 0 in shape:
        raise FewmultError(f"{path} holds no images: leave it out")
    return is_one


def _scaling(domain: Domain) -> str:
    if domain.image_shape is None:
        return "give one with so many"
    rows, columns, *channels = domain.image_shape
    if channels not in ([], [1], [3]):
        return "a picture has 1 or 3 channels, so give it as a .npy file"
    return (
        f"scale it, for example with `magick IN -resize '{columns}x{rows}!' OUT.png`, or train "
        f"with --resize {rows}x{columns}, and any size will do"
    )
