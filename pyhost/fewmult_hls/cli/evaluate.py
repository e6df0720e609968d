# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from ..backends.names import BACKENDS


@click.command()
@click.argument("run", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME|DIR", help="Other test data.  [the run's own]")
@click.option("--backend", type=click.Choice(BACKENDS), default="emu", help="Who computes.  [emu]")
def evaluate(run: Path, dataset: str | None, backend: str) -> None:
    """Measure the test error of the trained model in DIR again."""
    from .. import runs
    from ..backends import open_backend
    from ..config import load_config
    from ..datasets import load
    from ..evaluation import Evaluator
    from ..model import load_model

    model = load_model(run / runs.MODEL)
    data = load(dataset or load_config(run / runs.CONFIG)["dataset"])
    network = model.network
    runs.check_fit(network.spec, data)
    device = open_backend(backend)
    errors = runs.test_errors(
        Evaluator(device, network, "8-bit", model.means["8-bit"]),
        Evaluator(device, network, "ternary", model.means["ternary"]),
        data,
    )
    device.close()
    click.echo(f"{network.spec.name} on {data.name}: {len(data.test.labels)} test images")
    click.echo(f"test error          {errors['test_error']:.2f} %")
    click.echo(f"test error ternary  {errors['test_error_ternary']:.2f} %")
    click.echo(f"fingerprint         {network.fingerprint}")
