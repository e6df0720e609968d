# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: what the numpy oracle leaves, for testbenches that know no Python.

``python -m fewmult_hls.proof.golden FOLDER`` writes one file a kernel, ``FOLDER/<kernel>.bin``. All
of it is little-endian (``testbench/golden.hpp`` reads it)::

    file   8 bytes "FEWMGOLD", u32 version (1), u32 number of cases, the cases,
           u32 CRC-32 (of zip and PNG) of every byte before it
    case   name, u32 number of arrays, the arrays
    array  name, u8 "i" (signed) or "u", u8 bytes of an element, u32 number of elements,
           the elements
    name   u32 number of bytes, the bytes (ASCII)

A number is an array of one signed 64-bit element. Numbers and arrays have the names of the top's
arguments, but what it leaves in ``updated`` is ``expected_weights``. What a kernel must leave in
array ``a`` is array ``expected_a``; there is no array ``a`` where it only writes it.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from ..system.errors import FewmultError
from ..system.files import write_atomic
from .golden_cases import KERNELS, GoldenCase, golden_cases

__all__ = ["KERNELS", "GoldenCase", "encode", "golden_cases", "write_golden"]

MAGIC = b"FEWMGOLD"
VERSION = 1


def encode(cases: Iterable[GoldenCase]) -> bytes:
    """The content of a golden file that holds ``cases``."""
    encoded = [_case(case) for case in cases]
    content = MAGIC + struct.pack("<II", VERSION, len(encoded)) + b"".join(encoded)
    return content + struct.pack("<I", zlib.crc32(content))


def write_golden(folder: Path) -> list[Path]:
    """Write the golden file of every kernel into ``folder``, which is made where it is missing.

    Returns:
        The files, in the order of ``KERNELS``.

    Raises:
        FewmultError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FewmultError(f"cannot make {folder}: {error.strerror}") from error
    paths = [folder / f"{kernel}.bin" for kernel in KERNELS]
    for kernel, path in zip(KERNELS, paths, strict=True):
        write_atomic(path, encode(golden_cases(kernel)))
    return paths


def _case(case: GoldenCase) -> bytes:
    arrays: dict[str, npt.NDArray[Any]] = {
        name: np.array([number], np.int64) for name, number in case.numbers.items()
    }
    arrays.update(case.given)
    arrays.update({f"expected_{name}": array for name, array in case.expected.items()})
    return _name(case.name) + _arrays(arrays)


def _arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    pieces = [struct.pack("<I", len(arrays))]
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        kind = struct.pack("<cBI", array.dtype.kind.encode(), array.itemsize, array.size)
        pieces += [_name(name), kind, little.tobytes()]
    return b"".join(pieces)


def _name(name: str) -> bytes:
    return struct.pack("<I", len(name)) + name.encode("ascii")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write golden vectors for the C++ testbenches into FOLDER."""
    try:
        write_golden(folder)
    except FewmultError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m fewmult_hls.proof.golden"))
