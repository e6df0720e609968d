# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How results are written for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click


def error_text(error: float, images: int) -> str:
    """An error in per cent, and of how many images."""
    return f"{error:.2f} % ({error / 100 * images:.0f} of {images:,})"


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Two columns: what it is, and its value."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:{width}}  {value}")


def show_table(lines: Sequence[Sequence[str]]) -> None:
    """Aligned columns: numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(_aligned(line, widths)).rstrip())


def _aligned(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for cell, width in zip(line, widths, strict=True):
        yield cell.rjust(width) if cell.replace(".", "", 1).isdigit() else cell.ljust(width)


def executor_text(info: dict[str, str]) -> str:
    """What of a backend's ``info`` matters for its speed, to follow its name."""
    if "isa" not in info:
        return ""
    threads = "1 thread" if info["threads"] == "1" else f"{info['threads']} threads"
    return f": {info['isa']}, {threads}"
