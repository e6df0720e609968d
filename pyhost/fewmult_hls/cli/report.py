# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls report``."""

from __future__ import annotations

from pathlib import Path

import click

from ..system.errors import FewmultError
from .arguments import BACKEND, NamedPath, examples, flag, path


@click.command(
    epilog=examples(
        "fewmult-hls report runs/digits",
        "fewmult-hls report runs/paper-1 runs/paper-2 runs/paper-3 --out paper",
        "fewmult-hls report runs/sweep",
    )
)
@click.argument("runs", metavar="DIR..", type=NamedPath(), nargs=-1, required=True)
@path("out", "DIR", "Where the report goes.", says="the folder report in the first run's")
@flag("overwrite", "Replace the report that is there.")
@BACKEND
def report(runs: tuple[Path, ...], out: Path | None, overwrite: bool, backend: str) -> None:
    """Show runs in one HTML file: curves, weights, codes, filters, confusions, commands.

    DIR is the folder of a run, finished or not, or of a sweep, whose runs are shown. The file needs
    no network; the pictures lie beside it as PNGs, too. Of several runs there are a table with
    means and spreads, and a CSV file with a line a run.
    """
    try:
        from ..report.writing import write_report
        from ..runs.sweep import expanded
    except ModuleNotFoundError as error:
        raise FewmultError(
            f"a report needs {error.name}: pip install 'fewmult-hls[report]'"
        ) from error
    except ValueError as error:
        raise FewmultError(
            f"matplotlib does not start: look at its matplotlibrc ({error})"
        ) from error
    place = out or runs[0] / "report"
    page = write_report(expanded(runs), place, backend=backend, overwrite=overwrite)
    click.echo(f"written to {page}")
