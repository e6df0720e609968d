# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The SHA-256 of each file of a stored set, kept in ``checksums.json`` beside the files."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from ..system.errors import FewmultError
from ..system.files import open_regular, write_atomic
from ..system.schema import read_json

FILE_NAME = "checksums.json"
_CHUNK = 1 << 20
_LIMIT = 1 << 16
_ADVICE = (
    "remove its folder to fetch or import the set again, or this file alone to go without the check"
)


def sha256(path: Path) -> str:
    """SHA-256 of the file as it is, in hexadecimal.

    Raises:
        FewmultError: the file cannot be read.
    """
    with open_regular(path) as file:
        return digest(file)


def digest(stream: BinaryIO, most: int = sys.maxsize) -> str:
    """SHA-256 of what a stream still has, or of so many bytes at most, in hexadecimal."""
    sha = hashlib.sha256()
    while most and (chunk := stream.read(min(_CHUNK, most))):
        sha.update(chunk)
        most -= len(chunk)
    return sha.hexdigest()


def record(folder: Path, files: Iterable[Path]) -> None:
    """Write ``checksums.json`` in ``folder`` for its ``files``."""
    sums = {path.name: sha256(path) for path in files}
    write_atomic(folder / FILE_NAME, json.dumps(sums, indent=2, sort_keys=True) + "\n")


def verify(folder: Path, files: Iterable[Path]) -> None:
    """Compare ``files`` with the ``checksums.json`` of ``folder``, if there is one.

    Raises:
        FewmultError: a file differs from its checksum or has none, or the list is damaged.
    """
    sums = recorded(folder)
    if sums is None:
        return
    for path in files:
        if sums.get(path.name) != sha256(path):
            raise FewmultError(
                f"{path} does not match its SHA-256 in {FILE_NAME}: it has changed since it was "
                "stored; fetch the set again or import it with --overwrite"
            )


def recorded(folder: Path) -> dict[str, str] | None:
    """The checksums by file name; None where there are none.

    Raises:
        FewmultError: the list cannot be read, or is damaged.
    """
    path = folder / FILE_NAME
    return read_json(path, dict[str, str], _LIMIT, _ADVICE) if os.path.lexists(path) else None
