# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls evaluate``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..backends.names import Device
from ..system.errors import FewmultError, UsageError
from .arguments import BACKEND, THREADS, NamedPath, device_options, examples, option

if TYPE_CHECKING:
    from ..datasets.wanted import Wanted
    from ..models.domain import Domain


@click.command(
    epilog=examples(
        "fewmult-hls evaluate runs/digits",
        "fewmult-hls evaluate runs/mnist --dataset path/to/my/images",
        "fewmult-hls evaluate digits.packed --dataset digits",
    )
)
@click.argument("model", metavar="DIR|MODEL", type=NamedPath())
@option("dataset", "Other images to test on.", says="the run's own", metavar="NAME|PATH")
@BACKEND
@device_options
@THREADS
def evaluate(
    model: Path, dataset: str | None, backend: str, device: Device | None, threads: int | None
) -> None:
    """Measure the test error of a trained model again.

    DIR is the folder of a run; MODEL is a model.npz or what `fewmult-hls export --format packed`
    wrote, which has ternary or binary weights only.
    """
    from ..datasets import load_wanted
    from ..models.classifier import read_model
    from ..nets.evaluator import error_per_cent, evaluation_bytes
    from ..runs.run import split_to_test
    from ..system import memory
    from .results import error_text, show_notes, show_rows, warn_without_checksum

    trained = read_model(model)
    warn_without_checksum(trained, model)
    data = load_wanted(dataset or _dataset_of(model), _wanted(trained.domain, model))
    show_notes(data.notes)
    split = split_to_test(trained, data)
    show_notes(trained.domain.doubts(split.images))
    tests = len(split.labels)
    needed = tests * evaluation_bytes(trained.spec.classes)
    memory.check(f"judging {tests:,} images", needed, "take fewer of them")
    errors = {}
    for precision in trained.precisions:
        opened = trained.open(precision, backend, threads, device)
        errors[precision] = error_per_cent(opened.scorer.logits(split.images), split.labels)
        opened.close()
    click.echo(f"{trained.spec.name} on {data.name}, {tests:,} test images\n")
    rows = [f"{error_text(error, tests)}, {name} weights" for name, error in errors.items()]
    names = ["test error", *[""] * (len(rows) - 1)]
    show_rows([*zip(names, rows, strict=True), ("fingerprint", trained.fingerprint)])


def _wanted(domain: Domain, model: Path) -> Wanted:
    """What training did to images, to be done to others."""
    from ..datasets.wanted import Wanted
    from ..runs import run as runs
    from ..runs.config import load_config

    made = domain.preprocessing
    label = ""
    with suppress(FewmultError):  # what else was lost of a run is no matter
        label = load_config(model / runs.CONFIG).get("label", "")
    in_colour = (domain.image_shape or ())[2:] == (3,)
    return Wanted(made.gray, made.resize, made.scale, label, in_colour)


def _dataset_of(model: Path) -> str:
    from ..runs import run as runs
    from ..runs.config import load_config

    if not model.is_dir():
        raise UsageError(f"{model} names no dataset: add --dataset")
    path = model / runs.CONFIG
    values = load_config(path)
    if "dataset" not in values:
        raise UsageError(f"{path} names no dataset: add --dataset")
    return str(values["dataset"])
