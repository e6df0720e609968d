# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Sets in files of one's own: a table or an .npz file, or a folder with tables of parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ..system.errors import FewmultError
from ..system.files import reading
from . import array_files, tables
from .arrays import data_of
from .dataset import Dataset
from .wanted import Wanted

ENDINGS = (tables.ENDING, array_files.ENDING)
_PARTS = ("train", "test", "validation")


def is_own_file(path: Path) -> bool:
    """Whether a path is that of a table or of arrays, by its name."""
    return path.suffix.lower() in ENDINGS


def has_tables(folder: Path) -> bool:
    """Whether a folder has a table to learn from.

    Raises:
        FewmultError: it cannot be read.
    """
    path = _table(folder, "train")
    with reading(path):
        return path.is_file()


def read_own_file(path: Path, wanted: Wanted) -> Dataset:
    """The set in a table or an .npz file; see ``read_table`` and ``read_parts``.

    Raises:
        UsageError: it cannot be what is asked for.
        FewmultError: it cannot be read, is damaged, or holds no images and labels.
    """
    if path.suffix.lower() == array_files.ENDING:
        found = array_files.read_parts(path)
        data = data_of(path.stem, found.pairs, wanted, found.names)
        return replace(data, notes=(*found.notes, *data.notes))
    return _of_tables(path.stem, {"train": path}, wanted)


def read_tables(name: str, folder: Path, wanted: Wanted) -> Dataset:
    """The set in ``train.csv``, and ``test.csv`` and ``validation.csv`` where these are.

    Raises:
        UsageError: it cannot be what is asked for.
        FewmultError: a table cannot be read, or differs from the others.
    """
    paths = {}
    for part in _PARTS:
        path = _table(folder, part)
        with reading(path):
            if path.is_file():
                paths[part] = path
    return _of_tables(name, paths, wanted)


def _of_tables(name: str, paths: dict[str, Path], wanted: Wanted) -> Dataset:
    pairs: dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any] | None]] = {}
    notes: list[str] = []
    for part, path in paths.items():
        table = tables.read_table(path, wanted.label)
        if pairs and table.values.shape[1] != pairs["train"][0].shape[1]:
            raise FewmultError(
                f"{path} has {table.values.shape[1]} columns of values and {paths['train']} "
                f"{pairs['train'][0].shape[1]}: give both the same"
            )
        pairs[part] = (table.values, table.labels)
        notes += table.notes
    data = data_of(name, pairs, wanted)
    return replace(data, notes=(*notes, *data.notes))


def _table(folder: Path, part: str) -> Path:
    return folder / f"{part}{tables.ENDING}"
