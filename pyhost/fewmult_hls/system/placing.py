# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Replacing our files in a folder that holds files of others, too.

The new files are written into a hidden folder within, with a list of those that go. Renaming that
folder decides: before, the old files count, and it is removed; after, the old ones go and the new
ones take their places, and what a killed process did not come to is done by the next.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from .errors import FewmultError
from .files import is_folder, read_file, resolved, shown_as, sync_folder, write_atomic, writing
from .interrupts import held_back

_PREPARED = ".fewmult-hls.new"
_DECIDED = ".fewmult-hls.next"
_GONE = ".gone.json"
_MAX_BYTES = 1 << 24


@contextmanager
def placed_files(folder: Path, old: Iterable[Path]) -> Iterator[Path]:
    """Give an empty folder to fill; its files replace the ``old`` ones when the block ends well.

    The caller holds the lock inside ``folder``, and knows that the old files in it may go: they do
    in their order.

    Raises:
        FewmultError: it cannot be written.
    """
    prepared, decided = folder / _PREPARED, folder / _DECIDED
    names = [str(path.relative_to(folder)) for path in old]
    with writing(folder):
        settle(folder)
        try:
            prepared.mkdir()
            with shown_as(folder, prepared):
                yield prepared
            gone = [name for name in names if not (prepared / name).exists()]
            with shown_as(folder, prepared / _GONE):
                write_atomic(prepared / _GONE, json.dumps(gone))
            sync_folder(prepared)
            with held_back():
                prepared.rename(decided)
                settle(folder)
        finally:
            shutil.rmtree(prepared, ignore_errors=True)


def settle(folder: Path) -> None:
    """Finish what a killed process had decided to do to the files in ``folder``, or undo the rest.

    The caller holds the lock inside ``folder``.

    Raises:
        FewmultError: it cannot be written, or the list of those that go is damaged.
    """
    decided, prepared = folder / _DECIDED, folder / _PREPARED
    with writing(folder):
        if is_folder(decided):
            # The decision itself must outlast a loss of power, before anything goes.
            sync_folder(folder, deep=False)
            for name in _gone_files(folder, decided / _GONE):
                (folder / name).unlink(missing_ok=True)
            for path in sorted(decided.iterdir()):
                if path.name != _GONE:
                    path.replace(folder / path.name)
            (decided / _GONE).unlink(missing_ok=True)
            decided.rmdir()
        if is_folder(prepared):
            shutil.rmtree(prepared)


def is_settled(folder: Path) -> bool:
    """Whether no killed process left anything to finish."""
    return not is_folder(folder / _DECIDED)


def _gone_files(folder: Path, path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        names = json.loads(read_file(path, _MAX_BYTES))
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(_is_inside(folder, name) for name in names):
        raise FewmultError(f"{path} is damaged: remove its folder")
    return names


def _is_inside(folder: Path, name: object) -> bool:
    """Whether it names what lies in the folder, also by way of links: a list may be of others."""
    if not isinstance(name, str) or PurePath(name).name in ("", ".."):
        return False
    return resolved((folder / name).parent).is_relative_to(resolved(folder))
