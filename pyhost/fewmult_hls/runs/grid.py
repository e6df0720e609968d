# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Grids of settings: ``seed=1-5 rate=2,3`` is ten runs, each with a name that says which."""

from __future__ import annotations

import itertools
import math
import operator
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..system.errors import UsageError
from .config import OPTIONS
from .settings import Setting

MOST_RUNS = 1000  # Slurm's arrays have as many tasks, if nobody set another limit
_RANGE = re.compile(r"(-?\d{1,10})-(-?\d{1,10})", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,10}", re.ASCII)
_LONGEST_NAME = 100
_SWITCHES = {"true": True, "false": False}

Grid = dict[str, list[Any]]
"""Values by the names of options, none empty."""


def read_grid(words: Iterable[str]) -> Grid:
    """The grid that words such as ``seed=1-5`` name.

    Raises:
        UsageError: a setting that there is not, or is there twice, or values that it cannot have,
            or too many runs.
    """
    grid: Grid = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"{reprlib.repr(word)} is no NAME=VALUES, such as seed=1-5")
        row = _row(name)
        if row.option in grid:
            raise UsageError(f"{name} is there twice: give all its values at once")
        grid[row.option] = _values(row, text)
    return _checked(grid)


def as_grid(given: Mapping[str, Any]) -> Grid:
    """A grid from Python: each value a sequence, or a text as ``read_grid`` takes it.

    Raises:
        UsageError: see ``read_grid``.
    """
    grid: Grid = {}
    for name, values in given.items():
        row = _row(name)
        if not isinstance(values, str):
            if not isinstance(values, Iterable):
                raise UsageError(f"grid: {name} is {reprlib.repr(values)}: give a list of values")
            values = [_typed(row, one) for one in itertools.islice(values, MOST_RUNS + 1)]
        grid[row.option] = _values(row, values) if isinstance(values, str) else values
    return _checked(grid)


def points(grid: Grid) -> list[dict[str, Any]]:
    """The settings of each run, the last setting changing first."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def names_of(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of folders for runs, which say their settings where that can be."""
    names = [",".join(f"{name}={_plain(value)}" for name, value in run.items()) for run in runs]
    says = len({name.lower() for name in names}) == len(names)
    if says and all(0 < len(name) <= _LONGEST_NAME for name in names):
        return names
    return [f"run-{number}" for number in range(1, len(runs) + 1)]


def _plain(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text).strip("_")


def _row(name: str) -> Setting:
    known = {row.flag.removeprefix("--"): row for row in OPTIONS.values()}
    found = OPTIONS.get(name) or known.get(name)
    if found is None:
        raise UsageError(f"there is no setting {reprlib.repr(name)}: take {', '.join(known)}")
    return found


def _values(row: Setting, text: str) -> list[Any]:
    values: list[Any] = []
    for part in text.split(",") if text else []:
        values += _range(row, part) if row.kind is int else [_value(row, part)]
        _check_number(row.option, len(values))
    for value in values:
        row.check(value)
    return values


def _typed(row: Setting, value: Any) -> Any:
    """A value from Python as a config has it."""
    if row.kind is int and not isinstance(value, bool):
        with suppress(TypeError):
            value = operator.index(value)
    elif isinstance(value, Path):
        value = str(value)
    if type(value) is not row.kind:
        raise UsageError(f"grid: {row.option} is no {row.kind.__name__}: {reprlib.repr(value)}")
    row.check(value)
    return value


def _value(row: Setting, text: str) -> Any:
    if row.kind is not bool:
        return text
    if text not in _SWITCHES:
        raise UsageError(f"{row.option}={text} is neither true nor false")
    return _SWITCHES[text]


def _range(row: Setting, text: str) -> Sequence[int]:
    """A number, or all from one to another."""
    found = _RANGE.fullmatch(text)
    if found is not None:
        first, last = int(found[1]), int(found[2])
        if first > last:
            raise UsageError(f"{row.option}={text} ends before it begins: write {last}-{first}")
        return range(first, last + 1)
    if _INTEGER.fullmatch(text) is None:
        raise UsageError(
            f"{row.option}={reprlib.repr(text)} is no number and no range of them, such as 1-5"
        )
    return [int(text)]


def _checked(grid: Grid) -> Grid:
    if not grid:
        raise UsageError("a grid has at least one setting, such as seed=1-5")
    for name, values in grid.items():
        if not values:
            raise UsageError(f"{name} has no values in the grid: give some, such as {name}=1,2")
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise UsageError(f"{name} has {twice[0]} twice in the grid: once is enough")
    _check_number("the grid", math.prod(map(len, grid.values())))
    return grid


def _check_number(what: str, runs: int) -> None:
    if runs > MOST_RUNS:
        raise UsageError(f"{what} makes {runs:,} runs: at most {MOST_RUNS:,} go together")
