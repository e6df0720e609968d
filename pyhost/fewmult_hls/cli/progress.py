# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How a run is watched: a live line on a terminal, a plain line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..config import RunConfig
    from ..runs import Watcher
    from ..training import Epoch


@contextmanager
def watching(config: RunConfig, steps: int) -> Iterator[Watcher]:
    """A watcher for a run of ``steps`` steps an epoch, shown while the block runs."""
    from ..runs import Watcher

    if not sys.stdout.isatty():
        yield Watcher(on_epoch=lambda epoch, error: click.echo(epoch_line(config, epoch, error)))
        return
    with _live(config, steps) as watcher:
        yield watcher


def epoch_line(config: RunConfig, epoch: Epoch, error: float) -> str:
    """One epoch in a line."""
    width = len(str(config.epochs))
    return (
        f"epoch {epoch.epoch:{width}}/{config.epochs}  rate 2^{epoch.rate_exponent:<2}  "
        f"hinge {epoch.hinge:.4f}  validation error {error:5.2f} %  "
        f"{epoch.samples_per_second:,.0f} samples/s"
    )


@contextmanager
def _live(config: RunConfig, steps: int) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..runs import Watcher

    columns = (
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        TextColumn("step {task.fields[step]}/{task.fields[steps]}"),
        BarColumn(bar_width=None),
        TextColumn("hinge {task.fields[hinge]:.4f}"),
        TextColumn("validation {task.fields[error]}"),
        TextColumn("{task.fields[speed]} samples/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(), transient=True) as progress:
        task = progress.add_task(
            "train",
            total=config.epochs * steps,
            epoch=1,
            epochs=config.epochs,
            step=0,
            steps=steps,
            hinge=0.0,
            error="-",
            speed="-",
        )

        def on_step(epoch: int, step: int, hinge: float) -> None:
            done = (epoch - 1) * steps + step
            progress.update(task, completed=done, epoch=epoch, step=step, hinge=hinge)

        def on_epoch(epoch: Epoch, error: float) -> None:
            speed = f"{epoch.samples_per_second:,.0f}"
            progress.update(task, error=f"{error:.2f} %", speed=speed)
            progress.console.print(epoch_line(config, epoch, error), highlight=False)

        yield Watcher(on_step, on_epoch)
