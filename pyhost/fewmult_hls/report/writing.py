# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the folder of a report from the folders of runs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from ..backends import open_backend
from ..datasets import Dataset, load
from ..models.model import Model
from ..models.trained import Trained
from ..runs.table import csv_text, table_of
from ..system.errors import FewmultError
from . import figures
from .answers import answers
from .codes import codes_of_a_step
from .drawing import DARK, LIGHT, Draw, render
from .page import Picture, Section, Summary, html
from .records import Record, read_records
from .storing import check_place, store

_MOST_DRAWN = 16
_NOT_DRAWN = f"Of more than {_MOST_DRAWN} runs, the first {_MOST_DRAWN} have pictures."
_LONGEST_NAME = 80  # of the part of a file's name that is a run's


def write_report(
    folders: Sequence[Path], out: Path, *, backend: str = "emu", overwrite: bool = False
) -> Path:
    """Writes the page and its pictures.

    Args:
        folders: of runs, finished or not.
        out: folder for the report.
        backend: who computes the answers to the test images.
        overwrite: a report that is there may be replaced.

    Returns:
        The path of the page.

    Raises:
        UsageError: a folder holds no run, or the report is there already, or files of others.
        FewmultError: a run is damaged, or the report cannot be written.
    """
    check_place(out, overwrite=overwrite)
    records = read_records(list(folders))
    curves = None
    if any(record.epochs for record in records):
        text = "Validation error and hinge of every epoch; the dot is the epoch that was kept."
        begun = [record for record in records if record.epochs]
        labels = [record.label for record in begun]
        draw = partial(figures.curves, begun)
        curves = _picture("curves", "Training", text, draw, 9, 3.4, labels)
    names = _file_names(records)
    sections = [
        _section(record, name, backend) if k < _MOST_DRAWN else Section(record, notes=[_NOT_DRAWN])
        for k, (record, name) in enumerate(zip(records, names, strict=True))
    ]
    pictures = [*([curves] if curves else []), *(p for s in sections for p in s.pictures)]
    files = {name: png for picture in pictures for name, png in picture.files.items()}
    summary = None
    if len(records) > 1:
        table = table_of(records)
        lines = csv_text(table, lambda record: record.label)  # of wherever the runs lie
        summary = Summary(table, lines.encode(errors="backslashreplace"))
        files["runs.csv"] = summary.csv
    return store(out, html(sections, curves, summary), files, overwrite=overwrite)


def _file_names(records: Sequence[Record]) -> list[str]:
    """A beginning of file names for each run, no two alike, on no file system."""
    plain = (re.sub(r"[^A-Za-z0-9._-]+", "-", record.label) for record in records)
    names = [name[:_LONGEST_NAME].strip("-.") for name in plain]
    unique = len({name.lower() for name in names}) == len(names) and all(names)
    return names if unique else [f"run-{k}" for k in range(1, len(records) + 1)]


def _picture(
    name: str,
    title: str,
    text: str,
    draw: Draw,
    width: float,
    height: float,
    names: Sequence[str] = (),
) -> Picture:
    light, dark = (render(draw, width, height, theme, names) for theme in (LIGHT, DARK))
    return Picture(name, title, text, light, dark)


def _picture_of_layers(name: str, title: str, text: str, draw: Draw, count: int) -> Picture:
    """With a chart for each layer, or for as many as make a picture."""
    shown = len(figures.shown_layers(count))
    if shown < count:
        text += f" Shown are the first {shown // 2} and the last {shown // 2} of {count} layers."
    rows = figures.rows_of(shown, figures.COLUMNS)
    return _picture(name, title, text, draw, 9, 2.4 * rows)


def _section(record: Record, name: str, backend: str) -> Section:
    section = Section(record)
    if record.model is None:
        section.notes.append(f"The run is {record.state}: there is no model yet.")
        return section
    if not record.model.has_checksum:
        section.notes.append("An earlier version wrote the model: its means have no checksum.")
    _weights(section, name, record.model)
    try:
        dataset = load(record.config.dataset)
    except FewmultError as error:
        section.notes.append(f"Without its data, there are no answers to show: {error}.")
        return section
    _filters(section, name, record.model, dataset)
    _codes(section, name, record.model, dataset, backend)
    _answers(section, name, record.model, dataset, backend)
    return section


