# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Replacing a folder that is ours alone: the new one is made beside it, then both change places.

A process that is killed at any moment leaves the old folder or the new one at its place. Beside it
may stay a workshop, which the next call clears away.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import FewmultError
from .files import is_folder, reading, shown_as, sync_folder, writing
from .interrupts import held_back
from .locking import lock_beside, locked

_END = ".fewmult-hls.new"
_BESIDE = re.compile(r"\.(.+)\.fewmult-hls\.(?:new|lock)", re.DOTALL)
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# Of kernels, file systems and sandboxes that do not know the call.
_CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of ``target`` when the block ends well.

    The caller holds the lock beside ``target``, and knows that what is there may go.

    Raises:
        FewmultError: it cannot be written.
    """
    workshop = _workshop(target)
    try:
        with writing(target):
            clear(target)
            (workshop / "new").mkdir(parents=True)
        with shown_as(target, workshop / "new"):
            yield workshop / "new"
        with writing(target):
            sync_folder(workshop / "new")
            with held_back():
                _take_place(workshop / "new", target, workshop / "old")
                sync_folder(target.parent, deep=False)
                shutil.rmtree(workshop)
    finally:
        with suppress(OSError):
            clear(target)


def clear(target: Path) -> None:
    """Clear away what a killed process left of replacing ``target``.

    The caller holds the lock beside ``target``.
    """
    workshop = _workshop(target)
    if not is_folder(workshop):
        return
    foreign = {path.name for path in workshop.iterdir()} - {"new", "old"}
    if foreign:
        raise FewmultError(f"{workshop} holds files of others: move it elsewhere")
    _bring_back(target)
    shutil.rmtree(workshop)


def clear_all(root: Path) -> None:
    """Clear away what killed processes left in ``root``, and nothing of those that live."""
    for target in _targets(root):
        # Busy, or not ours to remove: neither is a reason to stop here.
        with suppress(FewmultError, OSError), locked(lock_beside(target), target):
            clear(target)


def bring_back(target: Path) -> None:
    """Bring back a folder that a killed process had moved away and put nothing in its place.

    That can be only where two folders cannot change places in one step.

    Raises:
        UsageError: another process is working on it.
        FewmultError: it cannot be looked for, or not be written.
    """
    with reading(target.parent):
        if not _is_away(target):
            return
    with writing(target), locked(lock_beside(target), target):
        _bring_back(target)


def bring_all_back(root: Path) -> None:
    """Bring back the folders of ``root``; see ``bring_back``."""
    for target in _targets(root):
        bring_back(target)


def _workshop(target: Path) -> Path:
    return target.with_name(f".{target.name}{_END}")


def _targets(root: Path) -> set[Path]:
    """What is, or was, being replaced."""
    with reading(root):
        found = list(root.iterdir()) if root.is_dir() else []
    return {root / name[1] for path in found if (name := _BESIDE.fullmatch(path.name))}


def _is_away(target: Path) -> bool:
    return is_folder(_workshop(target) / "old") and not os.path.lexists(target)


def _bring_back(target: Path) -> None:
    if _is_away(target):
        (_workshop(target) / "old").rename(target)


def _take_place(new: Path, target: Path, old: Path) -> None:
    """Rename ``new`` to ``target``; what was there becomes ``new`` or ``old``."""
    if not os.path.lexists(target):
        new.rename(target)
    elif not _exchange(new, target):
        target.rename(old)
        try:
            new.rename(target)
        except OSError:
            old.rename(target)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; False where the system cannot."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number))
