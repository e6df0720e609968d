# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Charts as PNGs, in a light and a dark rendering."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from .fonts import families

_DPI = 160
_HIGHEST = 60.0  # inches; an image has less than 2**16 rows


@dataclass(frozen=True)
class Theme:
    """Colours of a rendering.

    Attributes:
        name: empty for the light one, else the ending of its files' names.
        ground: behind everything.
        ink: text and axes.
        faint: grid and secondary text.
        series: of lines and bars, told apart by people of all kinds of sight.
    """

    name: str
    ground: str
    ink: str
    faint: str
    series: tuple[str, ...]

    @property
    def ramp(self) -> Colormap:
        """Colours from nothing to much."""
        return LinearSegmentedColormap.from_list("ramp", [self.ground, self.series[0]])

    @property
    def signed(self) -> Colormap:
        """Colours from minus through nothing to plus."""
        ends = (self.series[1], self.ground, self.series[0])
        return LinearSegmentedColormap.from_list("signed", ends)


LIGHT = Theme(
    name="",
    ground="#ffffff",
    ink="#1f2328",
    faint="#8b949e",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#7f4fc9", "#5f6770"),
)
DARK = Theme(
    name="-dark",
    ground="#0d1117",
    ink="#e6edf3",
    faint="#6e7681",
    series=("#58a6ff", "#ff9e64", "#3fb98f", "#e58fc0", "#e0c050", "#9ecbff", "#b392f0", "#9ba3ac"),
)

Draw = Callable[[Figure, Theme], None]


def render(
    draw: Draw, width: float, height: float, theme: Theme, names: Iterable[str] = ()
) -> bytes:
    """A chart as PNG; the same bytes for the same chart, whatever settings a user has.

    Width and height are in inches, and the height may become less. ``names`` are those that others
    chose and that stand in it, each through ``fonts.drawable``.
    """
    settings: Any = {  # by name, of whatever type
        "figure.facecolor": theme.ground,
        "axes.facecolor": theme.ground,
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "text.color": theme.ink,
        "xtick.color": theme.faint,
        "ytick.color": theme.faint,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "grid.color": theme.faint,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "axes.linewidth": 0.8,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "font.family": families(names),
        "text.parse_math": False,  # a dollar is a dollar
        "agg.path.chunksize": 10_000,  # a longer line does not fit into its memory
    }
    with warnings.catch_warnings(), style.context(settings, after_reset=True):
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(width, min(height, _HIGHEST)), dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, theme)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def plain(axes: Axes) -> None:
    """Leaves the two axes that are read, and a quiet grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y")


def bare(axes: Axes) -> None:
    """Leaves nothing but the picture."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