def _weights(section: Section, name: str, model: Trained) -> None:
    if isinstance(model, Model):
        layers, one = model.network.weights, 1 << (model.spec.master_bits - 1)
        draw = partial(figures.weights, layers, [one] * len(layers), model.deployed)
        text = (
            f"Master weights of each layer, 1.0 = {one}. The dashed lines decide what is deployed, "
            f"{model.deployed} weights: their shares stand above each chart."
        )
    else:
        layers = model.network.weights
        bounds = [model.spec.bound(k) for k in range(len(layers))]
        draw = partial(figures.weights, layers, bounds, "real-valued")
        text = "Real-valued weights of each layer, in units of W0."
    picture = _picture_of_layers(f"{name}-weights", "Weights", text, draw, len(layers))
    section.pictures.append(picture)


def _codes(section: Section, name: str, model: Trained, dataset: Dataset, backend: str) -> None:
    if not isinstance(model, Model):
        section.notes.append(
            f"Method {section.record.config.method} quantizes nothing in back propagation: "
            "there are no power-of-two codes."
        )
        return
    assert section.record.summary is not None
    with closing(open_backend(backend)) as device:
        step = int(section.record.summary["steps"])
        batches = codes_of_a_step(model.network, section.record.config, dataset, device, step)
    text = (
        "One batch in back propagation (the paper's figure 3): the powers of two that the "
        "activations entering each layer are quantized to. Zeros, which need no shift and no "
        "addition, are in the titles."
    )
    draw, title = partial(figures.codes, batches), "Power-of-two codes"
    section.pictures.append(_picture_of_layers(f"{name}-codes", title, text, draw, len(batches)))


def _filters(section: Section, name: str, model: Trained, dataset: Dataset) -> None:
    shape = _seen_shape(model, dataset)
    if shape is None:
        return
    first, columns = model.network.weights[0], figures.FILTERS[1]
    count = min(len(first), figures.FILTERS[0] * columns)
    signs = "as colours, 0 is grey" if len(shape) == 3 else "plus blue, minus orange"
    text = f"Weights of the first {count} units of the first layer: {signs}."
    height = 9 / columns * figures.rows_of(count, columns) * shape[0] / shape[1]
    draw = partial(figures.filters, first, shape)
    section.pictures.append(_picture(f"{name}-filters", "First layer", text, draw, 9, height + 0.1))


def _answers(section: Section, name: str, model: Trained, dataset: Dataset, backend: str) -> None:
    found = answers(model, dataset, backend)
    wrong, tests = len(found.mistakes), len(found.right)
    text = (
        f"Answers to the {tests:,} test images with {model.deployed} weights: {wrong} are wrong, "
        f"{100 * wrong / tests:.2f} %. Cells off the diagonal are mistakes."
    )
    size = min(9.0, max(3.6, 0.42 * len(found.classes) + 0.6))
    draw = partial(figures.confusion, found)
    names = found.classes
    picture = _picture(f"{name}-confusion", "Confusions", text, draw, size, size, names)
    section.pictures.append(picture)
    shape = _image_shape(dataset)
    if wrong and shape is not None:
        shown = min(wrong, figures.MISTAKES[0] * figures.MISTAKES[1])
        text = (
            f"{shown} of the {wrong} wrong answers, the most certain first: right label, answer, "
            "and by how much the net prefers it."
        )
        height = 1.15 * figures.rows_of(shown, figures.MISTAKES[1])
        draw = partial(figures.mistakes, found, shape)
        picture = _picture(f"{name}-mistakes", "Mistakes", text, draw, 9, height, names)
        section.pictures.append(picture)


def _seen_shape(model: Trained, dataset: Dataset) -> tuple[int, ...] | None:
    """Of what a unit of the first layer with weights sees; None if that makes no picture."""
    shape = _image_shape(dataset)
    if isinstance(model, Model):
        seen = next(layer.seen for layer in model.spec.layers if layer.weights)
        rows, columns, channels = seen
        shape = shape if rows * columns == 1 else (rows, columns) if channels == 1 else seen
    fits = shape is not None and math.prod(shape) == model.network.weights[0].shape[1]
    return shape if fits else None


def _image_shape(dataset: Dataset) -> tuple[int, ...] | None:
    """Of a picture; None for rows of values that make no square, and for other than 3 colours."""
    if dataset.image_shape[0] > 1:
        return dataset.image_shape if dataset.image_shape[2:] in ((), (3,)) else None
    side = math.isqrt(dataset.features)
    return (side, side) if side * side == dataset.features and side > 1 else None
