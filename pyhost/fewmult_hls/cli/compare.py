# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls compare``."""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import NamedPath, examples


@click.command(epilog=examples("fewmult-hls compare runs/emu runs/board"))
@click.argument("one", metavar="DIR", type=NamedPath())
@click.argument("other", metavar="DIR", type=NamedPath())
def compare(one: Path, other: Path) -> None:
    """Say whether two runs have the same bits, and if not, where they part.

    Exits with 0 if they have, with 1 if not.
    """
    from ..runs.comparison import compare_runs

    result = compare_runs(one, other)
    for line in result.lines:
        click.echo(line)
    if not result.same:
        raise click.exceptions.Exit(1)
