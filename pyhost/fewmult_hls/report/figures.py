# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The charts of a report. Each function draws one into a figure, in the colours of a theme."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .answers import Answers
from .codes import Codes
from .drawing import Theme, bare, plain
from .fonts import drawable
from .records import Record

FILTERS = (6, 16)  # rows and columns of the picture of the first layer
MISTAKES = (3, 10)
COLUMNS = 4  # charts of layers in a row
NAMED_RUNS = 16  # in the legend
_ENDS = 8  # layers of the beginning and of the end of a very deep net
# Characters of a name: in the legend, beside the matrix of confusions, in the width of its cell,
# above a mistake.
_LEGEND, _CLASS, _LEVEL, _ABOVE = 40, 24, 6, 12
_BINS = 104
_THRESHOLDS = {"ternary": (-0.5, 0.5), "binary": (0.0,)}
_LARGEST_CODE = 7
_SUPERSCRIPTS = "\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077"  # 1 to 7
_NAMED_CLASSES = 20  # up to so many, cells of the confusion matrix show their counts


def curves(records: Sequence[Record], figure: Figure, theme: Theme) -> None:
    """Validation error and hinge by epoch, all runs together."""
    left, right = figure.subplots(1, 2)
    for name, axes, title in (
        ("validation_error", left, "validation error, %"),
        ("hinge", right, "hinge of a training image"),
    ):
        for k, record in enumerate(records):
            x = [epoch.epoch for epoch in record.epochs]
            y = [getattr(epoch, name) for epoch in record.epochs]
            axes.plot(x, y, **_line(k, theme))
            if name == "validation_error" and record.summary is not None and x:
                best = record.summary["best_epoch"]
                axes.plot(best, y[best - 1], "o", color=_line(k, theme)["color"], ms=4)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _log_scale(axes)
        plain(axes)
    _legend(left, [record.label for record in records], theme)


def _legend(axes: Axes, labels: Sequence[str], theme: Theme) -> None:
    """Names the runs, or the first of many; it does not look for the best place, which takes long.

    Texts are set afterwards: a legend leaves out what begins with an underscore.
    """
    lines = [Line2D([], [], **_line(k, theme)) for k in range(min(len(labels), NAMED_RUNS))]
    texts = [drawable(label, _LEGEND) for label in labels[:NAMED_RUNS]]
    if len(labels) > NAMED_RUNS:
        lines.append(Line2D([], [], linestyle=""))
        texts.append(f"and {len(labels) - NAMED_RUNS} more")
    legend = axes.legend(lines, ["run"] * len(lines), frameon=False, loc="upper right")
    for shown, text in zip(legend.get_texts(), texts, strict=True):
        shown.set_text(text)


