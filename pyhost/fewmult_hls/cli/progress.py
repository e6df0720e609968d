# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How a run is watched: a live display on a terminal, a plain line an epoch elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ..nets.trainer import Epoch
    from ..runs.config import RunConfig
    from ..runs.course import Watcher

_LASTING_LINES = 20  # of a run on a terminal; metrics.jsonl has them all
_WIDEST = 100


@contextmanager
def watching(config: RunConfig, steps: int) -> Iterator[Watcher]:
    """A watcher for a run of ``steps`` steps an epoch, shown while the block runs."""
    from ..runs.course import Watcher
    from ..system.threads import can_start

    if not (_is_screen() and can_start(1)):  # rich draws from a thread
        yield Watcher(on_epoch=lambda epoch, error: click.echo(epoch_line(config, epoch, error)))
        return
    from rich.console import Console
    from rich.live import Live

    console = Console()
    display = Display(config, steps, console)
    with Live(
        get_renderable=display.render, console=console, transient=True, refresh_per_second=8
    ) as live:
        # Its thread would draw it first in its own time, perhaps while an epoch's line is written.
        live.refresh()
        yield Watcher(display.on_step, display.on_epoch)


def _is_screen() -> bool:
    """Whether stdout is a terminal that can go back over a line."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def epoch_line(config: RunConfig, epoch: Epoch, error: float, width: int = _WIDEST) -> str:
    """One epoch in a line; where that is too wide, without what matters least."""
    digits = len(str(config.epochs))
    line = f"epoch {epoch.epoch:{digits}}/{config.epochs}"
    for part in (
        f"hinge {epoch.hinge:.4f}",
        f"validation error {error:5.2f} %",
        f"{epoch.samples_per_second:9,.0f} samples/s",
        f"rate {_rate(epoch.rate_exponent)}",
    ):
        if len(line) + 2 + len(part) > width:
            break
        line += f"  {part}"
    return line


def _rate(exponent: float) -> str:
    return f"2^{exponent}" if isinstance(exponent, int) else f"{2**exponent:.4f}"


class Display:
    """Where a run is, redrawn several times a second, below a line for every few epochs."""

    def __init__(self, config: RunConfig, steps: int, console: Console) -> None:
        self._config = config
        self._steps = steps
        self._console = console
        self._start = self._epoch_start = time.monotonic()
        self._epoch, self._step = 1, 0
        self._hinge: float | None = None
        self._error: float | None = None
        self._speed: float | None = None
        self._trained = False

    def on_step(self, epoch: int, step: int, hinge: float) -> None:
        """See ``Watcher``."""
        self._epoch, self._step = epoch, step
        # A batch is noisy: what is shown follows it slowly.
        self._hinge = hinge if self._hinge is None else self._hinge + (hinge - self._hinge) / 8
        seconds = time.monotonic() - self._epoch_start
        self._speed = step * self._config.batch / max(seconds, 1e-9)

    def on_epoch(self, epoch: Epoch, error: float) -> None:
        """See ``Watcher``."""
        self._error = error
        self._trained = epoch.epoch == self._config.epochs
        self._epoch_start = time.monotonic()
        every = -(-self._config.epochs // _LASTING_LINES)
        if epoch.epoch % every == 0 or self._trained:
            width = min(_WIDEST, self._console.width)
            line = epoch_line(self._config, epoch, error, width)
            self._console.print(line, highlight=False)

    def render(self) -> RenderableType:
        """A bar, and the numbers below it."""
        from rich.constrain import Constrain
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        bar = ProgressBar(self._total, self._done, complete_style="cyan", finished_style="cyan")
        # A bar does not end its line; a row does.
        rows = Table.grid(expand=True)
        rows.add_row(bar)
        rows.add_row(self._numbers())
        return Constrain(rows, _WIDEST)

    @property
    def _total(self) -> int:
        return self._config.epochs * self._steps

    @property
    def _done(self) -> int:
        return (self._epoch - 1) * self._steps + self._step

    def _numbers(self) -> RenderableType:
        from rich.table import Table

        table = Table.grid(expand=True)
        for justify in ("left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        if self._trained:
            table.add_row("measuring the test error", "", "")
            return table
        epoch = f"{self._epoch:{len(str(self._config.epochs))}}/{self._config.epochs}"
        step = f"{self._step:{len(str(self._steps))}}/{self._steps}"
        table.add_row(
            f"epoch [bold]{epoch}[/]",
            f"hinge {_shown(self._hinge, '.4f')}",
            f"{_shown(self._speed, ',.0f')} samples/s",
        )
        table.add_row(
            f"step  [bold]{step}[/]",
            f"validation error {_shown(self._error, '5.2f')} %",
            f"{self._time_left()} left",
        )
        return table

    def _time_left(self) -> str:
        if not self._done:
            return "-:--"
        passed = time.monotonic() - self._start
        left = round(passed / self._done * (self._total - self._done))
        minutes, seconds = divmod(left, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else f"[bold]{value:{form}}[/]"
