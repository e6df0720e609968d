# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Many runs as a table: those that differ by their seeds alone are one row, a mean and a spread.

Rows are compared on validation data. Test errors are shown of the row that validation chose, and of
no other: whoever picks the best of many test errors has learned from the test data.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..system.errors import UsageError
from ..system.files import read_file, write_atomic, writing
from .config import SETTINGS
from .record import RunRecord, read_run
from .sweep import expanded

_RESULTS = ("epochs_trained", "best_epoch", "validation_error")
_ENDS = ("multiplications_per_step", "seconds", "fingerprint", "best_fingerprint")
_HEAD = b"run,"
_MOST_CSV = 1 << 24
_ASIDE = ("seed", "checkpoint_every")


@dataclass(frozen=True)
class Spread:
    """Numbers of several runs.

    Attributes:
        mean: of them.
        deviation: their standard deviation, of a sample; None of one alone.
    """

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """The mean and the deviation of at least one number."""
        several = len(numbers) > 1
        return cls(statistics.fmean(numbers), statistics.stdev(numbers) if several else None)

    def __str__(self) -> str:
        more = "" if self.deviation is None else f" \N{PLUS-MINUS SIGN} {self.deviation:.2f}"
        return f"{self.mean:.2f}{more}"


@dataclass(frozen=True)
class Row:
    """Runs that differ by their seeds alone.

    Attributes:
        settings: in which the rows of a table differ.
        runs: of the row, finished or not.
    """

    settings: dict[str, Any]
    runs: list[RunRecord]

    @property
    def summaries(self) -> list[dict[str, Any]]:
        """The summaries of the runs that are finished."""
        return [run.summary for run in self.runs if run.summary is not None]

    def spread(self, name: str) -> Spread | None:
        """What a number is in all summaries; None where it is in none."""
        numbers = [summary[name] for summary in self.summaries if name in summary]
        return Spread.of(numbers) if numbers else None

    @property
    def tests(self) -> dict[str, Spread]:
        """Test errors in per cent by the kind of weights."""
        kinds = self.runs[0].config.spec.precisions
        names = [f"test_error_{kind.replace('-', '_')}" for kind in kinds]
        found = {
            kind: self.spread("test_error" if kind == kinds[0] else name)
            for kind, name in zip(kinds, names, strict=True)
        }
        return {kind: spread for kind, spread in found.items() if spread is not None}


@dataclass(frozen=True)
class Table:
    """Runs by what they differ in.

    Attributes:
        varied: settings in which they do, other than the seed.
        rows: in the order of their first runs.
    """

    varied: list[str]
    rows: list[Row]

    @property
    def chosen(self) -> Row | None:
        """The row with the lowest mean validation error, the first of several; None without any."""
        found = [(row.spread("validation_error"), row) for row in self.rows]
        there = [(spread.mean, row) for spread, row in found if spread is not None]
        return min(there, key=lambda pair: pair[0])[1] if there else None

    @property
    def cells(self) -> list[list[str]]:
        """Headings and rows, for people."""
        head = [*map(_option, self.varied), "runs", "validation, %"]
        return [head, *(self._cells(row) for row in self.rows)]

    @property
    def choice(self) -> list[str]:
        """What validation chose, and its test errors, for people."""
        row = self.chosen
        if row is None:
            return []
        said = ", ".join(f"{_option(name)}={_text(value)}" for name, value in row.settings.items())
        lines = [f"chosen by validation: {said}"] if len(self.rows) > 1 else []
        tests = ", ".join(f"{spread} ({kind} weights)" for kind, spread in row.tests.items())
        return [*lines, f"test error, %: {tests}"]

    def _cells(self, row: Row) -> list[str]:
        there, done = len(row.runs), len(row.summaries)
        count = str(there) if done == there else f"{done} of {there}"
        error = row.spread("validation_error")
        settings = [_text(row.settings[name]) for name in self.varied]
        return [*settings, count, "-" if error is None else str(error)]


def table_of(runs: Sequence[RunRecord]) -> Table:
    """The table of some runs."""
    configs = [asdict(run.config) for run in runs]
    shown = [name for name, row in SETTINGS.items() if not row.recorded and name not in _ASIDE]
    varied = [name for name in shown if len({config[name] for config in configs}) > 1]
    rows: dict[tuple[Any, ...], Row] = {}
    for run, config in zip(runs, configs, strict=True):
        settings = {name: config[name] for name in varied}
        key = tuple(settings.values())
        rows.setdefault(key, Row(settings, [])).runs.append(run)
    return Table(varied, list(rows.values()))


def read_table(folders: Sequence[Path]) -> Table:
    """The table of the runs in folders, those of sweeps expanded.

    Raises:
        UsageError: a folder holds no run.
        FewmultError: its files are damaged.
    """
    return table_of([read_run(folder) for folder in expanded(folders)])


def csv_text(table: Table, name_of: Callable[[Any], str] = lambda run: str(run.folder)) -> str:
    """A line a run: its name, what they differ in, and what they came to."""
    runs = [(row, run) for row in table.rows for run in row.runs]
    keys = {key for _, run in runs for key in run.summary or {}}
    tests = sorted(key for key in keys if key.startswith("test_error"))
    results = [*_RESULTS, *tests, *(key for key in _ENDS if key in keys)]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["run", *map(_option, table.varied), "seed", "finished", *results])
    for row, run in runs:
        found = run.summary or {}
        settings = [_text(row.settings[name]) for name in table.varied]
        done = _text(run.summary is not None)
        numbers = [found.get(key, "") for key in results]
        writer.writerow([_cell(name_of(run)), *settings, run.config.seed, done, *numbers])
    return file.getvalue()


def write_csv(path: Path, table: Table) -> None:
    """Writes ``csv_text``; another table of ours may be there.

    Raises:
        UsageError: another file is.
        FewmultError: it cannot be written.
    """
    with writing(path):
        there = path.is_symlink() or path.exists()
    if there and (path.is_symlink() or not read_file(path, _MOST_CSV).startswith(_HEAD)):
        raise UsageError(f"{path} is no table of runs: move it away, or name another file")
    write_atomic(path, csv_text(table).encode(errors="backslashreplace"))


def _option(name: str) -> str:
    return SETTINGS[name].flag.removeprefix("--")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _cell(str(value)) or "-"


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "@", "\t") else text
