# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays in .npz files, compressed or not: images and labels by the names that people give them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy.typing as npt

from ..system import memory
from ..system.archive import read_array
from ..system.errors import FewmultError, library_faults
from ..system.files import open_regular

ENDING = ".npz"

_PARTS = {
    "train": "train",
    "test": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
_ROLES = {
    **dict.fromkeys(("x", "image", "images", "data", "pixels", "features"), "images"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets"), "labels"),
}
_NAMES = "class_names"
_ENCRYPTED = 1  # a member's flag


class Parts(NamedTuple):
    """What a file has.

    Attributes:
        pairs: images and labels, ``train`` and others by name.
        names: of the classes, if there are such.
        notes: which arrays were left out, in a line.
    """

    pairs: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_parts(path: Path) -> Parts:
    """Images and labels in a file that ``numpy.savez`` or ``savez_compressed`` wrote.

    Their names are of a role, x, images, data, pixels or features, and y, labels or targets, and
    of a part, train, test, val or validation, in any order, as x_train or train_images; without
    parts, all is split. ``class_names`` may be there as well.

    Raises:
        FewmultError: the file cannot be read or is damaged, an array is missing, or the memory
            does not hold them.
    """
    with open_regular(path) as file, _opened(path, file) as archive:
        places, others = _places(archive)
        given = sorted({part for part, _ in places})
        for part in given or ["train"]:
            lacks = [role for role in ("images", "labels") if (part, role) not in places]
            if lacks or "train" not in (given or ["train"]):
                has = ", ".join(_members(archive)) or "nothing"
                raise FewmultError(
                    f"{path} has {has}: name its arrays images and labels, or x_train, y_train, "
                    "x_test and y_test"
                )
        wanted = [*places.values(), *others.keys() & {_NAMES}]
        needed = sum(archive.getinfo(f"{name}.npy").file_size for name in wanted)
        memory.check(str(path), 2 * needed, "give fewer images")
        pairs = {
            part: (
                _read(path, archive, places[part, "images"]),
                _read(path, archive, places[part, "labels"]),
            )
            for part in given
        }
        names = _read(path, archive, _NAMES) if _NAMES in others else None
        if names is not None and (names.dtype.kind != "U" or names.ndim != 1):
            raise FewmultError(f"{path}: {_NAMES} is no row of texts: correct it, or leave it out")
        unused = sorted(others.keys() - {_NAMES})
        notes = (
            f"arrays of {path} that are no images or labels were left out: {', '.join(unused)}",
        )
        return Parts(pairs, () if names is None else tuple(names.tolist()), notes if unused else ())


def _places(archive: zipfile.ZipFile) -> tuple[dict[tuple[str, str], str], dict[str, None]]:
    """Arrays by part and role, and those that have none."""
    found: dict[tuple[str, str], str] = {}
    others: dict[str, None] = {}
    for name in _members(archive):
        words = re.findall(r"[a-z]+", name.lower())
        parts = [_PARTS[word] for word in words if word in _PARTS]
        roles = [_ROLES[word] for word in words if word in _ROLES]
        is_plain = len(roles) == 1 and len(parts) <= 1 and len(roles) + len(parts) == len(words)
        place = ((parts or ["train"])[0], roles[0]) if is_plain else None
        if place is None or place in found:
            others[name] = None
        else:
            found[place] = name
    return found, others


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = archive.namelist()
    return [name[: -len(".npy")] for name in names if name.endswith(".npy")]


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """An array, of which no more is unpacked than the archive said that it has."""
    member = archive.getinfo(f"{name}.npy")
    with _faults(path):
        if member.flag_bits & _ENCRYPTED:
            raise ValueError(f"{name} is encrypted")
        content = archive.read(member)
        if len(content) != member.file_size:
            raise ValueError(f"{name} has {len(content):,} bytes, not {member.file_size:,}")
        return read_array(name, content)


@contextmanager
def _opened(path: Path, file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    with _faults(path):
        archive = zipfile.ZipFile(file)
    if len(set(archive.namelist())) != len(archive.namelist()):
        raise FewmultError(f"{path} has two arrays of one name: save it again")
    with archive:
        yield archive


def _faults(path: Path) -> Any:
    return library_faults(
        lambda reason: FewmultError(
            f"{path} is damaged, or no .npz file of numbers and texts ({reason}): save it again"
        )
    )
