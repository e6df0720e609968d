# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in files that may come from anywhere: read without pickle, and checked."""

from __future__ import annotations

import hashlib
import io
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import memory
from .errors import FewmultError, library_faults
from .files import open_regular, write_atomic

CHECKSUM = "sha256"
"""The array with the checksum of all others."""

_NPY = b"\x93NUMPY\x01\x00"  # format 1.0, the only one for plain numbers
_ENCRYPTED = 1  # a member's flag
_LONGEST_NUMBER = 12  # digits: more than any memory has bytes
# The header of an array as numpy writes it: a dict of three, in any order. Never evaluated.
_ENTRY = r"'(\w+)' *: *('[^']*'|True|False|\([\d, ]*\))"
_HEADER = re.compile(r"\{ *(?:" + _ENTRY + r" *(?:, *|(?=\}))){3}\} *\n?")
# Numbers and text: no objects, no records, no times.
_DTYPE = re.compile(r"'([<>|=]?[biufcU?]\d{0,9})'")


def array_names(path: Path) -> list[str]:
    """The names of the arrays in a file, by which its kind is told; none if it is no archive.

    Raises:
        FewmultError: it cannot be read.
    """
    with open_regular(path) as file:
        try:
            return list(Archive(file))
        except Exception:  # on damaged bytes it may be any; who loads it says what is wrong
            return []


