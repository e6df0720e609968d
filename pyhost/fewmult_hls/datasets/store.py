# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Putting a set into the user's data folder, whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FewmultError
from . import checksums
from .places import data_folder


@contextmanager
def stored_set(name: str) -> Iterator[Path]:
    """Give an empty folder to fill; it replaces the set ``name`` when the block ends well.

    The checksums of the files in it are recorded first.

    Raises:
        FewmultError: the user's data folder cannot be written.
    """
    root = data_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=root) as workshop:
            # TemporaryDirectory is closed to others, as the set should not be.
            new = Path(workshop, "new")
            new.mkdir()
            yield new
            checksums.record(new, sorted(new.iterdir()))
            _exchange(new, root / name, Path(workshop, "old"))
    except OSError as error:
        raise FewmultError(f"cannot write to {root}: {error.strerror}") from error


def _exchange(new: Path, target: Path, old: Path) -> None:
    """Rename ``new`` to ``target``; what was there becomes ``old``."""
    replaced = target.exists()
    if replaced:
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if replaced:
            old.rename(target)
        raise
