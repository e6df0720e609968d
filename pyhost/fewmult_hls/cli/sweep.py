# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls sweep``, and the seeds of ``fewmult-hls train``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..system.errors import FewmultError, UsageError
from ..system.processes import AT_ONCE
from .arguments import THREADS, examples, flag, option, path, settings

if TYPE_CHECKING:
    from ..runs.sweep import Sweep


@click.command(
    epilog=examples(
        "fewmult-hls sweep seed=1-5 rate=2,3 --epochs 50 --jobs 2",
        "fewmult-hls sweep seed=1-100 --preset mnist-quick --out runs/many --slurm",
        "fewmult-hls sweep --resume runs/many --jobs 4",
    )
)
@click.argument("grid", metavar="NAME=VALUES..", nargs=-1)
@settings
@option("preset", "Settings that belong together: see `presets`.", metavar="NAME")
@path("config", "FILE", "The config.toml of a run to repeat; other options change it.")
@option("jobs", "Runs at a time, as processes of this machine.", default=1, allowed=AT_ONCE)
@THREADS
@path("out", "DIR", "Where the runs go, a folder each.", says="runs/sweep; runs/sweep-2 ..")
@flag("continue", "Runs may be there already, in part or in whole.", to="continues")
@path("resume", "DIR", "Go on with the runs in DIR that are not finished.")
@flag("slurm", "Write a job array for Slurm into the folder instead of running anything.")
def sweep(
    grid: tuple[str, ...],
    preset: str | None,
    config: Path | None,
    jobs: int,
    threads: int | None,
    out: Path | None,
    continues: bool,
    resume: Path | None,
    slurm: bool,
    **options: Any,
) -> None:
    """Train over a grid: a run for each combination of settings.

    NAME is an option of `train` without its dashes, VALUES are separated by commas; of numbers, 1-5
    are five. Options hold for all runs. Interrupted, a sweep stops its runs, which leave
    checkpoints; what is finished stays. At its end, `compare` shows their table.
    """
    from ..runs.sweep import read_sweep

    if resume is not None:
        given = [name for name, value in options.items() if value is not None]
        if grid or given or preset or config or out:
            raise UsageError("--resume goes on with the runs that are there: leave the rest out")
        execute(read_sweep(resume), jobs, threads, slurm=slurm)
        return
    from ..runs.grid import read_grid

    values = read_grid(grid)
    begin_and_execute(
        values,
        options,
        preset=preset,
        config=config,
        out=out,
        first=Path("runs/sweep"),
        continues=continues,
        jobs=jobs,
        threads=threads,
        slurm=slurm,
    )


def begin_and_execute(
    grid: dict[str, list[Any]],
    options: Mapping[str, Any],
    *,
    preset: str | None,
    config: Path | None,
    out: Path | None,
    first: Path,
    continues: bool,
    jobs: int,
    threads: int | None,
    slurm: bool = False,
) -> None:
    """Makes the runs of a grid, and runs them; without ``out`` in ``first`` or what follows it."""
    from ..runs.sweep import begin_sweep, plan_sweep

    if continues and out is None:
        raise UsageError("--continue needs --out, the folder to go on in")
    configs = plan_sweep(grid, options, preset=preset, config=config)
    with _placed(out, first) as folder:
        execute(begin_sweep(folder, configs, go_on=continues), jobs, threads, slurm=slurm)


def _placed(out: Path | None, first: Path) -> AbstractContextManager[Path]:
    from ..runs.numbering import numbered

    return numbered(first) if out is None else nullcontext(out)


def execute(sweep: Sweep, jobs: int, threads: int | None, *, slurm: bool = False) -> None:
    """Runs what is not finished, a line for each that has ended, and then the table of all.

    Raises:
        FewmultError: a run failed.
    """
    from ..runs.sweep import said_last
    from ..runs.table import read_table
    from .compare import show_table_of

    if slurm:
        click.echo(f"submit with: {shlex.join(['sbatch', str(sweep.write_jobs(threads))])}")
        return
    total, left = len(sweep.configs), sweep.unfinished
    click.echo(f"{sweep.folder}: {total} runs, {total - len(left)} of them finished")
    failed = []
    with _resumable(sweep.folder):
        for number, (name, ended) in enumerate(sweep.execute(jobs, threads), 1):
            if ended.code:
                failed.append(name)
                click.echo(f"{name} failed: {said_last(ended)}", err=True)
            else:
                click.echo(f"[{number}/{len(left)}] {name}: {_result(sweep.folder / name)}")
    there = [sweep.folder / name for name in sweep.configs if name not in failed]
    if there:
        click.echo()
        show_table_of(read_table(there))
    if failed:
        raise FewmultError(
            f"{len(failed)} of {total} runs failed: go on with {_again(sweep.folder)}"
        )


def _result(folder: Path) -> str:
    from ..runs.record import read_run

    summary = read_run(folder).summary
    if summary is None:
        return "not finished"
    error, epoch = summary["validation_error"], summary["best_epoch"]
    return f"validation error {error:.2f} %, epoch {epoch}"


def _again(folder: Path) -> str:
    return shlex.join(["fewmult-hls", "sweep", "--resume", str(folder)])


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Whatever ends the block from outside is followed by the command that goes on."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, OSError) or not isinstance(error, Exception):
            with suppress(OSError):  # a terminal that hung up
                click.echo(f"go on with: {_again(folder)}", err=True)
        raise


def seeds_of(text: str) -> Sequence[Any]:
    """Seeds such as ``1-5`` or ``1,3,7``."""
    from ..runs.grid import read_grid

    return read_grid([f"seed={text}"])["seed"]
