# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""IDX files, the format MNIST came in: unsigned bytes in 1 or 3 dimensions, gzipped or not."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from ..system.errors import FewmultError
from ..system.files import atomic_file, open_regular
from .checksums import digest
from .dataset import Array

AGAIN = "copy or fetch the file again"
"""The fix for a damaged file."""

_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_DEFLATE_LIMIT = 1032
"""No deflate stream grows by more than this factor."""
_GZIP_SHARE, _GZIP_HEADER = 64, 1 << 16
"""Of what cannot be packed, gzip adds less than one byte to so many, and a header."""
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
    values = np.ascontiguousarray(array).reshape(-1).data
    with atomic_file(path) as file:
        if path.suffix != ".gz":
            file.writelines((header, values))
            return
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            packed.writelines((header, values))


def is_gzip(path: Path) -> bool:
    """Whether the file's content is gzipped, whatever its name says.

    Raises:
        FewmultError: the file cannot be read.
    """
    with open_regular(path) as raw:
        return _begins_gzip(raw)


def shape(path: Path, dimensions: int) -> tuple[int, ...]:
    """The shape that the header promises, of 3 dimensions for images and 1 for labels.

    Raises:
        FewmultError: the file cannot be read, is damaged or of another kind, or has another size.
    """
    with unpacked(path) as stream:
        return _read_header(path, stream, dimensions)


def packing_bytes(size: int) -> int:
    """What gzip adds at most to so many bytes, where they cannot be made fewer."""
    return size // _GZIP_SHARE + _GZIP_HEADER


def content_sha256(path: Path, limit: int, *, unpack: bool) -> str:
    """SHA-256 of the content, unpacked or as it is, of at most ``limit + 1`` bytes of it.

    Raises:
        FewmultError: the file cannot be read or its gzip data is damaged.
    """
    with unpacked(path) if unpack else open_regular(path) as stream:
        return digest(stream, limit + 1)


def _read(path: Path, dimensions: int) -> Array:
    with unpacked(path) as stream:
        shape = _read_header(path, stream, dimensions)
        flat = _allocate(path, math.prod(shape))
        missing = flat.size - _fill(stream, flat)
        if missing:
            raise FewmultError(
                f"{path} is cut short: {missing} of the {flat.size} bytes its header promises "
                f"are missing; {AGAIN}"
            )
        # Reading on also makes gzip compare its checksum.
        if stream.read(1):
            raise _longer(path, flat.size)
    return flat.reshape(shape)


def _read_header(path: Path, stream: BinaryIO, dimensions: int) -> tuple[int, ...]:
    """Check magic, type, dimensions and the size of the file; return the shape."""
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
    shape = struct.unpack(f">{dimensions}I", sizes)
    _check_size(path, stream, 4 + 4 * dimensions, math.prod(shape))
    return shape


def _check_size(path: Path, stream: BinaryIO, header: int, promised: int) -> None:
    """Refuse a header that promises another size than the file can hold, before more is read."""
    packed = isinstance(stream, gzip.GzipFile)
    size = os.fstat(stream.fileno()).st_size
    total = header + promised
    if total > (size * _DEFLATE_LIMIT if packed else size):
        raise FewmultError(
            f"{path} is cut short: its header promises {total} bytes and the file of "
            f"{size} bytes cannot hold them; {AGAIN}"
        )
    if size > total + (packing_bytes(total) if packed else 0):
        raise _longer(path, promised)


def _longer(path: Path, total: int) -> FewmultError:
    return FewmultError(f"{path} goes on after its {total} bytes of data; {AGAIN}")


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
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open ``path`` for reading what it holds, unpacked if it is gzipped.

    Raises:
        FewmultError: it cannot be opened, or the block finds its gzip data damaged.
    """
    with open_regular(path) as raw, _faults(path):
        packed = _begins_gzip(raw)
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as stream:
            yield cast(BinaryIO, stream)


def _begins_gzip(raw: BinaryIO) -> bool:
    return raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FewmultError(f"{path} holds damaged gzip data ({error}); {AGAIN}") from error
