# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls train``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..backends.names import BACKENDS, Device
from ..contract.method_names import FLOATING, METHODS
from .arguments import THREADS, NamedPath, device_options

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..runs.config import RunConfig

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
    "--method",
    type=click.Choice(METHODS),
    help="Column of the paper's table. Without multiplications: weights are sampled as -1, 0 or 1 "
    "(ternary-qbp), or as -1 or 1. To compare, in numpy, with multiplications: float, and binary "
    "(BinaryConnect).  [default: ternary-qbp]",
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
    help="Who computes: the compiled kernels; numpy, slow; or a board through pynq. All leave the "
    "same bits.  [default: emu]",
)
@click.option(
    "--perturb",
    type=int,
    metavar="N",
    help="Learn from every batch once more, each pixel moved by N of 127 against the net: 16 makes "
    "a net much better.  [default: 0, not at all]",
)
@click.option(
    "--sharpen",
    type=int,
    metavar="N",
    help="In the last N of six phases, 0 to 5, samples come nearer to the weights that are "
    "deployed.  [default: 0]",
)
@click.option(
    "--patience",
    type=int,
    metavar="N",
    help="End after N epochs without a lower validation error.  [default: 0, never]",
)
@click.option(
    "--checkpoint-every",
    type=int,
    metavar="N",
    help="Epochs between checkpoints; an interrupt leaves one too.  [default: 10]",
)
@device_options
@THREADS
@click.option("--preset", metavar="NAME", help="Settings that belong together: see `presets`.")
@click.option(
    "--config",
    type=NamedPath(),
    metavar="FILE",
    help="The config.toml of a run to repeat; other options change it.",
)
@click.option(
    "--out", type=NamedPath(), metavar="DIR", help="Where the run goes.  [default: runs/DATASET]"
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the run that is in the folder; other files stay."
)
@click.option(
    "--resume",
    type=NamedPath(),
    metavar="DIR",
    help="Go on with the interrupted run in DIR, to the bits of an unbroken one. Data that have "
    "moved are named with --dataset.",
)
def train(
    config: Path | None,
    preset: str | None,
    out: Path | None,
    overwrite: bool,
    resume: Path | None,
    device: Device | None,
    threads: int | None,
    **options: Any,
) -> None:
    """Train a network without multiplications.

    Without options, the built-in digits are learned in seconds. The run's folder gets config.toml,
    metrics.jsonl (a line an epoch), checkpoints, model.npz with the weights of the epoch that
    validated best, and summary.json.
    """
    if resume is not None:
        others = {"config": config, "preset": preset, "out": out, **options}
        _go_on(resume, others, overwrite, threads, device)
        return
    from ..backends import open_backend
    from ..runs import run as runs
    from ..runs.plan import plan_run
    from .progress import watching
    from .results import executor_text

    if options["master_bits"] is not None:
        options["master_bits"] = int(options["master_bits"])
    plan = plan_run(options, preset=preset, config=config, out=out, overwrite=overwrite)
    run_config, dataset, folder = plan.config, plan.dataset, plan.folder
    with closing(open_backend(run_config.backend, threads, device)) as backend:
        click.echo(_heading(run_config, dataset, executor_text(backend.info())))
        steps = len(dataset.train.labels) // run_config.batch
        with _resumable(folder) as begin, watching(run_config, steps) as shown:
            watcher = replace(shown, on_begin=begin)
            summary = runs.run(run_config, dataset, backend, folder, watcher, overwrite=overwrite)
    _show(summary, dataset, folder)


@contextmanager
def _resumable(folder: Path) -> Iterator[Callable[[], None]]:
    """Give what a run calls when it has its folder; an interrupt after that says how to go on.

    Output that nobody takes any more is an interrupt, too.
    """
    begun: list[bool] = []
    try:
        yield lambda: begun.append(True)
    except BaseException as error:
        if begun and (isinstance(error, OSError) or not isinstance(error, Exception)):
            with suppress(OSError):  # a terminal that hung up
                command = shlex.join(["fewmult-hls", "train", "--resume", str(folder)])
                click.echo(f"go on with: {command}", err=True)
        raise


