# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls data``: what sets there are, what is in them, and how to get more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..system.errors import FewmultError
from .arguments import flag, path
from .results import show_table

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
    from ..datasets.places import KNOWN_CLASSES

    found = available()
    rows = [_list_row(name, folder) for name, folder in found.items()]
    rows += [
        [name, *"-----", f"not here: fewmult-hls data fetch {name}"]
        for name in KNOWN_CLASSES
        if name not in found
    ]
    head = ["name", "classes", "image", *_SPLITS, "where"]
    show_table([head, *sorted(rows)])


@data.command()
@click.argument("name")
def info(name: str) -> None:
    """Show what is in the data set NAME: a name, or a folder with IDX files or images."""
    from ..datasets import load, locate

    dataset, folder = load(name), locate(name)
    rows, columns = dataset.image_shape
    low, high = _value_range(dataset)
    source, licence = _origin(name, folder)
    click.echo(f"{dataset.name}\n")
    show_table(
        [
            ["where", _where(folder)],
            ["classes", str(dataset.classes)],
            ["images", f"{rows}x{columns}, {dataset.features} values {low}..{high}, uint8"],
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
    "Folder with the four IDX files, under MNIST's file names, gzipped or not; or with a folder "
    "of PNG images for each class.",
    to="source",
    required=True,
)
@flag("overwrite", "Replace a set of that name.")
def import_set(name: str, source: Path, overwrite: bool) -> None:
    """Check a set of IDX files or of images and keep a copy under NAME."""
    from ..datasets.importing import import_set as importing

    folder = importing(name, source, overwrite=overwrite)
    click.echo(f"imported {name} into {folder}")
    _note_precedence(name, folder)


@data.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the data set NAME (mnist) and check it."""
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
    rows, columns = dataset.image_shape
    counts = [str(len(split.labels)) for split in dataset.splits]
    return [name, str(dataset.classes), f"{rows}x{columns}", *counts, _where(folder)]


def _where(folder: Path | None) -> str:
    return "built in" if folder is None else str(folder)


def _value_range(dataset: Dataset) -> tuple[int, int]:
    images = [split.images for split in dataset.splits]
    return min(int(part.min()) for part in images), max(int(part.max()) for part in images)


def _origin(name: str, folder: Path | None) -> tuple[str, str]:
    """Source and licence; MNIST's only for files with the content that was published."""
    from ..datasets import digits, mnist
    from ..datasets.folder import find_files, holds_set

    if folder is None:
        return digits.SOURCE, digits.LICENCE
    if not holds_set(folder):
        return "not known: your own images", "not known"
    if mnist.is_published(find_files(folder)):
        return mnist.SOURCE, mnist.LICENCE
    if name == "mnist":
        return "not known: these files are not the published MNIST", "not known"
    return "not known: your own files", "not known"


def _histogram(dataset: Dataset) -> list[list[str]]:
    import numpy as np

    counts = [np.bincount(split.labels, minlength=dataset.classes) for split in dataset.splits]
    names = dataset.class_names or range(dataset.classes)
    lines = zip(names, *counts, strict=True)
    return [["class", *_SPLITS], *([str(n) for n in line] for line in lines)]


def _checksums(folder: Path | None) -> list[list[str]]:
    from ..datasets import checksums, digits
    from ..datasets.folder import find_files, holds_set

    if folder is None:
        return [[digits.file_sha256(), digits.FILE_NAME]]
    files = find_files(folder).values() if holds_set(folder) else []  # of images there may be many
    return [[checksums.sha256(path), path.name] for path in files]


def _note_precedence(name: str, folder: Path) -> None:
    """Say so if another folder of that name is found first."""
    from ..datasets import locate

    used = locate(name)
    if used != folder:
        click.echo(f"note: {name} is still read from {used}, which comes first", err=True)
