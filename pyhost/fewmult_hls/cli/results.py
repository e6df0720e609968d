# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How results are written for people."""

from __future__ import annotations

from collections.abc import Sequence

import click


def error_text(error: float, images: int) -> str:
    """An error in per cent, and of how many images."""
    return f"{error:.2f} % ({error / 100 * images:.0f} of {images:,})"


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Two columns: what it is, and its value."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:{width}}  {value}")


def show_table(table: Sequence[Sequence[str]]) -> None:
    """Rows of as many cells, the first of each to the left, and an empty line."""
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    for row in table:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        click.echo("  ".join(cells).rstrip())
    click.echo()


def executor_text(info: dict[str, str]) -> str:
    """What of a backend's ``info`` matters for its speed, to follow its name."""
    if "isa" not in info:
        return ""
    threads = "1 thread" if info["threads"] == "1" else f"{info['threads']} threads"
    return f": {info['isa']}, {threads}"
