# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: ``load`` one by its name or from a folder, or make one ``from_arrays``."""

from __future__ import annotations

import os
import reprlib
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from ..system.errors import FewmultError, UsageError
from ..system.files import reading, resolved
from ..system.given import checked
from . import formats, places
from .arrays import from_arrays
from .class_folders import has_class_folders, read_class_folders
from .dataset import Dataset, Split
from .own_files import has_tables, is_own_file, read_own_file, read_tables
from .preprocessing import as_size
from .published import PUBLISHED, known_classes
from .wanted import Wanted, adapted

__all__ = ["Dataset", "Split", "available", "from_arrays", "load", "locate"]


class _Options(TypedDict):
    gray: bool
    scale: str
    label: str


def load(
    name_or_path: str | os.PathLike[str],
    *,
    gray: bool = False,
    resize: str | tuple[int, int] = "",
    scale: str = "",
    label: str = "",
) -> Dataset:
    """Load a data set.

    Args:
        name_or_path: ``digits``, the name of a set that was fetched or imported, a table (.csv) or
            arrays (.npz) in a file, or a folder with the four IDX files, the batches of CIFAR-10,
            the MAT-files of SVHN, tables or a folder of images for each class. A name is looked
            for before a folder of that name.
        gray: colours become grey.
        resize: rows and columns, as 32x32 or a pair: the largest middle part of images that has
            these proportions is scaled to them.
        scale: how numbers become grey values 0 to 255; see ``from_arrays``.
        label: the column of a table that has the labels, by its name or its number from 1.

    Raises:
        UsageError: there is neither such a set nor such a folder.
        FewmultError: the set is not on this machine, or its files are damaged or do not fit
            each other.
    """
    options = checked(_Options, gray=gray, scale=scale, label=label)
    return load_wanted(name_or_path, Wanted(resize=as_size(resize), **options))


def load_wanted(name_or_path: str | os.PathLike[str], wanted: Wanted) -> Dataset:
    """A data set as it is asked for; see ``load``."""
    name = _text(name_or_path)
    folder = locate(name)
    if folder is None:
        from . import digits

        return adapted(digits.load(), wanted)
    if folder.is_file():
        return read_own_file(folder, wanted)
    shown, form = resolved(folder).name, formats.format_of(folder)
    if form is None and has_tables(folder):
        return read_tables(shown, folder, wanted)
    if form is None and has_class_folders(folder):
        return read_class_folders(shown, folder, wanted)
    if form is None and not any(folder.iterdir()):
        raise FewmultError(
            f"{folder} is empty: a data set has a folder of images for each class, or tables, or "
            "the files of a published set"
        )
    return adapted((form or formats.IDX).read(shown, folder, known_classes(name)), wanted)


def locate(name_or_path: str | os.PathLike[str]) -> Path | None:
    """The folder or file ``load`` reads from; None for the built-in set.

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
            if name and (folder.is_dir() or (is_own_file(folder) and folder.is_file())):
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
        what = "file" if is_own_file(Path(text)) else "folder"
        return UsageError(f"there is no {what} {text}")
    known = sorted({*available(), *PUBLISHED})
    close = difflib.get_close_matches(text.lower(), known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return UsageError(f"there is no data set '{text}' (known: {', '.join(known)}){hint}")
