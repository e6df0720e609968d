# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG: boxes, lines, dots and text, in colours that suit a light and a dark page."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

TEXT = 12  # size of what explains, in pixels
NAME = 13
LINE = 16  # from one line of text to the next
PAD = 10

# What a letter takes at most on the average, in parts of its size: fonts differ.
_LETTER = 0.56

# Colours by their role: on a light page, on a dark one.
_COLOURS = {
    "page": ("#ffffff", "#14181f"),
    "box": ("#f3f5f8", "#1f2630"),
    "edge": ("#c3cad5", "#465264"),
    "text": ("#1c2430", "#e6eaf0"),
    "quiet": ("#596577", "#a3aebd"),
    "state": ("#b4540a", "#f0a35e"),
    "value": ("#1f66c1", "#7db4f5"),
}


def letters(width: float, size: int = TEXT) -> int:
    """How many letters fit a width."""
    return int(width / (_LETTER * size))


def lines_of(text: str, width: float) -> list[str]:
    """A text, broken so that it fits a width."""
    return textwrap.wrap(text, letters(width))


@dataclass
class Drawing:
    """A picture that grows by what is drawn.

    Attributes:
        title: what it shows, for those who cannot see it.
        width: in pixels.
        height: in pixels.
    """

    title: str
    width: int
    height: int
    _parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, role: str = "box") -> None:
        """A rectangle with round corners; x and y are of its upper left one."""
        size = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._parts.append(f'<rect class="{role}" {size} rx="6"/>')

    def line(self, x: float, y: float, to_x: float, to_y: float, role: str) -> None:
        """A straight line."""
        ends = f'x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}"'
        self._parts.append(f'<line class="{role}" {ends}/>')

    def dot(self, x: float, y: float, role: str, radius: float = 5) -> None:
        """A filled circle."""
        self._parts.append(f'<circle class="{role}" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>')

    def text(self, x: float, y: float, text: str, role: str = "quiet", turn: int = 0) -> None:
        """A line of text; x and y are where it starts, on the line that letters stand on."""
        turned = f' transform="rotate({turn} {x:g} {y:g})"' if turn else ""
        self._parts.append(
            f'<text class="{role}" x="{x:g}" y="{y:g}"{turned}>{escape(text)}</text>'
        )

    def labelled(
        self, x: float, y: float, width: float, height: float, name: str, text: str
    ) -> None:
        """A box with a name and, below it, a text that is broken to fit."""
        self.box(x, y, width, height)
        self.text(x + PAD, y + PAD + NAME - 2, name, "name")
        for at, line in enumerate(lines_of(text, width - 2 * PAD)):
            self.text(x + PAD, y + PAD + NAME - 2 + (at + 1) * LINE, line)

    def svg(self) -> str:
        """The file."""
        size = f'width="{self.width}" height="{self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}'
        return "\n".join(
            [
                f'{head} viewBox="0 0 {self.width} {self.height}" role="img"',
                f"  aria-label={quoteattr(self.title)}>",
                f"<style>\n{_style()}</style>",
                f'<rect class="page" width="{self.width}" height="{self.height}" rx="8"/>',
                *self._parts,
                "</svg>\n",
            ]
        )


def height_of(text: str, width: float) -> int:
    """Of a labelled box of this width."""
    return 2 * PAD + NAME + len(lines_of(text, width - 2 * PAD)) * LINE


def _style() -> str:
    schemes = [
        " ".join(f"--{role}: {pair[at]};" for role, pair in _COLOURS.items()) for at in (0, 1)
    ]
    return f"""\
:root {{ {schemes[0]} }}
@media (prefers-color-scheme: dark) {{ :root {{ {schemes[1]} }} }}
text {{ font: {TEXT}px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--quiet); }}
.name {{ font-size: {NAME}px; font-weight: 600; fill: var(--text); }}
.page {{ fill: var(--page); }}
.box {{ fill: var(--box); stroke: var(--edge); }}
.frame {{ fill: none; stroke: var(--edge); }}
.faint {{ stroke: var(--edge); stroke-dasharray: 1 4; }}
.edge {{ stroke: var(--edge); }}
.state {{ stroke: var(--state); stroke-width: 3; }}
.value {{ stroke: var(--value); stroke-width: 3; }}
.reads {{ fill: var(--page); stroke: var(--text); stroke-width: 2; }}
.writes {{ fill: var(--text); stroke: var(--text); stroke-width: 2; }}
text.state {{ stroke: none; fill: var(--state); }}
text.value {{ stroke: none; fill: var(--value); }}
"""
