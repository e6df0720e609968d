# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .arguments import NamedPath, examples, path
from .results import show_table

if TYPE_CHECKING:
    from ..runs.table import Table


@click.command(
    epilog=examples(
        "fewmult-hls compare runs/emu runs/board",
        "fewmult-hls compare runs/sweep --csv sweep.csv",
    )
)
@click.argument("runs", metavar="DIR..", type=NamedPath(), nargs=-1, required=True)
@path("csv", "FILE", "Write a line a run, with all that they came to; shows the table of two, too.")
def compare(runs: tuple[Path, ...], csv: Path | None) -> None:
    """Say whether two runs have the same bits, and if not, where they part; or tabulate many.

    Of two, exits with 0 if they have, with 1 if not. More, and the runs in the folder of a sweep,
    make a table: runs that differ by their seeds alone are a row, with the mean of their validation
    errors and its spread, the standard deviation. Test errors are those of the row that is best.
    """
    from ..runs.sweep import expanded

    folders = expanded(runs)
    if len(runs) == len(folders) == 2 and csv is None:
        _compare_two(*folders)
        return
    from ..runs.table import read_table, write_csv

    table = read_table(folders)
    show_table_of(table)
    if csv is not None:
        write_csv(csv, table)
        click.echo(f"written to {csv}")


def _compare_two(one: Path, other: Path) -> None:
    from ..runs.comparison import compare_runs

    result = compare_runs(one, other)
    for line in result.lines:
        click.echo(line)
    if not result.same:
        raise click.exceptions.Exit(1)


def show_table_of(table: Table) -> None:
    """Rows, and what validation chose of them."""
    show_table(table.cells)
    for line in table.choice:
        click.echo(line)
