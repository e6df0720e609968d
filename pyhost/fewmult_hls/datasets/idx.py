# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""IDX files, the format MNIST came in: unsigned bytes in 1 or 3 dimensions, gzipped or not."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ..errors import FewmultError
from ..files import atomic_file, reading
from .dataset import Array

AGAIN = "copy or fetch the file again"
"""The fix for a damaged file."""

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_DEFLATE_LIMIT = 1032
"""No deflate stream grows by more than this factor."""
_CHUNK = 1 << 20
_KINDS = {1: "labels (1 dimension)", 3: "images (3 dimensions)"}


def read_images(path: Path) -> Array:
    """Read an image file: uint8, shape (N, rows, columns).

    Raises:
        FewmultError: the file cannot be read, is damaged or is no image file.
    """
    return _read(path, 3)


def read_labels(path: Path) -> Array:
    """Read a label file: uint8, shape (N,).

    Raises:
        FewmultError: the file cannot be read, is damaged or is no label file.
    """
    return _read(path, 1)


def write(path: Path, array: Array) -> None:
    """Write ``array`` (uint8, 1 or 3 dimensions), gzipped if ``path`` ends in ``.gz``.

    Equal arrays give equal files: the gzip header holds no name and no time.

    Raises:
        ValueError: another type or number of dimensions.
        FewmultError: the file cannot be written.
    """
    if array.dtype != np.uint8 or array.ndim not in _KINDS:
        raise ValueError(f"an IDX file here holds uint8 in 1 or 3 dimensions, not {array.dtype}")
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    content = header + array.tobytes()
    with atomic_file(path) as file:
        if path.suffix != ".gz":
            file.write(content)
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            packed.write(content)


def is_gzip(path: Path) -> bool:
    """Whether the file's content is gzipped, whatever its name says.

    Raises:
        FewmultError: the file cannot be read.
    """
    with reading(path), path.open("rb") as raw:
        return raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def content_sha256(path: Path, limit: int) -> str:
    """SHA-256 of the unpacked content, of at most ``limit + 1`` bytes of it.

    Raises:
        FewmultError: the file cannot be read or its gzip data is damaged.
    """
    digest = hashlib.sha256()
    left = limit + 1
    with _unpacked(path) as stream:
        while left and (chunk := stream.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _read(path: Path, dimensions: int) -> Array:
    with _unpacked(path) as stream:
        shape = _read_header(path, stream, dimensions)
        total = math.prod(shape)
        _check_room(path, 4 + 4 * dimensions + total)
        flat = _allocate(path, total)
        missing = total - _fill(stream, flat)
        if missing:
            raise FewmultError(
                f"{path} is cut short: {missing} of the {total} bytes its header promises "
                f"are missing; {AGAIN}"
            )
        # Reading on also makes gzip compare its checksum.
        if stream.read(1):
            raise FewmultError(f"{path} goes on after its {total} bytes of data; {AGAIN}")
    return flat.reshape(shape)


def _read_header(path: Path, stream: BinaryIO, dimensions: int) -> tuple[int, ...]:
    """Check magic, type and dimensions; return the shape."""
    magic = stream.read(4)
    if len(magic) == 4 and magic[:2] != b"\0\0":
        raise FewmultError(
            f"{path} is no IDX file: it begins with {magic.hex(' ')}; "
            "give one of the MNIST files or a file in their format"
        )
    sizes = stream.read(4 * dimensions)
    if len(magic) < 4 or (magic[3] == dimensions and len(sizes) < 4 * dimensions):
        raise FewmultError(f"{path} is cut short within its header; {AGAIN}")
    if magic[2] != _UNSIGNED_BYTE:
        raise FewmultError(
            f"{path} holds IDX values of type 0x{magic[2]:02x}, not unsigned bytes (0x08); "
            "convert it to unsigned bytes"
        )
    if magic[3] != dimensions:
        raise FewmultError(
            f"{path} has {magic[3]} dimension(s) where {_KINDS[dimensions]} belong; "
            "check that image and label files are not swapped"
        )
    return struct.unpack(f">{dimensions}I", sizes)


def _check_room(path: Path, promised: int) -> None:
    """Refuse a header promising more than the file can hold, before memory is taken for it."""
    size = path.stat().st_size
    room = size * _DEFLATE_LIMIT if is_gzip(path) else size
    if promised > room:
        raise FewmultError(
            f"{path} is cut short: its header promises {promised} bytes and the file of "
            f"{size} bytes cannot hold them; {AGAIN}"
        )


def _allocate(path: Path, total: int) -> Array:
    try:
        return np.empty(total, np.uint8)
    except (MemoryError, ValueError) as error:
        raise FewmultError(
            f"{path} needs {total} bytes of memory, more than there is; use a smaller data set"
        ) from error


def _fill(stream: BinaryIO, flat: Array) -> int:
    """Read into ``flat`` until it is full or the stream ends; return the bytes read."""
    filled = 0
    # By chunks: gzip makes a copy of each read.
    while filled < flat.size and (chunk := stream.read(min(_CHUNK, flat.size - filled))):
        flat[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    return filled


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open ``path`` for reading what it holds, unpacked if it is gzipped."""
    packed = is_gzip(path)
    with _faults(path), path.open("rb") as raw:
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as stream:
            yield cast(BinaryIO, stream)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    with reading(path):
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise FewmultError(f"{path} holds damaged gzip data ({error}); {AGAIN}") from error