def _go_on(
    folder: Path,
    options: dict[str, Any],
    overwrite: bool,
    threads: int | None,
    device: Device | None,
) -> None:
    """``--resume``: the run's own config counts, but for who computes and where the data are."""
    from ..backends import open_backend
    from ..datasets import load
    from ..runs import run as runs
    from ..runs.config import read_config
    from ..system.errors import FewmultError, UsageError
    from .progress import watching
    from .results import executor_text

    backend_name, dataset_name = options.pop("backend"), options.pop("dataset")
    given = [name for name, value in options.items() if value is not None]
    if given or overwrite:
        name = (given or ["overwrite"])[0].replace("_", "-")
        raise UsageError(f"--resume goes on with the run's own settings: leave out --{name}")
    runs.check_unfinished(folder)
    config = read_config(folder / runs.CONFIG)
    if backend_name is not None:
        config = replace(config, backend=backend_name)
    if dataset_name is not None:
        config = replace(config, dataset=runs.lasting_name(dataset_name))
    try:
        dataset = load(config.dataset)
    except FewmultError as error:
        if "--dataset" in str(error) or dataset_name is not None:
            raise
        raise type(error)(f"{error}; if the data have moved, say where with --dataset") from error
    runs.check_fit(config.spec, dataset)
    runs.check_memory(config.spec, dataset)
    with closing(open_backend(config.backend, threads, device)) as backend:
        click.echo(_heading(config, dataset, executor_text(backend.info())))
        steps = len(dataset.train.labels) // config.batch
        with _resumable(folder) as begin, watching(config, steps) as shown:
            watcher = replace(shown, on_begin=begin)
            summary, complaints = runs.resume(config, dataset, backend, folder, watcher)
    for complaint in complaints:
        click.echo(f"warning: {complaint}; the one before it was taken", err=True)
    _show(summary, dataset, folder)


def _heading(config: RunConfig, dataset: Dataset, executor: str) -> str:
    counts = [len(s.labels) for s in (dataset.train, dataset.validation, dataset.test)]
    train, validation, test = (f"{count:,}" for count in counts)
    return (
        f"{config.net} on {dataset.name}\n"
        f"{config.method}, {_numbers(config)}, batch {config.batch}, seed {config.seed}\n"
        f"{config.backend}{executor}\n"
        f"{train} images to learn from, {validation} to validate, {test} to test\n"
    )


def _numbers(config: RunConfig) -> str:
    if config.method in FLOATING:
        return "in floating point, with multiplications"
    return f"{config.master_bits}-bit masters"


def _show(summary: dict[str, Any], dataset: Dataset, folder: Path) -> None:
    from .results import error_text, show_rows

    tests, validations = len(dataset.test.labels), len(dataset.validation.labels)
    trained = summary["epochs_trained"]
    epochs = "1 epoch" if trained == 1 else f"{trained} epochs"
    click.echo()
    show_rows(
        [
            *_errors(summary, tests),
            (
                "validation",
                f"{error_text(summary['validation_error'], validations)}, "
                f"epoch {summary['best_epoch']}",
            ),
            (
                "arithmetic",
                f"{summary['multiplications_per_step']:,} multiplications in a training step",
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


def _errors(summary: dict[str, Any], tests: int) -> Iterator[tuple[str, str]]:
    """A row for each kind of weights: the full ones, and those that are deployed."""
    from .results import error_text

    full = "real-valued" if summary["method"] in FLOATING else "8-bit"
    name = "test error"
    for key, error in summary.items():
        if key.startswith("test_error"):
            kind = key[len("test_error_") :] or full
            yield name, f"{error_text(error, tests)}, {kind} weights"
            name = ""
