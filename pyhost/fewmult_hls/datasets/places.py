# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Names of data sets and the folders they are looked for in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..system.errors import UsageError
from ..system.files import reading
from ..system.replacing import bring_all_back, bring_back
from . import formats

BUILT_IN = "digits"
IN_MEMORY = "(in memory)"
"""What a run's config calls data that no file holds; no set can have this name."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of a set: small letters, digits, ``-`` and ``_``."""
    return _NAME.fullmatch(text) is not None


def check_new_name(name: str) -> None:
    """Refuse a name no set can be stored under.

    Raises:
        UsageError: the name is taken by the built-in set or is no name.
    """
    if name == BUILT_IN:
        raise UsageError(f"'{BUILT_IN}' is built in; choose another name")
    if not is_name(name):
        raise UsageError(
            f"'{name}' cannot name a data set; use small letters, digits, '-' and '_', "
            "beginning with a letter or a digit"
        )


def from_home(path: str | Path) -> Path:
    """The path with the home folder that it begins with, if that is known."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (that of Path fails for unknown users)


def data_folder() -> Path:
    """The user's data folder, where sets are fetched and imported: ``$FEWMULT_CACHE`` if set.

    Raises:
        UsageError: there is none.
    """
    given = _given("FEWMULT_CACHE")
    if given is not None:
        return given
    import pooch  # type: ignore[import-untyped]

    with suppress(RuntimeError):  # of some releases, where others leave the ~
        folder = from_home(pooch.os_cache("fewmult-hls"))
        if folder.is_absolute():
            return folder
    raise UsageError("you have no home folder: name one for data in FEWMULT_CACHE")


def roots() -> Iterator[Path]:
    """The folders searched for sets, first one first: ``$FEWMULT_DATA``, the data folder.

    Raises:
        UsageError: one cannot be.
    """
    given = _given("FEWMULT_DATA")
    if given is not None:
        yield given
    yield data_folder()


def _given(variable: str) -> Path | None:
    """The folder that a variable names, which no shell need have looked at."""
    value = os.environ.get(variable, "")
    if not value.strip():
        return None
    folder = from_home(value)
    if str(folder).startswith("~"):
        raise UsageError(f"{variable} is {value}, and there is no such home folder")
    return folder


def find(name: str) -> Path | None:
    """The first folder with files of the set ``name``.

    Raises:
        FewmultError: a folder cannot be read.
    """
    for root in roots():
        bring_back(root / name)
        if formats.format_of(root / name):
            return root / name
    return None


def found() -> dict[str, Path]:
    """All sets there are files of, except the built-in one, by name.

    Raises:
        FewmultError: a folder cannot be read.
    """
    sets: dict[str, Path] = {}
    for root in roots():
        bring_all_back(root)
        for folder in _folders(root):
            if folder.name != BUILT_IN and is_name(folder.name) and formats.format_of(folder):
                sets.setdefault(folder.name, folder)
    return dict(sorted(sets.items()))


def _folders(root: Path) -> list[Path]:
    with reading(root):
        return [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
