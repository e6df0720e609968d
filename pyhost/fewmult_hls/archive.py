# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in files that may come from anywhere: read without pickle, and checked."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FewmultError
from .files import write_atomic


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a .npz file, whole or not at all."""
    # In memory first: on a full disk, zipfile raises what is no OSError.
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomic(path, content.getbuffer())


class Archive:
    """The arrays of a .npz file, none of which can take more memory than the file has bytes.

    Args:
        content: of the file.
    """

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        # Members may share their bytes.
        if sum(member.file_size for member in self._archive.infolist()) > len(content):
            raise ValueError("its arrays are larger than the file")

    @property
    def names(self) -> list[str]:
        """Of its arrays."""
        return [name[: -len(".npy")] for name in self._archive.namelist() if name.endswith(".npy")]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        member = self._archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed, as no model is")
        return read_array(name, self._archive.read(member))


def read_array(name: str, content: bytes) -> npt.NDArray[Any]:
    """The array of a .npy file, which takes no more memory than the file has bytes.

    Raises:
        ValueError: it is damaged, or holds objects.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{name} is in format {version}, as no model is")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - file.tell():
        raise ValueError(f"{name} does not have the size that its header says")
    file.seek(0)
    return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


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
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")
    if np.abs(array.astype(np.int64)).max() > limit:
        raise ValueError(f"{name} has values beyond +-{limit}")
    return array


@contextmanager
def reading_archive(path: Path, advice: str) -> Iterator[Archive]:
    """The archive in a file; whatever the block finds wrong with it becomes one line.

    Args:
        path: of the file.
        advice: what to do if it is damaged.

    Raises:
        FewmultError: it cannot be read or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    try:
        yield Archive(content)
    except MemoryError:
        raise
    # What zipfile and numpy raise on damaged bytes has no common base.
    except Exception as error:
        raise FewmultError(
            f"{path} is damaged or not a model of fewmult-hls ({_reason(error)}): {advice}"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return str(error.args[0])
    return str(error).splitlines()[0] if str(error) else type(error).__name__
