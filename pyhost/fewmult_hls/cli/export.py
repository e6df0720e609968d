# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls export``."""

from __future__ import annotations

from pathlib import Path

import click

from ..models.exports.names import FORMATS
from ..system.errors import UsageError
from .arguments import NamedPath, examples, flag, option, path


@click.command(
    epilog=examples(
        "fewmult-hls export runs/digits --format packed --out digits.packed",
        "fewmult-hls export runs/digits --format c --out digits.h",
        "fewmult-hls export runs/mnist/model.npz --format onnx --out mnist.onnx",
    )
)
@click.argument("model", metavar="DIR|MODEL", type=NamedPath())
@option(
    "format",
    "packed, 1.6 bits a ternary weight and 1 a binary one; c, a header for microcontrollers; onnx, "
    "a graph of integers; qonnx, one for compilers to FPGAs.",
    to="form",
    allowed=tuple(FORMATS),
    required=True,
)
@click.option("--packed", "form", flag_value="packed", help="The same as --format packed.")
@path("out", "FILE", "Where it goes.", required=True)
@flag("overwrite", "Replace the file of this format that is there.")
def export(model: Path, form: str, out: Path, overwrite: bool) -> None:
    """Write a trained net for others: what it needs to answer, and no more.

    DIR is the folder of a run, MODEL a model.npz or a packed file. Whoever executes what is written
    answers bit for bit as `fewmult-hls predict` with the model and ternary or binary weights.
    `predict` and `evaluate` take packed files, too.
    """
    from ..models.classifier import read_model
    from ..models.exports.formats import check_place, check_preprocessing, writer
    from ..models.model import Model
    from .results import warn_without_checksum

    to = writer(form)
    check_place(out, to, overwrite=overwrite)
    trained = read_model(model)
    warn_without_checksum(trained, model)
    if not isinstance(trained, Model):
        raise UsageError(f"{model} computes in floating point: only -qbp methods can be exported")
    check_preprocessing(trained, form)
    said = to.save(out, trained)
    click.echo(f"{out}: {said}\nmade from {trained.fingerprint}")
