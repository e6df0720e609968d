# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Files: read when they are regular and of bounded size, written whole or not at all."""

from __future__ import annotations

import fcntl
import glob
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from .errors import FewmultError, UsageError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}", re.DOTALL)


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; never waits, as opening a pipe or a device may.

    Raises:
        FewmultError: it cannot be opened or read, or is no regular file.
    """
    with reading(path):
        # Without O_NONBLOCK, opening a pipe waits for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            what = "Is a directory" if stat.S_ISDIR(mode) else "it is no regular file"
            raise FewmultError(f"cannot read {path}: {what}")
        with os.fdopen(descriptor, "rb") as file:
            yield file


def read_file(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises:
        FewmultError: it cannot be read, is no regular file, or is larger.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(limit + 1) if size <= limit else b""
    if size > limit or len(content) > limit:
        raise FewmultError(f"cannot read {path}: it has more than {limit:,} bytes")
    return content


def system_text(path: Path) -> str:
    """What the system says in a file of /proc or /sys; nothing where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes that name when the block ends well.

    Raises:
        FewmultError: the folder cannot be written (read-only, full, missing).
    """
    # Named before it is made, so that no interrupt can come between the file and its removal.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with writing(path):
        sweep(path.parent, path.name)
        try:
            with _created(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _created(path: Path) -> BinaryIO:
    """A new file, locked while it is open: so ``sweep`` knows that somebody works on it."""
    while True:
        file = path.open("xb")
        with suppress(OSError):  # where there are no locks, nothing is swept
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # swept between the two


def sweep(folder: Path, name: str = "*") -> None:
    """Remove the temporary files for ``name``, a pattern, that processes which died left."""
    for path in folder.glob(f".{name if name == '*' else glob.escape(name)}.*"):
        if _TEMPORARY.fullmatch(path.name) is None or not path.is_file() or path.is_symlink():
            continue
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def write_atomic(path: Path, content: bytes | memoryview | str) -> None:
    """Write ``content`` (text as UTF-8) to ``path``, whole or not at all."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def append_line(path: Path, line: str) -> None:
    """Add a line to ``path``, whole or not at all.

    Raises:
        FewmultError: it cannot be written, or is no regular file; a link is not followed, which
            might lead out of the folder.
    """
    if path.is_symlink():
        raise FewmultError(f"cannot write {path}: it is a symbolic link: remove it")
    with writing(path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags, 0o666), "ab", buffering=0) as file:
            _append(file, line.encode() + b"\n")


def _append(file: FileIO, content: bytes) -> None:
    size = file.seek(0, os.SEEK_END)
    try:
        # One call writes all of it, or what the disk still holds; another then fails.
        while content:
            content = content[file.write(content) :]
    except OSError:
        file.truncate(size)
        raise


def resolved(path: Path) -> Path:
    """The path from the root, without links; of links in a ring, as far as they lead.

    Raises:
        FewmultError: the working folder, from which it leads, is gone.
    """
    try:
        return Path(os.path.realpath(path))  # Path.resolve raises what is no OSError
    except FileNotFoundError as error:
        raise FewmultError("the working folder was removed: cd to one that is there") from error


def check_no_file(folder: Path, subject: str) -> None:
    """Whether a folder is there, or nothing: no file, and no link that leads nowhere.

    Raises:
        UsageError: something else is there, and ``subject`` needs the folder.
    """
    if not os.path.lexists(folder) or folder.is_dir():
        return
    what = "a file" if folder.exists() else "a link that leads nowhere"
    raise UsageError(f"{folder} is {what}, and {subject} needs a folder: name another")


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def sync_folder(folder: Path, *, deep: bool = True) -> None:
    """Have the disk hold the names in ``folder``; if ``deep``, also all that is below them."""
    below = list(folder.rglob("*")) if deep else []
    for path in (*below, folder):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            continue
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError:
            if path.is_file():  # some file systems sync no folders
                raise
        finally:
            os.close(descriptor)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``FewmultError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise FewmultError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``FewmultError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def shown_as(shown: Path, hidden: Path) -> Iterator[None]:
    """Let errors of the block name the place that a user knows, not the one that is prepared."""
    try:
        yield
    except FewmultError as error:
        raise type(error)(str(error).replace(str(hidden), str(shown))) from error
