# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Putting a set into the user's data folder, whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..system.errors import FewmultError
from ..system.files import is_folder
from ..system.locking import lock_beside, locked
from ..system.replacing import clear_all, replaced_folder
from . import checksums
from .formats import FORMATS
from .places import data_folder

_SHA256 = re.compile("[0-9a-f]{64}")
_NAMES = frozenset((checksums.FILE_NAME,)).union(*(form.names for form in FORMATS))


@contextmanager
def stored_set(name: str, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder to fill; it becomes the set ``name`` when the block ends well.

    The checksums of the files in it are recorded first. No other process stores that set meanwhile.

    Raises:
        UsageError: another process is storing the set.
        FewmultError: see ``check_place``, or the user's data folder cannot be written.
    """
    root = data_folder()
    target = root / name
    try:
        root.mkdir(parents=True, exist_ok=True)
        clear_all(root)
        with locked(lock_beside(target), target):
            check_place(target, overwrite=overwrite)
            with replaced_folder(target) as new:
                yield new
                checksums.record(new, sorted(new.iterdir()))
    except OSError as error:
        raise FewmultError(f"cannot write to {root}: {error.strerror}") from error


def check_place(target: Path, *, overwrite: bool) -> None:
    """Whether a set may be stored as ``target``; changes nothing.

    Raises:
        FewmultError: a set is there and ``overwrite`` is not set, or something else is.
    """
    if not os.path.lexists(target) or (is_folder(target) and not any(target.iterdir())):
        return
    if not overwrite:
        raise FewmultError(f"{target} is there already; replace it with --overwrite")
    if not _is_stored_set(target):
        raise FewmultError(
            f"{target} is no set that was fetched or imported: move it away, or take another name"
        )


def _is_stored_set(folder: Path) -> bool:
    """Whether all in a folder is of a set that was stored here, damaged or not."""
    if not is_folder(folder):
        return False
    names = {path.name for path in folder.iterdir() if path.is_file()}
    if len(names) < sum(1 for _ in folder.iterdir()) or checksums.FILE_NAME not in names:
        return False
    try:
        sums = checksums.recorded(folder) or {}
    except FewmultError:
        return False
    return names <= _NAMES and all(
        name in _NAMES and _SHA256.fullmatch(str(sum_)) for name, sum_ in sums.items()
    )
