# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays of bytes in MAT-files of version 5, packed or not: no other kind of variable is read.

The format: "MAT-File Format", The MathWorks. A file is a header of 128 bytes and elements, each a
type, a size and so many bytes; a variable is a matrix element, which may lie packed in another.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER, _ENDIAN_AT = 128, 126
_VERSION = 0x0100
_BYTES, _INT32, _UINT32, _MATRIX, _PACKED = 2, 5, 6, 14, 15  # types of elements
_NAME_TYPES = (1, _BYTES, 16)  # int8; others write uint8 and UTF-8
_NUMBERS = range(6, 16)  # classes of matrices: from double to uint64
_COMPLEX = 0x0800
_MOST_DIMENSIONS, _LONGEST_NAME = 32, 1024
_DEFLATE_LIMIT = 1032
"""No deflate stream grows by more than this factor."""
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Matrix:
    """A variable whose values are stored as bytes.

    Attributes:
        name: of it.
        shape: of it; its values lie by columns.
        read: gives its next so many bytes; those of another variable may then not be read.
        close: reads what still belongs to it, and holds that against its checksum.
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[int], bytes]
    close: Callable[[], None]


def is_version_7_3(file: BinaryIO) -> bool:
    """Whether a file is an HDF5 file, as MAT-files of version 7.3 are."""
    for place in (0, 512):
        file.seek(place)
        if file.read(8) == b"\x89HDF\r\n\x1a\n":
            return True
    return False


def matrices(file: BinaryIO) -> Iterator[Matrix]:
    """The variables in a file one by one, those whose values are stored as bytes.

    Raises:
        ValueError, zlib.error: it is no such file, or is damaged.
    """
    file.seek(0)
    header = file.read(_HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(header[_ENDIAN_AT:], "")
    if len(header) < _HEADER or not order:
        raise ValueError("it has no header of one")
    (version,) = struct.unpack(f"{order}H", header[_ENDIAN_AT - 2 : _ENDIAN_AT])
    if version != _VERSION:
        raise ValueError(f"its version is 0x{version:04x}, not 0x{_VERSION:04x}")
    size, at = os.fstat(file.fileno()).st_size, _HEADER
    while at < size:
        file.seek(at)
        kind, length = struct.unpack(f"{order}II", _exactly(file.read, 8))
        at += 8 + length
        if at > size:
            raise ValueError(f"it is cut short: {at - size:,} bytes are missing")
        stream = _Inflated(file, length) if kind == _PACKED else _Plain(file, length)
        if kind == _PACKED:
            kind, length = struct.unpack(f"{order}II", stream.read(8))
        if kind == _MATRIX and (found := _matrix(stream, order)):
            yield found


class _Plain:
    """An element as it lies in the file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.most = file, size

    def read(self, size: int) -> bytes:
        return _exactly(self._file.read, size)

    def close(self) -> None:
        """Nothing is left to be checked."""


class _Inflated:
    """An element that is packed; never holds more than was asked for and a chunk."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self.most = size * _DEFLATE_LIMIT
        self._stream, self._packed = zlib.decompressobj(), b""

    def read(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            ValueError, zlib.error: there are fewer.
        """
        parts, wanted = [], size
        while wanted:
            part = self._next(wanted)
            if not part:
                raise ValueError("packed data end before what they hold")
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Unpacks what is left, padding and checksum."""
        while self._next(_CHUNK):
            pass
        if not self._stream.eof:
            raise ValueError("packed data have no end")

    def _next(self, most: int) -> bytes:
        while not self._stream.eof:
            if not self._packed:
                self._packed = self._file.read(min(_CHUNK, self._left))
                self._left -= len(self._packed)
            packed, self._packed = self._packed, b""
            part = self._stream.decompress(packed, most)
            self._packed = self._stream.unconsumed_tail
            if part or not (self._packed or self._left):
                return part
        return b""


_Stream = _Plain | _Inflated


def _matrix(stream: _Stream, order: str) -> Matrix | None:
    """The matrix that begins here; None of other values than numbers stored as bytes."""
    flags, _ = struct.unpack(f"{order}II", _element(stream, order, _UINT32, 8))
    if flags & 0xFF not in _NUMBERS or flags & _COMPLEX:
        return None
    sizes = _element(stream, order, _INT32, 4 * _MOST_DIMENSIONS)
    shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4])
    name = _element(stream, order, None, _LONGEST_NAME).decode("latin-1")
    kind, size, inline = _tag(stream, order)
    if kind != _BYTES:
        return None
    if min(shape, default=-1) < 0 or math.prod(shape) != size:
        raise ValueError(f"{name} has {size:,} bytes where {shape} are promised")
    if size > stream.most:
        raise ValueError(f"it is cut short: {name} promises {size:,} bytes")
    if inline is None:
        return Matrix(name, shape, stream.read, stream.close)
    left = iter((inline,))
    return Matrix(name, shape, lambda _: next(left, b""), stream.close)


def _element(stream: _Stream, order: str, wanted: int | None, most: int) -> bytes:
    """The bytes of a short element, of a type or, if None, of a name's."""
    kind, size, inline = _tag(stream, order)
    if kind not in (_NAME_TYPES if wanted is None else (wanted,)) or size > most:
        raise ValueError(f"an element of type {kind} with {size:,} bytes is where none belongs")
    if inline is not None:
        return inline
    return stream.read(size + -size % 8)[:size]


def _tag(stream: _Stream, order: str) -> tuple[int, int, bytes | None]:
    """Type and size of an element, and its bytes where it has four at most."""
    content = stream.read(8)
    kind, size = struct.unpack(f"{order}II", content)
    if kind >> 16:
        size = kind >> 16
        if size > 4:
            raise ValueError("a small element is larger than four bytes")
        return kind & 0xFFFF, size, content[4 : 4 + size]
    return kind, size, None


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    content = read(size)
    if len(content) < size:
        raise ValueError("it is cut short")
    return content
