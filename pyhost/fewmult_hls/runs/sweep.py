# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Sweeps: a folder of runs over a grid of settings, each run a process of its own.

Every run gets its folder and its config.toml before the first one begins. So a sweep is nothing but
its runs: whoever looks into the folder, another sweep or a job array, goes on with those that are
not finished.
"""

from __future__ import annotations

import functools
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..datasets import load_wanted
from ..system.cpu import physical_cores
from ..system.errors import UsageError
from ..system.files import check_no_file, open_regular, reading, resolved, write_atomic, writing
from ..system.locking import lock_inside, locked
from ..system.processes import Ended, run_all
from . import run as runs
from .config import OPTIONS, RunConfig, read_config
from .folder import RunFolder
from .grid import Grid, names_of, points
from .plan import check_asked, complete_config

JOBS = "sweep.slurm"
_SIGN = "# Written by fewmult-hls sweep"
_BEGIN = 1 << 10  # bytes of a file, among which its sign is


@dataclass(frozen=True)
class Sweep:
    """Runs that lie in one folder.

    Attributes:
        folder: of them all.
        configs: by the names of their folders in it.
    """

    folder: Path
    configs: dict[str, RunConfig]

    @property
    def unfinished(self) -> list[str]:
        """The names of the runs that are not finished."""
        return [name for name in self.configs if not runs.is_finished(self.folder / name)]

    def execute(self, at_once: int, threads: int | None) -> Iterator[tuple[str, Ended]]:
        """Runs what is not finished, so many at a time, and gives each as it ends.

        Args:
            at_once: processes.
            threads: of each, by default its share of the cores.

        Raises:
            UsageError: another process runs this sweep.
        """
        share = threads or max(1, physical_cores() // at_once)
        with locked(lock_inside(self.folder), self.folder):
            names = self.unfinished
            commands = [self._command(name, str(share)) for name in names]
            for ended in run_all(commands, at_once):
                yield names[ended.number], ended

    def write_jobs(self, threads: int | None) -> Path:
        """Writes a job array for Slurm, a task a run, beside the runs.

        Raises:
            FewmultError: it cannot be written.
        """
        path = self.folder / JOBS
        share = '"${SLURM_CPUS_PER_TASK:-1}"'
        has_threads = all(config.backend == "emu" for config in self.configs.values())
        more = ["--threads", share] if has_threads else []
        command = [*map(shlex.quote, _PROGRAM), '"$folder/${runs[$SLURM_ARRAY_TASK_ID]}"']
        lines = [
            "#!/bin/bash",
            f"{_SIGN}: a task a run, which begins, goes on, or is finished. Submit it at will.",
            "#SBATCH --job-name=fewmult-hls",
            f"#SBATCH --array=0-{len(self.configs) - 1}",
            f"#SBATCH --cpus-per-task={threads or 1}",
            "#SBATCH --requeue",
            "#SBATCH --signal=B:TERM@120",  # before the time is over, for a checkpoint
            f"folder={shlex.quote(str(resolved(self.folder)))}",
            f"runs=({' '.join(map(shlex.quote, self.configs))})",
            " ".join(["exec", *command, "--continue", *more]),
        ]
        if path.exists() and not _is_signed(path):
            raise UsageError(f"{path} is of no sweep: move it away, or name another folder")
        write_atomic(path, "\n".join(lines) + "\n")
        return path

    def _command(self, name: str, threads: str) -> list[str]:
        emu = self.configs[name].backend == "emu"
        more = ["--threads", threads] if emu else []
        return [*_PROGRAM, str(self.folder / name), "--continue", *more]


def _is_signed(path: Path) -> bool:
    """Whether a file begins as a sweep's does."""
    with open_regular(path) as file:
        return _SIGN.encode() in file.read(_BEGIN)


_PROGRAM = (sys.executable, "-m", "fewmult_hls", "train", "--resume")


def failures(ends: Iterable[tuple[str, Ended]]) -> dict[str, str]:
    """What runs that failed said last, by their names."""
    return {name: said_last(ended) for name, ended in ends if ended.code}


def said_last(ended: Ended) -> str:
    """The last line of a process, for people."""
    line = next((line for line in reversed(ended.lines) if line), "it said nothing")
    return line.removeprefix("error: ")


def plan_sweep(
    grid: Grid,
    options: Mapping[str, Any],
    *,
    preset: str | None = None,
    config: Path | None = None,
) -> dict[str, RunConfig]:
    """The configs of all runs, complete and checked, by the names of their folders.

    Args:
        grid: values by the names of options.
        options: of all runs, by the names of options; None where there is none.
        preset: see ``plan_run``.
        config: see ``plan_run``.

    Raises:
        UsageError: a run that cannot be, or a setting that is in both.
        FewmultError: data or memory are not there.
    """
    for name in grid:
        if options.get(name) is not None:
            raise UsageError(f"{name} is in the grid: leave out {OPTIONS[name].flag}")
    load = functools.cache(load_wanted)
    there = points(grid)
    configs = [complete_config({**options, **point}, preset, config, load) for point in there]
    return dict(zip(names_of(there), configs, strict=True))


def begin_sweep(folder: Path, configs: Mapping[str, RunConfig], *, go_on: bool) -> Sweep:
    """A folder with a run for each config, none of which need have begun.

    Args:
        folder: of the sweep.
        configs: by the names of the runs' folders.
        go_on: runs may be there already, if they have these configs.

    Raises:
        UsageError: a folder holds another run, or any if it must not, or files of others.
        FewmultError: the folder cannot be written.
    """
    with writing(folder):
        check_no_file(folder, "a sweep")
        folder.mkdir(parents=True, exist_ok=True)
    with locked(lock_inside(folder), folder):
        if not go_on and run_folders(folder):
            raise UsageError(f"{folder} holds runs: add --continue, or name another with --out")
        new = []
        for name, config in configs.items():
            if runs.holds_run(folder / name):
                check_asked(config, folder / name)
            else:
                runs.check_folder(folder / name, overwrite=False)
                new.append(name)
        for name in new:
            place = RunFolder(folder / name)
            with place.opened():
                place.begin(configs[name], overwrite=False)
    return Sweep(folder, dict(configs))


def read_sweep(folder: Path) -> Sweep:
    """The runs in a folder.

    Raises:
        UsageError: there are none.
    """
    there = run_folders(folder)
    if not there:
        raise UsageError(f"{folder} holds no runs: name the folder of a sweep")
    return Sweep(folder, {path.name: read_config(path / runs.CONFIG) for path in there})


def run_folders(folder: Path) -> list[Path]:
    """The folders of runs in a folder, in the order of the numbers in their names."""
    with reading(folder):
        there = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
        return sorted((path for path in there if (path / runs.CONFIG).is_file()), key=_order)


def expanded(folders: Sequence[Path]) -> list[Path]:
    """Folders of runs; for one of a sweep, those of its runs."""
    return [
        run
        for folder in folders
        for run in ([] if (folder / runs.CONFIG).exists() else run_folders(folder)) or [folder]
    ]


def _order(path: Path) -> list[tuple[bool, int, str]]:
    """Numbers by their size, all else as texts."""
    parts = re.split(r"(\d{1,18})", path.name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
