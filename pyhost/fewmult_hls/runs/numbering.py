# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of runs that nobody named: the first is plain, the next have numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from ..system.files import writing


@contextmanager
def numbered(first: Path) -> Iterator[Path]:
    """Give a new folder: ``first``, or the one with the lowest number behind it, from 2.

    It goes again if nothing is in it when the block ends.

    Raises:
        FewmultError: none can be made.
    """
    folder = _made(first)
    try:
        yield folder
    finally:
        with suppress(OSError):  # whatever is in it stays
            folder.rmdir()


def _made(first: Path) -> Path:
    folder, numbers = first, count(2)
    while True:
        with writing(folder):
            try:
                # Making it claims it: of two processes that try at once, one can.
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                folder = first.with_name(f"{first.name}-{next(numbers)}")
