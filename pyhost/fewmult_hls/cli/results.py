# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How results are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..models.classifier import Classifier
    from ..models.trained import Trained


def error_text(error: float, images: int) -> str:
    """An error in per cent, and of how many images."""
    return f"{error:.2f} % ({error / 100 * images:.0f} of {images:,})"


def show_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Two columns: what it is, and its value."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:{width}}  {value}")


def show_table(table: Sequence[Sequence[str]]) -> None:
    """Aligned columns below a first row of headings; columns of numbers to the right."""
    columns = list(zip(*table, strict=True))
    widths = [max(map(len, column)) for column in columns]
    are_numbers = [all(cell[:1] in "-0123456789" for cell in cells[1:]) for cells in columns]
    for row in table:
        cells = zip(row, widths, are_numbers, strict=True)
        aligned = (
            cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells
        )
        click.echo("  ".join(aligned).rstrip())


def executor_text(info: dict[str, str]) -> str:
    """What of a backend's ``info`` matters for its speed, to follow its name."""
    if "overlay" in info:
        return f": {info['device']}, overlay {info['overlay']}, build {info['build_id']}"
    if "isa" not in info:
        return ""
    threads = "1 thread" if info["threads"] == "1" else f"{info['threads']} threads"
    if "threads_wanted" in info:
        threads += f" of {info['threads_wanted']}: the system starts no more"
    return f": {info['isa']}, {threads}"


def show_notes(notes: Sequence[str]) -> None:
    """Lines about what may not be meant; nothing was changed because of them."""
    for note in notes:
        click.echo(f"note: {note}", err=True)


def warn_without_checksum(model: Trained | Classifier, path: Path) -> None:
    """Says that a model is of a version that protected less of it."""
    if not model.has_checksum:
        click.echo(
            f"warning: {path} has no checksum, as an earlier version wrote it: its weights are "
            "checked, and means and names of classes are not",
            err=True,
        )
