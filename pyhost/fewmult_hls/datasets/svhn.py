# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""SVHN's cropped digits as they were published: MAT-files with images X and labels y.

X is 32 x 32 x 3 x N: rows, columns, colours, images. Label 10 is the digit 0.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..system import memory
from ..system.errors import FewmultError, UsageError, reason_of
from ..system.files import open_regular, reading
from . import checksums, idx, matlab
from .dataset import VALIDATION_SHARE, Array, Dataset, Split, carve_validation, make_split

CLASSES = 10

_TRAIN, _EXTRA, _TEST = "train_32x32.mat", "extra_32x32.mat", "test_32x32.mat"
_SHAPE = (32, 32, 3)
_PIXELS = 32 * 32 * 3
_CHUNK = 512  # images
_LARGER = "read it on a larger machine"

_Labelled = tuple[Array, Array]  # images (N, 32, 32, 3) and labels (N,)
_Read = Callable[[int], bytes]


def file_names() -> frozenset[str]:
    """The names that files of a stored set may have."""
    return frozenset((_TRAIN, _EXTRA, _TEST))


def holds_set(place: Path) -> bool:
    """Whether ``place`` is a folder with one of the files.

    Raises:
        FewmultError: it cannot be read.
    """
    return bool(_found(place))


def find_files(place: Path) -> dict[str, Path]:
    """The files of the set by their names: training, test and, if there, extra images.

    Raises:
        FewmultError: training or test images are missing, or the folder cannot be read.
    """
    found = _found(place)
    if missing := [name for name in (_TRAIN, _TEST) if name not in found]:
        raise FewmultError(f"{place} lacks {', '.join(missing)}; add what is missing")
    return found


def _found(place: Path) -> dict[str, Path]:
    paths = {name: place / name for name in (_TRAIN, _EXTRA, _TEST)}
    with reading(place):
        return {name: path for name, path in paths.items() if os.path.lexists(path)}


def read_set(name: str, place: Path) -> Dataset:
    """Read and check a set.

    The last sixth of the training images validates: digits of one house number lie side by side.
    Extra images, if there are any, are trained on like the others.

    Raises:
        FewmultError: a file is missing, damaged or none of SVHN, or the memory does not hold it.
    """
    files = find_files(place)
    checksums.verify(place, files.values())
    train, validation = carve_validation(*_read(files[_TRAIN], VALIDATION_SHARE))
    if _EXTRA in files:
        train = _joined(train, make_split(*_read(files[_EXTRA])))
    return Dataset(name, CLASSES, _SHAPE, train, validation, make_split(*_read(files[_TEST])))


def _joined(one: Split, other: Split) -> Split:
    size = one.images.nbytes + other.images.nbytes
    memory.check("training images and extra ones", size, "leave the extra ones out")
    images = np.concatenate([one.images, other.images])
    return make_split(images, np.concatenate([one.labels, other.labels]))


def _read(path: Path, least: int = 1) -> _Labelled:
    """Images, at least so many, and labels in a file, labels 0 to 9."""
    with open_regular(path) as file:
        if matlab.is_version_7_3(file):
            images, labels = _read_hdf5(path, file)
        else:
            images, labels = _read_version_5(path, file)
    if labels.shape != (len(images),):
        raise _fault(path, f"it has {len(images):,} images and {len(labels):,} labels")
    if labels.size < least:
        raise _fault(path, f"it holds {labels.size} image(s) where at least {least} are needed")
    if (beyond := np.flatnonzero((labels < 1) | (labels > CLASSES))).size:
        k = int(beyond[0])
        raise _fault(path, f"label {labels[k]} at index {k} is none of 1..10")
    return images, labels % np.uint8(CLASSES)


def _read_version_5(path: Path, file: BinaryIO) -> _Labelled:
    found: dict[str, Array] = {}
    with _faults(path):
        for matrix in matlab.matrices(file):
            if matrix.name not in ("X", "y") or matrix.name in found:
                continue
            if matrix.name == "X":
                found["X"] = _images(path, matrix.shape, matrix.read)
            else:
                found["y"] = _labels(path, matrix.shape, matrix.read)
            matrix.close()
        return _both(found)


def _read_hdf5(path: Path, file: BinaryIO) -> _Labelled:
    """The same of version 7.3, whose arrays have their dimensions in the other order."""
    try:
        import h5py
    except ImportError as error:
        raise UsageError(
            f"{path} is a MAT-file of version 7.3, which needs h5py: "
            "pip install 'fewmult-hls[hdf5]', or save it as version 5 (-v7)"
        ) from error
    with _faults(path), h5py.File(file, "r") as stored:
        found: dict[str, Array] = {}
        for name in ("X", "y"):
            if stored.get(name, getlink=True, default=None) is None:
                continue
            is_here = isinstance(stored.get(name, getlink=True), h5py.HardLink)
            values = stored[name] if is_here else None
            if not isinstance(values, h5py.Dataset) or values.is_virtual or values.external:
                raise ValueError(f"{name} is no array, or lies in another file")
            if values.dtype != np.uint8:
                raise ValueError(f"{name} is {values.dtype}, not uint8")
            shape = tuple(int(size) for size in reversed(values.shape))
            if name == "X":
                found["X"] = _images(path, shape, _Rows(values, _PIXELS).read)
            else:
                found["y"] = _labels(path, shape, _Rows(values, 1).read)
        return _both(found)


class _Rows:
    """The values of an HDF5 data set, one row after the other."""

    def __init__(self, values: Any, row: int) -> None:
        self._values, self._row, self._at = values, row, 0

    def read(self, size: int) -> bytes:
        """The next so many bytes, of whole rows."""
        first, self._at = self._at, self._at + size // self._row
        content: bytes = self._values[first : self._at].tobytes()
        return content


def _images(path: Path, shape: tuple[int, ...], read: _Read) -> Array:
    """Images (N, 32, 32, 3) of values by columns: each image lies as (3, columns, rows)."""
    shape = shape if len(shape) == 4 else (*shape, 1)  # MATLAB drops a last dimension of 1
    if shape[:3] != _SHAPE:
        raise ValueError(f"X has the shape {shape}, not (32, 32, 3, N)")
    count = shape[3]
    memory.check(str(path), count * _PIXELS, _LARGER)
    images = np.empty((count, *_SHAPE), np.uint8)
    for first in range(0, count, _CHUNK):
        part = images[first : first + _CHUNK]
        values = np.frombuffer(read(part.size), np.uint8)
        part[...] = values.reshape(-1, 3, 32, 32).transpose(0, 3, 2, 1)
    return images


def _labels(path: Path, shape: tuple[int, ...], read: _Read) -> Array:
    if len(shape) != 2 or 1 not in shape:
        raise ValueError(f"y has the shape {shape}, not (N, 1)")
    count = math.prod(shape)
    memory.check(str(path), 2 * count, _LARGER)
    return np.frombuffer(read(count), np.uint8)


def _both(found: Mapping[str, Array]) -> _Labelled:
    for name, what in (("X", "images"), ("y", "labels")):
        if name not in found:
            raise ValueError(f"it has no {what} {name} that are stored as bytes")
    return found["X"], found["y"]


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (FewmultError, MemoryError):
        raise
    # What h5py raises on damaged bytes has no common base.
    except Exception as error:
        raise _fault(path, reason_of(error)) from error


def _fault(path: Path, reason: str) -> FewmultError:
    return FewmultError(f"{path} is no MAT-file of SVHN's cropped digits: {reason}; {idx.AGAIN}")
