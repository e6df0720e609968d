# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The page: what is known of the runs, laid out by the template, every picture inside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import __version__
from ..runs.table import Table
from .drawing import DARK, LIGHT
from .records import Record
from .text import printable, shortened

# Heading, key in summary.json, how it is written.
_COLUMNS = (
    ("best epoch", "best_epoch", "{}"),
    ("validation, %", "validation_error", "{:.2f}"),
    ("test, %", "test_error", "{:.2f}"),
    ("ternary, %", "test_error_ternary", "{:.2f}"),
    ("binary, %", "test_error_binary", "{:.2f}"),
    ("8-bit, %", "test_error_8_bit", "{:.2f}"),
    ("mult. / step", "multiplications_per_step", "{:,}"),
    ("seconds", "seconds", "{:,.0f}"),
    ("fingerprint", "fingerprint", "{:.12}"),
)
_LONGEST = 60  # characters of a name or a net in a heading and in the table


@dataclass(frozen=True)
class Picture:
    """A chart, as both of its files.

    Attributes:
        name: of its files, without the ending.
        title: above it.
        text: what it shows, also for those who cannot see it.
        light: PNG.
        dark: PNG.
    """

    name: str
    title: str
    text: str
    light: bytes
    dark: bytes

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the picture, by name."""
        return {
            f"{self.name}{LIGHT.name}.png": self.light,
            f"{self.name}{DARK.name}.png": self.dark,
        }

    @property
    def uris(self) -> tuple[str, str]:
        """Both as part of a page."""
        start = "data:image/png;base64,"
        light, dark = (base64.b64encode(png).decode() for png in (self.light, self.dark))
        return start + light, start + dark


@dataclass
class Section:
    """What is shown of one run."""

    record: Record
    pictures: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """What several runs came to.

    Attributes:
        table: of rows that differ in more than their seeds.
        csv: a line a run.
    """

    table: Table
    csv: bytes

    @property
    def uri(self) -> str:
        """The lines as part of a page."""
        return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(self.csv).decode()}"


def html(sections: Sequence[Section], curves: Picture | None, summary: Summary | None) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("fewmult_hls.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    records = [section.record for section in sections]
    nets = list(dict.fromkeys(record.config.net for record in records))
    return environment.get_template("page.html.jinja").render(
        title=shortened(nets[0], _LONGEST) if len(nets) == 1 else f"{len(records)} runs",
        sections=sections,
        curves=curves,
        summary=summary,
        table=_table(records),
        version=__version__,
    )


def _finalized(value: object) -> object:
    """Every text of the page passes here; what is Markup has passed."""
    return printable(value) if type(value) is str else value


def _table(records: Sequence[Record]) -> list[list[str]]:
    """Headings, and a row for each run; columns that no run fills are left out."""
    shown = [column for column in _COLUMNS if any(column[1] in (r.summary or {}) for r in records)]
    head = ["run", "method", "net", "epochs", "seed", *(heading for heading, _, _ in shown)]
    return [head, *(_row(record, shown) for record in records)]


def _row(record: Record, columns: Sequence[tuple[str, str, str]]) -> list[str]:
    config, found = record.config, record.summary or {}
    label, net = (shortened(text, _LONGEST) for text in (record.label, config.net))
    done = len(record.epochs)
    epochs = str(done) if done == config.epochs else f"{done} of {config.epochs}"
    cells: list[Any] = [label, config.method, net, epochs, config.seed]
    for _, key, form in columns:
        cells.append(form.format(found[key]) if key in found else "\N{EN DASH}")
    return [str(cell) for cell in cells]
