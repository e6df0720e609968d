# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls export``."""

from __future__ import annotations

from pathlib import Path

import click

from ..system.errors import UsageError
from .arguments import NamedPath, examples, flag, path


@click.command(
    epilog=examples(
        "fewmult-hls export runs/digits --packed --out digits.packed",
        "fewmult-hls export runs/mnist/model.npz --packed --out mnist.packed",
    )
)
@click.argument("model", metavar="DIR|MODEL", type=NamedPath())
@flag("packed", "Ternary weights, 1.6 bits each, or binary ones, 1 bit; the only kind there is.")
@path("out", "FILE", "Where it goes.", required=True)
@flag("overwrite", "Replace the packed model that is there.")
def export(model: Path, packed: bool, out: Path, overwrite: bool) -> None:
    """Write what a trained model needs to answer, and no more.

    DIR is the folder of a run, MODEL a model.npz. The file is for `fewmult-hls predict` and
    `evaluate`, which answer bit for bit as with the model and ternary or binary weights.
    """
    from ..models.classifier import read_model
    from ..models.model import Model
    from ..models.packed import check_place, save_packed
    from .results import warn_without_checksum

    if not packed:
        raise UsageError("say in which form: add --packed")
    check_place(out, overwrite=overwrite)
    trained = read_model(model)
    warn_without_checksum(trained, model)
    if not isinstance(trained, Model):
        raise UsageError(f"{model} computes in floating point: only -qbp methods can be packed")
    save_packed(out, trained)
    weights = sum(array.size for array in trained.network.weights)
    size = out.stat().st_size
    click.echo(
        f"{out}: {size:,} bytes, {8 * size / weights:.2f} bits a weight\n"
        f"packed from {trained.fingerprint}"
    )