def save_checked(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a .npz file with a checksum of all its arrays, whole or not at all."""
    # In memory first: on a full disk, zipfile raises what is no OSError.
    write_atomic(path, checked_bytes(arrays))


def checked_bytes(arrays: Mapping[str, Any]) -> memoryview:
    """The content of a .npz file with a checksum of all its arrays."""
    content = io.BytesIO()
    np.savez(content, **{**arrays, CHECKSUM: np.array(checksum(arrays))})
    return content.getbuffer()


class Archive(Mapping[str, npt.NDArray[Any]]):
    """The arrays of a .npz file by name; none takes more memory than the file has bytes.

    Args:
        file: that it is in.

    Raises:
        ValueError, zipfile.BadZipFile: it is none, or not as numpy writes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, io.SEEK_END)
        self._archive = zipfile.ZipFile(file)
        members = self._archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) != len(names):
            raise ValueError("it has two arrays of one name")
        # Members may share their bytes.
        if sum(member.file_size for member in members) > size:
            raise ValueError("its arrays are larger than the file")

    @property
    def memory(self) -> int:
        """Bytes that reading takes: all arrays, and one of them as it is in the file."""
        sizes = [member.file_size for member in self._archive.infolist()]
        return sum(sizes) + max(sizes, default=0)

    def __iter__(self) -> Iterator[str]:
        names = self._archive.namelist()
        return (name[: -len(".npy")] for name in names if name.endswith(".npy"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        member = self._archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED:
            raise ValueError(f"{name} is compressed or encrypted, as no model is")
        if member.compress_size != member.file_size:
            raise ValueError(f"{name} has two sizes")
        return read_array(name, self._archive.read(member))

    def integer(self, name: str) -> int:
        """An array that holds one integer."""
        return int(self._plain(name, "iu", 0, "one integer").item())

    def integers(self, name: str) -> tuple[int, ...]:
        """An array that holds a row of integers."""
        return tuple(self._plain(name, "iu", 1, "a row of integers").tolist())

    def numbers(self, name: str) -> tuple[float, ...]:
        """An array that holds a row of numbers."""
        return tuple(map(float, self._plain(name, "f", 1, "a row of numbers").tolist()))

    def text(self, name: str) -> str:
        """An array that holds one text."""
        return str(self._plain(name, "U", 0, "one text").item())

    def texts(self, name: str) -> tuple[str, ...]:
        """An array that holds a row of texts."""
        return tuple(self._plain(name, "U", 1, "a row of texts").tolist())

    def _plain(self, name: str, kinds: str, dimensions: int, what: str) -> npt.NDArray[Any]:
        array = self[name]
        if array.dtype.kind not in kinds or array.ndim != dimensions:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, not {what}")
        return array

    def verify(self) -> None:
        """Holds all arrays against the checksum that ``save_checked`` wrote.

        Raises:
            ValueError, KeyError: it is not theirs, or there is none.
        """
        if checksum(self) != self.text(CHECKSUM):
            raise ValueError("its content does not have its checksum")


def checksum(arrays: Mapping[str, Any]) -> str:
    """SHA-256 of all arrays but itself: names, types, shapes and values, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(arrays.keys() - {CHECKSUM}):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


class Header(NamedTuple):
    """What a .npy file says of its array.

    Attributes:
        dtype: of numbers or text.
        shape: of no negative size.
        order: ``F`` where it lies by columns.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"]

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_array(name: str, content: bytes) -> npt.NDArray[Any]:
    """The array of a .npy file, which takes no more memory than the file has bytes.

    Raises:
        ValueError: it is damaged, or holds something else than numbers or text.
    """
    header = read_header(name, io.BytesIO(content), len(content))
    start, dtype = len(content) - header.size, header.dtype
    flat = np.frombuffer(content, dtype, offset=start) if header.size else np.empty(0, dtype)
    return np.array(flat.reshape(header.shape, order=header.order), order="C")


def read_header(name: str, file: BinaryIO, length: int) -> Header:
    """The header of a .npy file of so many bytes, read up to where its array begins.

    Raises:
        ValueError: it is none, or of something else than numbers or text, or does not fit the file.
    """
    start = file.read(len(_NPY) + 2)
    if start[:-2] != _NPY:
        raise ValueError(f"{name} is no .npy file of format 1.0")
    text = file.read(int.from_bytes(start[-2:], "little")).decode("latin-1")
    entries = dict(re.findall(_ENTRY, text)) if _HEADER.fullmatch(text) else {}
    descr = _DTYPE.fullmatch(entries.get("descr", ""))
    shape, by_columns = entries.get("shape", ""), entries.get("fortran_order")
    if descr is None or shape[:1] != "(" or by_columns not in ("True", "False"):
        raise ValueError(f"{name} has no header of plain numbers")
    sizes = re.findall(r"\d+", shape)
    try:
        dtype = np.dtype(descr[1])
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from error
    order: Literal["C", "F"] = "F" if by_columns == "True" else "C"
    fits = all(len(size) <= _LONGEST_NUMBER for size in sizes)
    header = Header(dtype, tuple(map(int, sizes)) if fits else (), order)
    if not fits or header.size != length - file.tell():
        raise ValueError(f"{name} does not have the size that its header says")
    return header


def checked(
    name: str,
    array: npt.NDArray[Any],
    dtype: npt.DTypeLike,
    shape: tuple[int, ...],
    limit: int,
) -> npt.NDArray[Any]:
    """The array, if it is what it should be.

    Raises:
        ValueError: another type or shape, or a value beyond +-limit.
    """
    _check_kind(name, array, dtype, shape)
    if int(array.max()) > limit or int(array.min()) < -limit:
        raise ValueError(f"{name} has values beyond +-{limit}")
    return array


def checked_finite(
    name: str, array: npt.NDArray[Any], shape: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """The array, if it is float32 of that shape and finite.

    Raises:
        ValueError: it is not.
    """
    _check_kind(name, array, np.float32, shape)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array


def _check_kind(
    name: str, array: npt.NDArray[Any], dtype: npt.DTypeLike, shape: tuple[int, ...]
) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")


@contextmanager
def reading_archive(path: Path, advice: str) -> Iterator[Archive]:
    """The archive in a file; what the block finds wrong with it becomes one line with advice.

    Raises:
        FewmultError: it cannot be read or is damaged, or there is not enough memory for it.
    """
    with open_regular(path) as file, opened_archive(str(path), file, advice) as archive:
        yield archive


@contextmanager
def opened_archive(name: str, file: BinaryIO, advice: str) -> Iterator[Archive]:
    """The archive in an open file, or in memory; see ``reading_archive``.

    Raises:
        FewmultError: it is damaged, or there is not enough memory for it.
    """

    def fault(reason: str) -> FewmultError:
        return FewmultError(f"{name} is damaged or not a model of fewmult-hls ({reason}): {advice}")

    with library_faults(fault):
        archive = Archive(file)
    memory.check(name, archive.memory, "read it on a larger machine")
    with library_faults(fault):
        yield archive
