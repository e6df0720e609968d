# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..backends.names import BACKENDS

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..datasets import Dataset

DEFAULTS = {
    "dataset": "digits",
    "weights": "ternary",
    "master_bits": 16,
    "batch": 128,
    "epochs": 100,
    "seed": 1,
    "backend": "emu",
}


@click.command()
@click.option("--backend", type=click.Choice(BACKENDS), help="Who computes.  [emu]")
@click.option("--dataset", metavar="NAME|DIR", help="What to learn: digits, mnist, ..  [digits]")
@click.option("--net", metavar="WIDTHS", help="Layer widths.  [inputs-256-256-classes]")
@click.option("--weights", type=click.Choice(["ternary", "binary"]), help="[ternary]")
@click.option("--master-bits", type=click.Choice(["16", "8"]), help="Of a master weight.  [16]")
@click.option("--batch", type=int, metavar="N", help="16, 32, 64, 128 or 256.  [128]")
@click.option("--epochs", type=int, metavar="N", help="[100]")
@click.option("--rate", type=int, metavar="E", help="Learning rate 2^E at the start.  [3 or 2]")
@click.option("--seed", type=int, metavar="S", help="Of every random draw.  [1]")
@click.option("--config", type=click.Path(path_type=Path), help="A run's config.toml to repeat.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [runs/NAME]")
@click.option("--overwrite", is_flag=True, help="Replace the run that is in the folder.")
def train(config: Path | None, out: Path | None, overwrite: bool, **options: Any) -> None:
    """Train a network without multiplications.

    Without options, the built-in digits are learned in seconds. The folder gets config.toml,
    metrics.jsonl, model.npz and summary.json.
    """
    from .. import runs
    from ..datasets import load
    from .progress import watching

    values = _values(config, options)
    dataset = load(values["dataset"])
    run_config = _complete(values, dataset)
    spec = run_config.spec
    runs.check_fit(spec, dataset)
    folder = out or Path("runs") / dataset.name
    runs.prepare_folder(folder, overwrite=overwrite)
    click.echo(
        f"{spec.name} on {dataset.name}: {spec.weights} weights, {spec.master_bits}-bit masters, "
        f"batch {spec.batch}, seed {run_config.seed}, backend {run_config.backend}"
    )
    with watching(run_config, len(dataset.train.labels) // spec.batch) as watcher:
        summary = runs.run(run_config, dataset, folder, watcher)
    _show(summary, folder)


def _values(config: Path | None, options: dict[str, Any]) -> dict[str, Any]:
    """Defaults, overridden by the config file, overridden by the options that were given."""
    from ..config import load_config

    given = {name: value for name, value in options.items() if value is not None}
    rate = given.pop("rate", None)
    if rate is not None:
        given["rate_exponent"] = rate
    if "master_bits" in given:
        given["master_bits"] = int(given["master_bits"])
    stored = load_config(config) if config is not None else {}
    return {**DEFAULTS, **stored, **given}


def _complete(values: dict[str, Any], dataset: Dataset) -> RunConfig:
    from ..config import RunConfig, default_rate

    values.setdefault("net", f"{dataset.features}-256-256-{dataset.classes}")
    samples = len(dataset.train.labels) * values["epochs"]
    values.setdefault("rate_exponent", default_rate(values["batch"], samples))
    return RunConfig(**values)


def _show(summary: dict[str, Any], folder: Path) -> None:
    rows = [
        ("test error", f"{summary['test_error']:.2f} % with 8-bit weights"),
        ("", f"{summary['test_error_ternary']:.2f} % with ternary weights, one pass"),
        ("validation error", f"{summary['validation_error']:.2f} %"),
        ("multiplications", f"{summary['multiplications_per_step']} in a training step"),
        ("speed", f"{summary['samples_per_second']:,.0f} samples/s in training"),
        ("fingerprint", summary["fingerprint"]),
        ("run", str(folder)),
    ]
    click.echo()
    for name, value in rows:
        click.echo(f"{name:17} {value}")
