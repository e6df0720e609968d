# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: ``load`` one by its name or from a folder, or make one ``from_arrays``."""

from __future__ import annotations

import os
import reprlib
from contextlib import suppress
from pathlib import Path

from ..system.errors import FewmultError, UsageError
from ..system.files import reading, resolved
from . import formats, places
from .arrays import from_arrays
from .class_folders import has_class_folders, read_class_folders
from .dataset import Dataset, Split
from .published import PUBLISHED, known_classes

__all__ = ["Dataset", "Split", "available", "from_arrays", "load", "locate"]


def load(name_or_path: str | os.PathLike[str]) -> Dataset:
    """Load a data set.

    Args:
        name_or_path: ``digits``, ``mnist``, ``cifar10``, ``svhn``, the name of an imported set, or
            a folder with the four IDX files, the batches of CIFAR-10, the MAT-files of SVHN or a
            folder of PNG images for each class. A name is looked for before a folder of that name.

    Raises:
        UsageError: there is neither such a set nor such a folder.
        FewmultError: the set is not on this machine, or its files are damaged or do not fit
            each other.
    """
    name = _text(name_or_path)
    folder = locate(name)
    if folder is None:
        from . import digits

        return digits.load()
    shown, form = resolved(folder).name, formats.format_of(folder)
    if form is None and has_class_folders(folder):
        return read_class_folders(shown, folder)
    return (form or formats.IDX).read(shown, folder, known_classes(name))


def locate(name_or_path: str | os.PathLike[str]) -> Path | None:
    """The folder ``load`` reads from; None for the built-in set.

    Raises:
        UsageError: there is neither such a set nor such a folder.
        FewmultError: the set is known but not on this machine.
    """
    name = _text(name_or_path)
    if name == places.BUILT_IN:
        return None
    if name == places.IN_MEMORY:
        raise UsageError("the run learned from arrays in memory: give data with --dataset")
    if places.is_name(name):
        found = places.find(name)
        if found is not None:
            return found
        if name in PUBLISHED:
            raise _not_here(name)
    for folder in (Path(name), places.from_home(name)):
        with reading(folder):
            if name and folder.is_dir():
                return folder
    raise _unknown(name)


def available() -> dict[str, Path | None]:
    """The sets on this machine by name, each with its folder; None for the built-in set.

    Raises:
        FewmultError: a folder cannot be read.
    """
    return {places.BUILT_IN: None, **places.found()}


def _text(name_or_path: object) -> str:
    """What a caller gave, if it is a name or a path."""
    with suppress(TypeError):
        text: object = os.fspath(name_or_path)  # type: ignore[call-overload]
        if isinstance(text, str):
            return text
    raise UsageError(f"a data set has a name or a path, not {reprlib.repr(name_or_path)}")


def _not_here(name: str) -> FewmultError:
    looked = ", ".join(str(root / name) for root in places.roots())
    return FewmultError(
        f"the files of {name} are not in {looked}; get them with `fewmult-hls data fetch {name}` "
        f"or `fewmult-hls data import {name} --from FOLDER`"
    )


def _unknown(text: str) -> UsageError:
    import difflib

    if "/" in text:
        return UsageError(f"there is no folder {text}")
    known = sorted({*available(), *PUBLISHED})
    close = difflib.get_close_matches(text.lower(), known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return UsageError(f"there is no data set '{text}' (known: {', '.join(known)}){hint}")
