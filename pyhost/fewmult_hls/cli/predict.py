# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls predict``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from ..backends.names import Device
from .arguments import BACKEND, THREADS, NamedPath, device_options, examples, flag, option

_BYTES_ANSWER = 2048  # from the logits to the text, by measurement


@click.command(
    epilog=examples(
        "fewmult-hls predict runs/digits three.png",
        "fewmult-hls predict runs/mnist drawn/*.png --precision 8-bit",
        "fewmult-hls predict runs/pets photographs",
        "fewmult-hls predict mnist.packed images.npy --json",
    )
)
@click.argument("model", metavar="DIR|MODEL", type=NamedPath())
@click.argument("files", metavar="FILES..", type=NamedPath(), nargs=-1, required=True)
@option(
    "precision",
    "Of the weights: 8-bit takes seven passes through the kernels, the others one.",
    says="ternary or binary, as the net was trained",
    allowed=("ternary", "binary", "8-bit", "real-valued"),
)
@flag("json", "Print one JSON array instead of a table.", to="as_json")
@BACKEND
@device_options
@THREADS
def predict(
    model: Path,
    files: Sequence[Path],
    precision: str | None,
    as_json: bool,
    backend: str,
    device: Device | None,
    threads: int | None,
) -> None:
    """Classify images with a trained model.

    DIR is the folder of a run; MODEL is a model.npz or what `fewmult-hls export --format packed`
    wrote. FILES are PNG, JPEG, BMP or WebP images, folders of such, or .npy arrays, (rows,
    columns), (N, rows, columns), these with channels if the model learned such, or (N, features);
    or tables (.csv); - is an image or an array from standard input. What training did to images,
    such as --gray and --resize, is done to these. All files are checked before the first is
    classified.

    The margin is how far the answer's output is above the next one, in units in which training
    aims at 2.
    """
    import numpy as np

    from ..models.classifier import load
    from ..models.images import find_images, read_images
    from ..system import memory
    from .results import show_notes, warn_without_checksum

    with load(model, precision=precision, backend=backend, threads=threads, device=device) as net:
        warn_without_checksum(net, model)
        found = find_images([*files])
        read = [read_images(path, net.domain, net.features) for path in found.files]
        show_notes([found.note] if found.note else [])
        count = sum(map(len, read))
        needed = count * (_BYTES_ANSWER + (net.features if len(read) > 1 else 0))
        memory.check(f"answering for {count:,} images", needed, "ask for fewer at once")
        prepared = np.concatenate(read) if len(read) > 1 else read[0]
        show_notes(net.domain.doubts(prepared))
        labels, margins = net.answers_to(prepared)
        names = [net.domain.class_name(label) for label in labels.tolist()]
    places = [
        (str(path), k)
        for path, part in zip(found.files, read, strict=True)
        for k in range(len(part))
    ]
    if as_json:
        fields = ("file", "index", "label", "class", "margin")
        rows = zip(
            *zip(*places, strict=True), labels.tolist(), names, margins.tolist(), strict=True
        )
        click.echo(json.dumps([dict(zip(fields, row, strict=True)) for row in rows], indent=1))
        return
    has_many = any(len(part) > 1 for part in read)
    _show(places, names, margins.tolist(), has_many)


def _show(
    places: Sequence[tuple[str, int]], names: Sequence[str], margins: Sequence[float], index: bool
) -> None:
    from .results import show_table

    table = [["file", *(["index"] if index else []), "label", "margin"]]
    for (path, k), name, margin in zip(places, names, margins, strict=True):
        table.append([path, *([str(k)] if index else []), name, f"{margin:.2f}"])
    show_table(table)
