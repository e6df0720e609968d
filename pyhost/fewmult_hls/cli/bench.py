# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls bench``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..system.errors import UsageError
from .arguments import JSON, PRESET, THREADS, examples, option, setting
from .results import show_rows, show_table

if TYPE_CHECKING:
    from ..proof.speed import Measured, Times, Timing
    from ..proof.step_speed import StepMeasured


@click.command(
    epilog=examples(
        "fewmult-hls bench",
        "fewmult-hls bench --net 3x32x32-32C3p-P2-64C3p-P2-128-10 --threads 1",
        "fewmult-hls bench --preset cifar10-small",
    )
)
@THREADS
@option(
    "rounds", "How often everything is timed; medians count.", default=15, allowed=range(1, 100_001)
)
@PRESET
@option("net", "Time the step of this net, call by call, in place of the kernels.", metavar="TEXT")
@setting("batch", help="Examples a step of --net.", says="")
@setting("flip")
@setting("crop")
@JSON
def bench(
    threads: int | None,
    rounds: int,
    net: str | None,
    batch: int,
    flip: bool,
    crop: int,
    as_json: bool,
) -> None:
    """Time the kernels and the training step on this machine.

    Each kernel runs at 1024 x 1024 and batch 128, at every instruction set level that is here, on
    1 thread up to N; next to it stands its share of what the same instructions reach on registers
    alone, measured in the same run. Then whole steps of 784-1024-1024-1024-10.

    With --net or --preset, a step of that net at the fastest level: each layer's forward and
    backward pass and gradient, what stands between them, and memory.
    """
    from ..system.cpu import physical_cores

    counts = thread_counts(threads or physical_cores())
    if net is not None:
        _bench_net(net, batch, (flip, crop), counts, rounds, as_json)
        return
    for name, moves in (("flip", flip), ("crop", crop)):
        if moves:
            raise UsageError(f"--{name} belongs to --net: the kernels alone move no images")

    from ..backends.emu import load_kernels
    from ..proof.speed import measure

    levels = load_kernels().levels()
    measured = measure(levels, counts, rounds)
    if as_json:
        _show_json(rounds, measured.as_dict())
        return
    click.echo(f"{_machine()['cpu']}, medians of {rounds} rounds\n")
    for count in counts:
        _show_kernels(measured, levels, count)
    _show_steps(measured)


def _bench_net(
    net: str,
    batch: int,
    moves: tuple[bool, int],
    counts: Sequence[int],
    rounds: int,
    as_json: bool,
) -> None:
    from ..layers.augmentation import Augmentation
    from ..nets.network import NetworkSpec
    from ..proof.step_speed import measure_step

    spec = NetworkSpec.parse(net, batch=batch)
    measured = measure_step(spec, counts, rounds, Augmentation(*moves))
    if as_json:
        _show_json(rounds, measured.as_dict())
        return
    peaks = ", ".join(f"{name} {rate:,.0f}" for name, rate in measured.peaks.items())
    click.echo(f"{_machine()['cpu']}, {measured.level}, medians of {rounds} rounds")
    click.echo(f"{spec.name}, batch {batch}")
    click.echo(f"peak, 10^9 operations/s: {peaks or 'none at this level'}\n")
    for step in measured.steps:
        _show_step(measured, step)
    _show_memory(measured)


def _show_json(rounds: int, found: dict[str, Any]) -> None:
    click.echo(json.dumps({"machine": _machine(), "rounds": rounds, **found}))


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


def _show_step(measured: StepMeasured, step: Timing) -> None:
    """A row for each call, and one for each part of the step."""
    rows = [(call.name, call.part, call.calls, call) for call in measured.of_threads(step.threads)]
    table = [["call", "part", "calls", "ms", "10^9/s", "peak"]]
    table += [[name, part, str(calls), *_numbers(measured, of)] for name, part, calls, of in rows]
    for part in dict.fromkeys(part for _, part, _, _ in rows):
        calls = sum(row[2] for row in rows if row[1] == part)
        together = _numbers(measured, measured.together(step.threads, part))
        table.append(["together", part, str(calls), *together])
    click.echo("1 thread" if step.threads == 1 else f"{step.threads} threads")
    show_table(table)
    rate = f"{step.samples_per_second:,.0f}"
    click.echo(f"a step: {step.milliseconds:.2f} ms, {rate} samples/s\n")


def _numbers(measured: StepMeasured, timing: Timing) -> list[str]:
    share = measured.share_of_peak(timing)
    return [
        f"{timing.milliseconds:.2f}",
        f"{timing.giga_per_second:.1f}" if timing.operations else "-",
        "-" if share is None else f"{100 * share:.0f} %",
    ]


def _show_memory(measured: StepMeasured) -> None:
    memory = measured.memory
    sizes = {
        "activations of a batch": memory.activations,
        "weights and biases": memory.weights,
        "activations and 4 times the weights": memory.activations + 4 * memory.weights,
        "all arrays of a step": memory.arrays,
        "growth of the process at its peak": memory.grown,
    }
    known = ((name, size) for name, size in sizes.items() if size is not None)
    show_rows([(name, f"{size / 1e6:,.1f} MB") for name, size in known])
