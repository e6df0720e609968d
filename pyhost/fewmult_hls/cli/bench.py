# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls bench``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from .arguments import JSON, THREADS, option
from .results import show_table

if TYPE_CHECKING:
    from ..proof.speed import Measured, Times


@click.command()
@THREADS
@option(
    "rounds", "How often everything is timed; medians count.", default=15, allowed=range(1, 100_001)
)
@JSON
def bench(threads: int | None, rounds: int, as_json: bool) -> None:
    """Time the kernels and the training step on this machine.

    Each kernel runs at 1024 x 1024 and batch 128, at every instruction set level that is here, on
    1 thread up to N; next to it stands its share of what the same instructions reach on registers
    alone, measured in the same run. Then whole steps of 784-1024-1024-1024-10.
    """
    from ..backends.emu import load_kernels
    from ..proof.speed import measure
    from ..system.cpu import physical_cores

    levels = load_kernels().levels()
    counts = thread_counts(threads or physical_cores())
    measured = measure(levels, counts, rounds)
    if as_json:
        click.echo(json.dumps({"machine": _machine(), "rounds": rounds, **measured.as_dict()}))
        return
    click.echo(f"{_machine()['cpu']}, medians of {rounds} rounds\n")
    for count in counts:
        _show_kernels(measured, levels, count)
    _show_steps(measured)


def thread_counts(largest: int) -> list[int]:
    """1, 2, 4, .. and the largest."""
    powers = [1 << k for k in range(largest.bit_length()) if 1 << k < largest]
    return [*powers, largest]


def _machine() -> dict[str, str]:
    import platform

    from ..system.cpu import model_name

    return {"cpu": model_name() or platform.machine(), "system": platform.system()}


def _show_kernels(measured: Measured, levels: Sequence[str], threads: int) -> None:
    table = [["", *levels]]
    for name in ("product", "gradient"):
        peaks = (_rate(measured.peaks.get((level, name))) for level in levels)
        table.append([f"peak, {name}", *peaks])
    chosen = [kernel for kernel in measured.kernels if kernel.threads == threads]
    for name in dict.fromkeys(kernel.name for kernel in chosen):
        cells = {kernel.level: _cell(measured, kernel) for kernel in chosen if kernel.name == name}
        table.append([name, *(cells[level] for level in levels)])
    what = "1 thread" if threads == 1 else f"{threads} threads"
    click.echo(f"{what}: ms, 10^9 operations/s, share of the peak")
    show_table(table)
    click.echo()


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:,.0f}"


def _cell(measured: Measured, kernel: Times) -> str:
    share = measured.share_of_peak(kernel)
    percent = "" if share is None else f" {100 * share:3.0f} %"
    return f"{kernel.milliseconds:.2f} {kernel.giga_per_second:6.1f}{percent}"


def _show_steps(measured: Measured) -> None:
    table = [["whole step", "threads", "ms", "samples/s"]]
    for step in measured.steps:
        rate = f"{step.samples_per_second:,.0f}"
        table.append([step.level, str(step.threads), f"{step.milliseconds:.2f}", rate])
    show_table(table)
    click.echo()
