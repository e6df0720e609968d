# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls train``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..backend_names import BACKENDS
from .arguments import THREADS, NamedPath

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..datasets import Dataset

# click keeps the lines of a paragraph that a backspace opens.
EXAMPLES = """\b
Examples:
  fewmult-hls train
  fewmult-hls train --dataset mnist --net 784-1024-1024-1024-10 --epochs 10
  fewmult-hls train --config runs/digits/config.toml --seed 2 --out runs/again"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--dataset",
    metavar="NAME|DIR",
    help="What to learn: a name from `fewmult-hls data list`, or a folder with IDX files "
    "or with a folder of PNG images for each class.  "
    "[default: digits]",
)
@click.option(
    "--net",
    metavar="WIDTHS",
    help="Units of each layer, from pixels to classes, such as 784-1024-10.  "
    "[default: two hidden layers of 256]",
)
@click.option(
    "--weights",
    type=click.Choice(["ternary", "binary"]),
    help="What a weight is sampled as: -1, 0 or 1, or only -1 or 1.  [default: ternary]",
)
@click.option(
    "--master-bits",
    type=click.Choice(["16", "8"]),
    help="Bits of the stored weight that the samples are drawn from.  [default: 16]",
)
@click.option(
    "--batch", type=int, metavar="N", help="16, 32, 64, 128 or 256 images.  [default: 128]"
)
@click.option(
    "--epochs",
    type=int,
    metavar="N",
    help="How often every image is learned from.  [default: 100]",
)
@click.option(
    "--rate",
    type=int,
    metavar="E",
    help="The learning rate begins at 2^E, E from -8 to 8.  [default: 3, in long runs 2; "
    "less for batches below 64, more for 256]",
)
@click.option(
    "--seed", type=int, metavar="S", help="Of all random draws, below 2^32.  [default: 1]"
)
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="Who computes: the compiled kernels, or numpy, slow, with the same bits.  [default: emu]",
)
@THREADS
@click.option(
    "--config",
    type=NamedPath(),
    metavar="FILE",
    help="The config.toml of a run to repeat; other options change it.",
)
@click.option(
    "--out", type=NamedPath(), metavar="DIR", help="Where the run goes.  [default: runs/DATASET]"
)
@click.option("--overwrite", is_flag=True, help="Replace the run that is in the folder.")
def train(
    config: Path | None, out: Path | None, overwrite: bool, threads: int | None, **options: Any
) -> None:
    """Train a network without multiplications.

    Without options, the built-in digits are learned in seconds. The run's folder gets config.toml,
    metrics.jsonl (a line an epoch), model.npz and summary.json.
    """
    from .. import runs
    from ..backends import open_backend
    from ..plan import plan_run
    from .progress import watching
    from .results import executor_text

    if options["master_bits"] is not None:
        options["master_bits"] = int(options["master_bits"])
    plan = plan_run(options, config=config, out=out, overwrite=overwrite)
    run_config, dataset, folder = plan.config, plan.dataset, plan.folder
    with closing(open_backend(run_config.backend, threads)) as backend:
        click.echo(_heading(run_config, dataset, executor_text(backend.info())))
        steps = len(dataset.train.labels) // run_config.batch
        with watching(run_config, steps) as watcher:
            summary = runs.run(run_config, dataset, backend, folder, watcher, overwrite=overwrite)
    _show(summary, dataset, folder)


def _heading(config: RunConfig, dataset: Dataset, executor: str) -> str:
    counts = [len(s.labels) for s in (dataset.train, dataset.validation, dataset.test)]
    train, validation, test = (f"{count:,}" for count in counts)
    return (
        f"{config.net} on {dataset.name}\n"
        f"{config.weights} weights, {config.master_bits}-bit masters, batch {config.batch}, "
        f"seed {config.seed}\n"
        f"{config.backend}{executor}\n"
        f"{train} images to learn from, {validation} to validate, {test} to test\n"
    )


def _show(summary: dict[str, Any], dataset: Dataset, folder: Path) -> None:
    from .results import error_text, show_rows

    tests, validations = len(dataset.test.labels), len(dataset.validation.labels)
    epochs = "1 epoch" if summary["epochs"] == 1 else f"{summary['epochs']} epochs"
    click.echo()
    show_rows(
        [
            ("test error", f"{error_text(summary['test_error'], tests)}, 8-bit weights"),
            ("", f"{error_text(summary['test_error_ternary'], tests)}, ternary weights"),
            ("validation", error_text(summary["validation_error"], validations)),
            (
                "arithmetic",
                f"{summary['multiplications_per_step']} multiplications in a training step",
            ),
            (
                "time",
                f"{summary['seconds']:,.2f} s for {epochs}, "
                f"{summary['samples_per_second']:,.0f} samples/s",
            ),
            ("fingerprint", summary["fingerprint"]),
            ("written to", str(folder)),
        ]
    )