def _line(k: int, theme: Theme) -> dict[str, Any]:
    """Colour, and beyond the colours another dash, of the k-th run."""
    colours = theme.series
    styles = ("-", "--", ":", "-.")
    return {
        "color": colours[k % len(colours)],
        "linestyle": styles[k // len(colours) % len(styles)],
        "linewidth": 1.4,
    }


def _log_scale(axes: Axes) -> None:
    """Errors fall by powers; a run that reached 0 keeps a linear axis."""
    lines = [np.asarray(line.get_ydata()) for line in axes.get_lines()]
    if any(len(values) for values in lines) and all((values > 0).all() for values in lines):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(
            FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
        )
        axes.tick_params(which="minor", labelsize=7)


def weights(
    layers: Sequence[npt.NDArray[Any]],
    unit: Sequence[float],
    kind: str,
    figure: Figure,
    theme: Theme,
) -> None:
    """Histograms of each layer's master weights, and what a kind of sample makes of them.

    ``unit`` is what 1.0 is in each layer, ``kind`` ``ternary``, ``binary`` or ``real-valued``.
    """
    for k, axes in _charts(figure, len(layers)):
        w = layers[k].ravel() / unit[k]
        axes.hist(w, bins=_BINS, color=theme.series[0], histtype="stepfilled")
        for edge in _THRESHOLDS.get(kind, ()):
            axes.axvline(edge, color=theme.series[1], linewidth=1, linestyle="--")
        axes.set_title(f"layer {k}{_shares(w, kind)}", fontsize=8.5)
        axes.set_xlabel("weight")
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        plain(axes)


def _shares(w: npt.NDArray[Any], kind: str) -> str:
    if kind == "ternary":
        parts = {"-1": (w < -0.5).mean(), "0": (np.abs(w) <= 0.5).mean(), "+1": (w > 0.5).mean()}
    elif kind == "binary":
        parts = {"-1": (w < 0).mean(), "+1": (w >= 0).mean()}
    else:
        return ""
    return "\n" + "   ".join(f"{name}: {100 * share:.0f} %" for name, share in parts.items())


def _thousands(value: float, _: Any) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def shown_layers(count: int) -> list[int]:
    """The layers of a net that get a chart: all, or the first and the last of very many."""
    layers = list(range(count))
    return layers if count <= 2 * _ENDS else layers[:_ENDS] + layers[-_ENDS:]


def _charts(figure: Figure, count: int) -> Iterator[tuple[int, Axes]]:
    """One chart a layer that is shown, four in a row."""
    layers = shown_layers(count)
    columns = min(len(layers), COLUMNS)
    grid = figure.subplots(rows_of(len(layers), columns), columns, squeeze=False)
    for axes in grid.ravel()[len(layers) :]:
        axes.set_visible(False)
    return zip(layers, grid.ravel(), strict=False)


def codes(batches: Sequence[Codes], figure: Figure, theme: Theme) -> None:
    """Shares of the power-of-two codes that enter each layer's gradient (the paper's figure 3)."""
    values = np.arange(_LARGEST_CODE + 1)
    names = ["0", *(f"2{code}" for code in _SUPERSCRIPTS)]
    for place, (k, axes) in enumerate(_charts(figure, len(batches))):
        found = batches[k].ravel()
        share = 100 * np.bincount(found, minlength=len(values)) / found.size
        axes.bar(values, share, color=[theme.faint, *[theme.series[2]] * _LARGEST_CODE])
        axes.set_xticks(values, names)
        axes.set_title(f"layer {k}: {share[0]:.0f} % are 0", fontsize=8.5)
        axes.set_xlabel("quantized activation")
        axes.set_ylabel("share, %" if place % COLUMNS == 0 else "")
        # Zeros would hide the rest.
        axes.set_ylim(0, 1.15 * max(share[1:].max(), 1e-3))
        plain(axes)


def filters(first: npt.NDArray[Any], shape: tuple[int, ...], figure: Figure, theme: Theme) -> None:
    """Weights (outputs, inputs) of the first layer's first units, as images of a shape.

    With three channels they are colours, grey for 0.
    """
    rows, columns = FILTERS
    shown = first[: rows * columns].astype(np.float64)
    rows = -(-len(shown) // columns)
    height, width, *channels = shape
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1, *channels), np.nan)
    for k, unit in enumerate(shown):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        sheet[top : top + height, left : left + width] = unit.reshape(shape)
    axes = figure.subplots()
    limit = np.abs(shown).max() or 1
    if channels:
        between = np.isnan(sheet).any(axis=2, keepdims=True)
        colours = np.where(np.isnan(sheet), 0, (sheet / limit + 1) / 2)
        axes.imshow(np.concatenate([colours, ~between], axis=2), interpolation="nearest")
    else:
        axes.imshow(sheet, cmap=theme.signed, vmin=-limit, vmax=limit, interpolation="nearest")
    bare(axes)


def confusion(found: Answers, figure: Figure, theme: Theme) -> None:
    """Right labels against answers; the diagonal, which is right, is left pale."""
    counts = found.confusion
    size = len(counts)
    axes = figure.subplots()
    wrong = np.where(np.eye(size, dtype=np.bool_), 0, counts)
    largest = max(1, wrong.max())
    axes.imshow(wrong, cmap=theme.ramp, vmin=0, vmax=largest)
    if size <= _NAMED_CLASSES:
        for (row, column), count in np.ndenumerate(counts):
            strong = wrong[row, column] > largest / 2
            colour = theme.ground if strong else theme.faint if row == column else theme.ink
            text = f"{count}" if count else ""
            axes.text(column, row, text, ha="center", va="center", color=colour, size=7)
        names = [drawable(name, _CLASS) for name in found.classes]
        upright = size > 10 or max(map(len, names)) > _LEVEL
        axes.set_xticks(range(size), names, rotation=90 if upright else 0)
        axes.set_yticks(range(size), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def mistakes(found: Answers, shape: tuple[int, ...], figure: Figure, theme: Theme) -> None:
    """Test images with a wrong answer, the most certain ones first."""
    rows, columns = MISTAKES
    shown = found.mistakes[: rows * columns]
    grid = figure.subplots(rows_of(len(shown), columns), columns, squeeze=False)
    for axes in grid.ravel():
        bare(axes)
    for axes, number in zip(grid.ravel(), shown.tolist(), strict=False):
        axes.imshow(found.images[number].reshape(shape), cmap="gray", vmin=0, vmax=255)
        labels = found.right[number], found.labels[number]
        right, answer = (drawable(found.classes[label], _ABOVE) for label in labels)
        space = "\n" if len(right) + len(answer) > _ABOVE else " "
        text = f"{right} \N{RIGHTWARDS ARROW}{space}{answer}"
        axes.set_title(text, fontsize=8, loc="center", color=theme.ink, pad=3)
        axes.set_xlabel(f"{found.margins[number]:.2f}", fontsize=6.5, color=theme.faint)


def rows_of(count: int, columns: int) -> int:
    """Rows for so many pictures."""
    return max(1, math.ceil(count / columns))
