# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Locks: files that one process holds while it works in a folder, and loses however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import FewmultError, UsageError
from .files import writing
from .interrupts import held_back

_NAME = ".fewmult-hls.lock"
_PATIENCE = 0.3  # seconds: who only looks whether a lock is free holds it for a moment
_UNKNOWN = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def lock_inside(folder: Path) -> Path:
    """The lock of a folder that stays where it is, and may hold files of others."""
    return folder / _NAME


def lock_beside(folder: Path) -> Path:
    """The lock of a folder that is replaced as a whole."""
    return folder.with_name(f".{folder.name}{_NAME}")


class Lock:
    """A lock that this process holds, until it is released or the process ends.

    Args:
        path: of its file, in a folder that is there.
        subject: what it protects, for the message.

    Raises:
        UsageError: another process holds it.
        FewmultError: its file cannot be written.
    """

    def __init__(self, path: Path, subject: Path) -> None:
        self._path, self._process = path, os.getpid()
        with writing(subject):
            self._descriptor = _taken(path, subject)
        _held.add(self)
        # For whoever is refused; that the disk is full matters elsewhere.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{self._process} {os.uname().nodename}\n".encode(), 0)

    @property
    def is_there(self) -> bool:
        """Whether it is held, and its file still at its path."""
        return self in _held and _is_at(self._descriptor, self._path)

    def release(self) -> None:
        """Lets others in, and removes the file."""
        if self not in _held or self._process != os.getpid():
            return  # of the process that this one was forked from
        with held_back():
            with suppress(OSError):
                if self.is_there:
                    self._path.unlink()
            _held.remove(self)
            os.close(self._descriptor)

    @staticmethod
    def drop_all() -> None:
        """Closes all files in a forked process: they would be locked after its parent's end."""
        for lock in _held:
            os.close(lock._descriptor)
        _held.clear()


_held: set[Lock] = set()

os.register_at_fork(after_in_child=Lock.drop_all)


@contextmanager
def locked(path: Path, subject: Path) -> Iterator[None]:
    """Hold the lock ``path`` of ``subject`` while the block runs; see ``Lock``."""
    lock = Lock(path, subject)
    try:
        yield
    finally:
        lock.release()


def check_free(path: Path, subject: Path) -> None:
    """Refuse what another process is working on; takes no lock.

    Raises:
        UsageError: the lock is held.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        _flock(descriptor, subject)
    finally:
        os.close(descriptor)


def _taken(path: Path, subject: Path) -> int:
    """The descriptor of the locked file."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ELOOP):  # a folder or a link of that name
                raise FewmultError(f"{path} is in the way: move it elsewhere") from error
            raise
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FewmultError(f"{path} is in the way: move it elsewhere")
            _flock(descriptor, subject)
            # Who held it may have removed it after it was opened here.
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _flock(descriptor: int, subject: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise UsageError(
                    f"{subject} is in use by {_holder(descriptor)}: wait until that has ended"
                ) from None
        except OSError as error:
            # A file system without locks protects nobody, but can be worked on.
            if error.errno in _UNKNOWN:
                return
            raise
        time.sleep(0.01)


def _holder(descriptor: int) -> str:
    found = re.fullmatch(rb"(\d+) (\S+)\n", os.pread(descriptor, 512, 0))
    if found is None:
        return "another process"
    process, host = found[1].decode(), found[2].decode("ascii", "backslashreplace")
    return f"process {process}" if host == os.uname().nodename else f"process {process} on {host}"


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False
