# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 as it was published: six batches in its binary or Python version, packed or not.

A row of a binary batch is a label and 3,072 pixels; a Python batch is a pickle of a dict with both.
Pixels are planes of red, green and blue, each 32 rows of 32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..system import memory
from ..system.errors import FewmultError
from ..system.files import read_file, reading
from . import checksums, idx
from .dataset import Array, Dataset, carve_validation, make_split
from .pickles import ByteArray, read_pickle
from .tarballs import read_members

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
VALIDATION_SHARE = 10
"""Of the training images, one in so many validates, the last ones: 5,000, as in the paper."""

_SIDE, _CHANNELS = 32, 3
_SHAPE = (_SIDE, _SIDE, _CHANNELS)
_PIXELS = _SIDE * _SIDE * _CHANNELS
_BINARY_END = ".bin"
_LEAST = 2  # images of a batch: a tenth of five batches validates
_PYTHON = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
_BINARY = tuple(f"{name}{_BINARY_END}" for name in _PYTHON)
_ARCHIVES = {"cifar-10-binary.tar.gz": _BINARY, "cifar-10-python.tar.gz": _PYTHON}
_FOLDERS = ("", "cifar-10-batches-bin", "cifar-10-batches-py")  # as the archives unpack

_LARGEST = 1 << 25  # bytes of a batch; the published ones have 31 million
_LIMIT = 1 << 28  # bytes of all that an archive holds

_Batch = tuple[Array, Array]  # images and labels (N,)


def file_names() -> frozenset[str]:
    """The names that files of a stored set may have."""
    return frozenset((*_ARCHIVES, *_BINARY, *_PYTHON))


def holds_set(place: Path) -> bool:
    """Whether ``place`` is an archive of the set, or a folder with one or with a batch.

    Raises:
        FewmultError: the folder cannot be read.
    """
    return bool(_found(place))


def find_files(place: Path) -> dict[str, Path]:
    """The files of the set by their names: an archive, or the six batches.

    Args:
        place: a folder with them, or with the folder that an archive unpacks to, or an archive.

    Raises:
        FewmultError: some of the batches are missing, or the folder cannot be read.
    """
    files = _found(place)
    if not files.keys() & _ARCHIVES.keys():
        names = _PYTHON if files.keys() & set(_PYTHON) else _BINARY
        if missing := [name for name in names if name not in files]:
            raise FewmultError(f"{place} lacks {', '.join(missing)}; add what is missing")
    return files


def _found(place: Path) -> dict[str, Path]:
    """What there is of the set in the first version of which there is something."""
    with reading(place):
        if place.name in _ARCHIVES and place.is_file():
            return {place.name: place}
        for folder in (place / name for name in _FOLDERS):
            for names in (*((name,) for name in _ARCHIVES), _BINARY, _PYTHON):
                paths = {name: folder / name for name in names}
                if found := {name: p for name, p in paths.items() if os.path.lexists(p)}:
                    return found
    return {}


def read_set(name: str, place: Path) -> Dataset:
    """Read and check a set; the last tenth of its training images validates.

    Raises:
        FewmultError: a batch is missing, damaged, or of another size than the others, or the memory
            does not hold them.
    """
    files = find_files(place)
    checksums.verify(place, files.values())
    images, labels = _read(files)
    tests = len(labels) // len(_BINARY)
    learned, test = slice(0, -tests), slice(-tests, None)
    train, validation = carve_validation(images[learned], labels[learned], VALIDATION_SHARE)
    tested = make_split(images[test], labels[test])
    return Dataset(name, len(CLASS_NAMES), _SHAPE, train, validation, tested, CLASS_NAMES)


def _read(files: Mapping[str, Path]) -> _Batch:
    """Images and labels of all batches, those of the test last."""
    read: set[str] = set()
    for name, shown, content in _contents(files):
        pixels, labels = _parse(shown, name, content)
        if not read:
            first, count = shown, len(labels)
            size = len(_PYTHON) * count
            memory.check(shown, size * _PIXELS + 2 * len(content), "read it on a larger machine")
            images, all_labels = np.empty((size, *_SHAPE), np.uint8), np.empty(size, np.uint8)
        if len(labels) != count:
            raise FewmultError(
                f"{shown} holds {len(labels):,} images and {first} {count:,}: one of them is cut "
                f"short; {idx.AGAIN}"
            )
        k = _PYTHON.index(name.removesuffix(_BINARY_END))
        part = slice(k * count, (k + 1) * count)
        images[part], all_labels[part] = pixels, labels
        read.add(name)
    if len(read) < len(_PYTHON):
        path = next(iter(files.values()))
        raise FewmultError(f"{path} holds {len(read)} of the set's six batches; {idx.AGAIN}")
    return images, all_labels


def _contents(files: Mapping[str, Path]) -> Iterator[tuple[str, str, bytes]]:
    """Each batch: its name, what errors call it, and its content."""
    for name, path in files.items():
        if name in _ARCHIVES:
            for member, content in read_members(path, _ARCHIVES[name], _LARGEST, _LIMIT):
                yield member, f"{path}: {member}", content
        else:
            yield name, str(path), read_file(path, _LARGEST)


def _parse(shown: str, name: str, content: bytes) -> _Batch:
    """Images (N, 32, 32, 3) and labels (N,) of a batch."""
    try:
        is_binary = name.endswith(_BINARY_END)
        planes, labels = _parse_binary(content) if is_binary else _parse_python(content)
        if labels.size < _LEAST:
            raise ValueError(f"it holds {labels.size} image(s) where at least {_LEAST} are needed")
        if (beyond := np.flatnonzero(labels >= len(CLASS_NAMES))).size:
            k = int(beyond[0])
            raise ValueError(f"label {labels[k]} at index {k} is beyond the 10 classes (0..9)")
    except ValueError as error:
        raise FewmultError(f"{shown} is no batch of CIFAR-10: {error}; {idx.AGAIN}") from error
    return planes.reshape(-1, _CHANNELS, _SIDE, _SIDE).transpose(0, 2, 3, 1), labels


def _parse_binary(content: bytes) -> _Batch:
    """Pixels (N, 3072) and labels (N,) of rows of bytes."""
    if rest := len(content) % (1 + _PIXELS):
        raise ValueError(
            f"its {len(content):,} bytes are no rows of {1 + _PIXELS:,}: the last has {rest:,}"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
    return rows[:, 1:], rows[:, 0]


def _parse_python(content: bytes) -> _Batch:
    """The same of a pickle."""
    batch = read_pickle(content)
    if not isinstance(batch, dict) or not {b"data", b"labels"} <= batch.keys():
        raise ValueError("it is a pickle of something else than a dict with data and labels")
    data, labels = batch[b"data"], batch[b"labels"]
    if not isinstance(labels, list) or not all(type(k) is int and 0 <= k < 256 for k in labels):
        raise ValueError("its labels are no list of small integers")
    if not isinstance(data, ByteArray) or data.shape != (len(labels), _PIXELS):
        shape = data.shape if isinstance(data, ByteArray) else "nothing of the kind"
        raise ValueError(f"its data are {shape}, not bytes of shape ({len(labels)}, {_PIXELS})")
    if len(data.content) != len(labels) * _PIXELS:
        raise ValueError(f"its data have {len(data.content):,} bytes, not {_PIXELS:,} an image")
    pixels = np.frombuffer(data.content, np.uint8).reshape(data.shape, order=data.order)
    return pixels, np.array(labels, np.uint8)
