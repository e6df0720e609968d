# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Tables in .csv files: a line an image or an example, a column a value, one of them its label."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.limits import MAX_WIDTH
from ..system import memory
from ..system.errors import FewmultError, UsageError
from ..system.files import open_regular

ENDING = ".csv"

_LABELS = ("label", "labels", "class", "target", "y")
"""Names that a column of labels goes by."""
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 1 << 10
_CHUNK = 1 << 10  # lines that become an array together
_BYTES = 12  # of memory for a byte of the file: 0, becomes a float64, twice, and a byte


@dataclass(frozen=True)
class Table:
    """The values of a table, and its labels if it has some.

    Attributes:
        values: float64, (N, columns).
        labels: numbers or texts, (N,); None where no column has them.
        notes: what was left out, in lines.
    """

    values: npt.NDArray[np.float64]
    labels: npt.NDArray[Any] | None
    notes: tuple[str, ...] = ()


def read_table(path: Path, label: str = "", *, needs_label: bool = True) -> Table:
    """Reads a table and checks that it is one.

    The first line names the columns if none of its cells is a number, or one is a name that labels
    go by. A column without a name is left out: tools write line numbers there.

    Args:
        path: of a text in UTF-8, set apart by commas, semicolons or tabs.
        label: name or number, from 1, of the column with labels. By default the one that is named
            label, labels, class, target or y, or else the only one whose cells are no numbers.
        needs_label: whether one must be found.

    Raises:
        UsageError: the column with labels is not there, or cannot be told.
        FewmultError: the file cannot be read, or is no table of numbers, or too large.
    """
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        memory.check(str(path), _BYTES * size, "give its lines in parts")
        with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            return _Reader(path, label, needs_label).read(text)


class _Reader:
    def __init__(self, path: Path, label: str, needs_label: bool) -> None:
        self._path, self._asked, self._needs_label = path, label, needs_label

    def read(self, text: io.TextIOWrapper) -> Table:
        lines = self._lines(text)
        first = next(lines, None)
        second = next(lines, None) if first else None
        if first is None or second is None:
            raise FewmultError(f"{self._path} has no lines of values: give a larger table")
        (_, names), (_, example) = first, second
        has_header = self._is_header(names)
        unnamed = [k for k, name in enumerate(names) if has_header and not name.strip()]
        label = self._label(names if has_header else [], example, unnamed)
        chosen = [k for k in range(len(names)) if k not in (label, *unnamed)]
        if not 0 < len(chosen) <= MAX_WIDTH:
            raise FewmultError(
                f"{self._path} has {len(chosen)} columns of values: there must be 1 to "
                f"{MAX_WIDTH:,}"
            )
        rows = [second] if has_header else [first, second]
        values, labels = self._columns(_chain(rows, lines), len(names), chosen, label)
        notes = [
            f"column {k + 1} of {self._path} has no name, as line numbers have, and was left out"
            for k in unnamed
        ]
        return Table(values, labels, tuple(notes))

    def _lines(self, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
        """The cells of each line that has some, with its number from 1."""
        try:
            begin = text.readline(MAX_WIDTH * _LONGEST_CELL)
            delimiter = max(_DELIMITERS, key=begin.count)
            text.seek(0)
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except (csv.Error, UnicodeDecodeError) as error:
            raise FewmultError(
                f"{self._path} is no table in UTF-8 ({error}): save it as CSV again"
            ) from error

    def _is_header(self, cells: Sequence[str]) -> bool:
        names = [cell.strip().lower() for cell in cells]
        if any(name in _LABELS for name in names) or (self._asked and self._asked in cells):
            return True
        return not any(_number(cell) is not None for cell in cells)

    def _label(self, names: list[str], example: list[str], unnamed: list[int]) -> int | None:
        """The column with labels."""
        if self._asked:
            if self._asked in names:
                return names.index(self._asked)
            if self._asked.isdecimal() and 0 < int(self._asked[:9]) <= len(example):
                return int(self._asked) - 1
            known = ", ".join(names[:20]) or f"1 to {len(example)}"
            raise UsageError(
                f"{self._path} has no column '{self._asked}' for labels: its columns are {known}"
            )
        named = [k for k, name in enumerate(names) if name.strip().lower() in _LABELS]
        texts = [k for k, cell in enumerate(example) if k not in unnamed and _number(cell) is None]
        for found in (named, texts):
            if len(found) == 1:
                return found[0]
        if not self._needs_label and not texts:
            return None
        raise UsageError(
            f"{self._path} does not say which column has the labels: add --label with its name "
            "or number"
        )

    def _columns(
        self,
        lines: Iterator[tuple[int, list[str]]],
        width: int,
        chosen: list[int],
        label: int | None,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any] | None]:
        labels: list[str] = []
        parts, rows = [], []
        for number, cells in lines:
            if len(cells) != width:
                raise FewmultError(
                    f"{self._path}: line {number} has {len(cells)} columns and the first has "
                    f"{width}: correct it"
                )
            rows.append(self._row(number, cells, chosen))
            if label is not None:
                labels.append(cells[label].strip())
            if len(rows) == _CHUNK:
                parts.append(np.array(rows))
                rows.clear()
        values = np.concatenate([*parts, np.array(rows).reshape(len(rows), len(chosen))])
        return values, _labels(labels) if label is not None else None

    def _row(self, number: int, cells: list[str], chosen: list[int]) -> npt.NDArray[np.float64]:
        try:
            return np.array([float(cells[k]) for k in chosen])
        except ValueError:
            k = next(k for k in chosen if _number(cells[k]) is None)
            shown = cells[k][:20]
            raise FewmultError(
                f"{self._path}: line {number} has {shown!r} in column {k + 1}, which is no "
                "number: correct it, or leave the column out"
            ) from None


def _chain(
    rows: list[tuple[int, list[str]]], lines: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    yield from rows
    yield from lines


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _labels(cells: list[str]) -> npt.NDArray[Any]:
    """Numbers if all labels are such, else texts."""
    numbers = [_number(cell) for cell in cells]
    return np.array(cells if None in numbers else numbers)
