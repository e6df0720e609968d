# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The formats that sets come in as files of known names, told by these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import cifar, folder, svhn
from .dataset import Dataset


def _as_it_is(name: str, _: Path) -> str:
    return name


@dataclass(frozen=True)
class Format:
    """How sets of a format are found and read.

    Attributes:
        holds: whether a place, a folder or an archive, has some of its files.
        find_files: them by their names; raises a ``FewmultError`` if some are missing.
        read: the set: what it is called, its place, and how many classes it has, if that is known.
        names: that files of a stored set may have.
        stored_name: that a file has once it is stored, by its name and path.
    """

    holds: Callable[[Path], bool]
    find_files: Callable[[Path], dict[str, Path]]
    read: Callable[[str, Path, int | None], Dataset]
    names: frozenset[str]
    stored_name: Callable[[str, Path], str] = _as_it_is


IDX = Format(
    folder.holds_set,
    folder.find_files,
    folder.read_folder,
    folder.file_names(),
    folder.stored_name,
)
_CIFAR = Format(
    cifar.holds_set,
    cifar.find_files,
    lambda name, place, _: cifar.read_set(name, place),
    cifar.file_names(),
)
_SVHN = Format(
    svhn.holds_set,
    svhn.find_files,
    lambda name, place, _: svhn.read_set(name, place),
    svhn.file_names(),
)

FORMATS = (IDX, _CIFAR, _SVHN)
"""All of them, in the order in which they are looked for."""


def format_of(place: Path) -> Format | None:
    """The format of the files in a folder, or of an archive; None where there are none.

    Raises:
        FewmultError: the folder cannot be read.
    """
    return next((form for form in FORMATS if form.holds(place)), None)
