# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls data``: what sets there are, what is in them, and how to get more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..system.errors import FewmultError
from .arguments import flag, path, setting
from .results import show_notes, show_table

if TYPE_CHECKING:
    from ..datasets import Dataset

_SPLITS = ("train", "validation", "test")


@click.group(invoke_without_command=True)
@click.pass_context
def data(context: click.Context) -> None:
    """List, inspect, import and fetch data sets."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@data.command("list")
def list_sets() -> None:
    """List the data sets on this machine and those that can be fetched."""
    from ..datasets import available
    from ..datasets.published import PUBLISHED

    found = available()
    rows = [_list_row(name, folder) for name, folder in found.items()]
    rows += [
        [name, *"-----", f"not here: fewmult-hls data fetch {name}"]
        for name in PUBLISHED
        if name not in found
    ]
    head = ["name", "classes", "image", *_SPLITS, "where"]
    show_table([head, *sorted(rows)])


@data.command()
@click.argument("name")
@setting("gray")
@setting("resize")
@setting("scale")
@setting("label")
def info(name: str, gray: bool, resize: str, scale: str, label: str) -> None:
    """Show what is in the data set NAME: a name, or a folder, a table or arrays of your own."""
    from ..datasets import load, locate

    dataset = load(name, gray=gray, resize=resize, scale=scale, label=label)
    folder = locate(name)
    show_notes(dataset.notes)
    low, high = _value_range(dataset)
    source, licence = _origin(name, folder)
    click.echo(f"{dataset.name}\n")
    show_table(
        [
            ["where", _where(folder)],
            ["classes", str(dataset.classes)],
            ["images", f"{_size(dataset)}, {dataset.features} values {low}..{high}, uint8"],
            *(["", step] for step in dataset.preprocessing.steps),
            *zip(_SPLITS, (str(len(split.labels)) for split in dataset.splits), strict=True),
            ["source", source],
            ["licence", licence],
        ]
    )
    click.echo("\nimages of each class")
    show_table(_histogram(dataset))
    if sums := _checksums(folder):
        click.echo("\nSHA-256 of the files")
        show_table(sums)


@data.command("import")
@click.argument("name")
@path(
    "from",
    "PATH",
    "Folder with the four IDX files, under MNIST's file names, gzipped or not; with CIFAR-10's "
    "batches or SVHN's cropped digits as published; or with a folder of grey images for each "
    "class. Or an archive of CIFAR-10.",
    to="source",
    required=True,
)
@flag("overwrite", "Replace a set of that name.")
def import_set(name: str, source: Path, overwrite: bool) -> None:
    """Check a set of files or of images and keep a copy under NAME."""
    from ..datasets.importing import import_set as importing

    folder = importing(name, source, overwrite=overwrite)
    click.echo(f"imported {name} into {folder}")
    _note_precedence(name, folder)


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the data set NAME and check it: `data list` shows those that there are."""
    from ..datasets import fetch as fetching

    folder = fetching.fetch(name)
    click.echo(f"{name} is in {folder}")
    _note_precedence(name, folder)


def _list_row(name: str, folder: Path | None) -> list[str]:
    from ..datasets import load

    try:
        dataset = load(name)
    except FewmultError as error:
        return [name, *"-----", f"unusable: {error}"]
    counts = [str(len(split.labels)) for split in dataset.splits]
    return [name, str(dataset.classes), _size(dataset), *counts, _where(folder)]


def _size(dataset: Dataset) -> str:
    """Rows and columns of an image, and its channels if it has more than one value a pixel."""
    return "x".join(map(str, dataset.image_shape))


def _where(folder: Path | None) -> str:
    return "built in" if folder is None else str(folder)


def _value_range(dataset: Dataset) -> tuple[int, int]:
    images = [split.images for split in dataset.splits]
    return min(int(part.min()) for part in images), max(int(part.max()) for part in images)


def _origin(name: str, folder: Path | None) -> tuple[str, str]:
    """Source and licence; of a published set only for files with the content of that."""
    from ..datasets import digits
    from ..datasets.formats import format_of
    from ..datasets.published import PUBLISHED

    if folder is None:
        return digits.SOURCE, digits.LICENCE
    form = format_of(folder)
    if form is None:
        return "not known: your own files", "not known"
    files = form.find_files(folder)
    for published in PUBLISHED.values():
        if published.is_in(files):
            return published.source, published.licence
    if name in PUBLISHED:
        title = PUBLISHED[name].title
        return f"not known: these are not the published files of {title}", "not known"
    return "not known: your own files", "not known"


def _histogram(dataset: Dataset) -> list[list[str]]:
    import numpy as np

    counts = [np.bincount(split.labels, minlength=dataset.classes) for split in dataset.splits]
    names = dataset.class_names or range(dataset.classes)
    lines = zip(names, *counts, strict=True)
    return [["class", *_SPLITS], *([str(n) for n in line] for line in lines)]


def _checksums(folder: Path | None) -> list[list[str]]:
    from ..datasets import checksums, digits
    from ..datasets.formats import format_of

    if folder is None:
        return [[digits.file_sha256(), digits.FILE_NAME]]
    form = format_of(folder)
    files = form.find_files(folder).values() if form else []  # of images there may be many
    return [[checksums.sha256(path), path.name] for path in files]


def _note_precedence(name: str, folder: Path) -> None:
    """Say so if another folder of that name is found first."""
    from ..datasets import locate

    used = locate(name)
    if used != folder:
        click.echo(f"note: {name} is still read from {used}, which comes first", err=True)
