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

from ..backends.names import Device
from ..system.errors import UsageError
from .arguments import THREADS, device_options, examples, flag, option, path, settings

if TYPE_CHECKING:
    from ..runs.plan import Finished, Plan


@click.command(
    epilog=examples(
        "fewmult-hls train",
        "fewmult-hls train --dataset mnist --net 784-1024-1024-1024-10 --epochs 10",
        "fewmult-hls train --from runs/digits --dataset pets --epochs 20",
        "fewmult-hls train --config runs/digits/config.toml --seed 2 --out runs/again",
    )
)
@settings
@device_options
@THREADS
@option("preset", "Settings that belong together: see `presets`.", metavar="NAME")
@path("config", "FILE", "The config.toml of a run to repeat; other options change it.")
@path("out", "DIR", "Where the run goes.", says="runs/DATASET; if that is there, runs/DATASET-2 ..")
@flag("overwrite", "Replace the run that is in the folder; other files stay.")
@path(
    "resume",
    "DIR",
    "Go on with the interrupted run in DIR, to the bits of an unbroken one; with --epochs N extend "
    "a finished one to N epochs. Data that have moved are named with --dataset.",
)
@option("seeds", "Several runs, in one folder each, and their table: 1-5, or 1,3,7.", metavar="S-S")
@flag(
    "continue",
    "For jobs that start again: begin the run in --out, go on with it, or say that it is finished; "
    "also with --resume.",
    to="continues",
)
def train(
    config: Path | None,
    preset: str | None,
    out: Path | None,
    overwrite: bool,
    resume: Path | None,
    seeds: str | None,
    continues: bool,
    device: Device | None,
    threads: int | None,
    **options: Any,
) -> None:
    """Train a network without multiplications.

    Without options, the built-in digits are learned in seconds. The run's folder gets config.toml,
    metrics.jsonl (a line an epoch), checkpoints, model.npz with the weights of the epoch that
    validated best, and summary.json.
    """
    from ..runs.plan import Finished, finished_with, plan_run, plan_to_continue, plan_to_go_on

    if seeds is not None:
        if resume is not None or overwrite or device is not None:
            raise UsageError("--seeds makes new runs: leave out --resume, --overwrite, --device")
        _train_seeds(seeds, options, preset, config, out, continues, threads)
        return
    found: Plan | Finished | None = None
    if resume is not None:
        others = {"config": config, "preset": preset, "out": out, "overwrite": overwrite or None}
        found = finished_with(resume, options["epochs"]) if continues else None
        found = found or plan_to_go_on(resume, {**others, **options})
    elif continues:
        if out is None or overwrite:
            raise UsageError("--continue needs --out, the folder to begin in, and no --overwrite")
        found = plan_to_continue(options, preset=preset, config=config, out=out)
    else:
        found = plan_run(options, preset=preset, config=config, out=out, overwrite=overwrite)
    if isinstance(found, Finished):
        click.echo(f"{found.folder} is finished, fingerprint {found.summary['fingerprint']}")
        return
    _execute(found, threads, device)


def _train_seeds(
    seeds: str,
    options: dict[str, Any],
    preset: str | None,
    config: Path | None,
    out: Path | None,
    continues: bool,
    threads: int | None,
) -> None:
    """A sweep over seeds, one run after the other."""
    from .sweep import begin_and_execute, seeds_of

    begin_and_execute(
        {"seed": list(seeds_of(seeds))},
        options,
        preset=preset,
        config=config,
        out=out,
        first=Path("runs/seeds"),
        continues=continues,
        jobs=1,
        threads=threads,
    )


def _execute(plan: Plan, threads: int | None, device: Device | None) -> None:
    from ..backends import open_backend
    from .progress import watching
    from .results import executor_text, show_notes

    with (
        closing(open_backend(plan.config.backend, threads, device)) as backend,
        plan.placed() as plan,
    ):
        click.echo(_heading(plan, executor_text(backend.info())))
        show_notes(plan.dataset.notes)
        with _resumable(plan.folder) as begin, watching(plan.config, plan.steps) as shown:
            summary, complaints = plan.execute(backend, replace(shown, on_begin=begin))
    for complaint in complaints:
        click.echo(f"warning: {complaint}; the one before it was taken", err=True)
    _show(summary, plan)


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


def _heading(plan: Plan, executor: str) -> str:
    data = plan.dataset
    begun = f"{plan.start.text(data)}\n" if plan.start is not None else ""
    counts = (f"{len(split.labels):,}" for split in data.splits)
    made = "".join(f"{step}\n" for step in data.preprocessing.steps)
    return (
        f"{plan.config.net} on {data.name}\n{made}{begun}{plan.config.heading}\n"
        f"{plan.config.backend}{executor}\n"
        "{} images to learn from, {} to validate, {} to test\n".format(*counts)
    )


def _show(summary: dict[str, Any], plan: Plan) -> None:
    from .results import error_text, show_rows

    tests, validations = len(plan.dataset.test.labels), len(plan.dataset.validation.labels)
    trained = summary["epochs_trained"]
    epochs = "1 epoch" if trained == 1 else f"{trained} epochs"
    click.echo()
    validation = error_text(summary["validation_error"], validations)
    multiplications, rate = summary["multiplications_per_step"], summary["samples_per_second"]
    host = summary["host_multiplications"]
    show_rows(
        [
            *_errors(summary, plan, tests),
            ("validation", f"{validation}, epoch {summary['best_epoch']}"),
            ("arithmetic", f"{multiplications:,} multiplications in a training step"),
            *([("whitening", f"{host:,} multiplications on the host, before it")] if host else []),
            ("time", f"{summary['seconds']:,.2f} s for {epochs}, {rate:,.0f} samples/s"),
            ("fingerprint", summary["fingerprint"]),
            ("written to", str(plan.folder)),
        ]
    )


def _errors(summary: dict[str, Any], plan: Plan, tests: int) -> Iterator[tuple[str, str]]:
    """A row for each kind of weights, that of ``test_error`` first."""
    from .results import error_text

    errors = [error for key, error in summary.items() if key.startswith("test_error")]
    name = "test error"
    for precision, error in zip(plan.config.spec.precisions, errors, strict=True):
        yield name, f"{error_text(error, tests)}, {precision} weights"
        name = ""
