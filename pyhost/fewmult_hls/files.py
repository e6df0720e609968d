# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Files are written under a temporary name and renamed: whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import FewmultError


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes that name when the block ends well.

    Raises:
        FewmultError: the folder cannot be written (read-only, full, missing).
    """
    # Named before it is made, so that no interrupt can come between the file and its removal.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with writing(path):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes | memoryview | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, whole or not at all."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def append_line(path: Path, line: str) -> None:
    """Add a line to ``path``, whole or not at all.

    Raises:
        FewmultError: it cannot be written.
    """
    with writing(path), path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        content = line.encode() + b"\n"
        try:
            # One call writes all of it, or what the disk still holds; another then fails.
            while content:
                content = content[file.write(content) :]
        except OSError:
            file.truncate(size)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``FewmultError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise FewmultError(f"cannot write {path}: {error.strerror or error}") from error
