# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run while a process works in it: locked, and put right if others remove from it.

Only the names below are a run's; what else lies in the folder is its user's, and stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ..system.errors import FewmultError, UsageError
from ..system.files import (
    append_line,
    check_no_file,
    read_file,
    reading,
    sweep,
    write_atomic,
    writing,
)
from ..system.locking import Lock, check_free, lock_inside, locked
from ..system.placing import is_settled, placed_files, settle
from .checkpoints import checkpoint_files, has_checkpoint, sweep_checkpoints
from .config import RunConfig, load_config, save_config
from .signs import is_of_a_run

CONFIG = "config.toml"
METRICS = "metrics.jsonl"
MODEL = "model.npz"
SUMMARY = "summary.json"
_MAX_CONFIG = 1 << 16


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Whether a run may go into a folder; changes nothing of a run.

    Raises:
        UsageError: it is a file, another process works in it, it holds another run and
            ``overwrite`` is not set, or files of a run's names that are of no run.
        FewmultError: it cannot be looked into.
    """
    with writing(folder):
        check_no_file(folder, "a run")
        check_free(lock_inside(folder), folder)
        finish_replacing(folder)
        _check_there(folder, overwrite=overwrite)


def _check_there(folder: Path, *, overwrite: bool) -> None:
    there = _named_files(folder)
    foreign = next((path for path in there if not is_of_a_run(path)), None)
    if foreign is not None:
        raise UsageError(f"{foreign} is of no run: move it away, or name another folder with --out")
    if not there or overwrite:
        return
    if folder / SUMMARY in there:
        state, more = "another", ""
    else:
        state = "an unfinished"
        more = f"go on with --resume {folder}, " if has_checkpoint(folder) else ""
    raise UsageError(
        f"{folder} holds {state} run: {more}name another folder with --out or add --overwrite"
    )


def check_free_run(folder: Path) -> None:
    """Whether there is a folder in which this process may work.

    Raises:
        UsageError: there is no such folder, or another process works in it.
    """
    with reading(folder):
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}")
    check_free(lock_inside(folder), folder)
    finish_replacing(folder)


def check_no_summary(folder: Path) -> None:
    """Whether the run in a folder is unfinished.

    Raises:
        UsageError: it is finished.
    """
    if is_finished(folder):
        raise UsageError(
            f"{folder} holds a finished run: there is nothing to resume; --epochs N extends it"
        )


def holds_run(folder: Path) -> bool:
    """Whether there is a run in a folder, finished or not; finishes what a killed process began.

    Raises:
        UsageError: another process works there.
    """
    with reading(folder):
        if not folder.is_dir():
            return False
    check_free_run(folder)
    return os.path.lexists(folder / CONFIG) and is_of_a_run(folder / CONFIG)


def is_finished(folder: Path) -> bool:
    """Whether the run in a folder has come to its end."""
    return (folder / SUMMARY).exists()


def finish_replacing(folder: Path) -> None:
    """Finish what a process that was killed had begun: to put one run in the place of another.

    For all that reads the files of a run.

    Raises:
        UsageError: another process is doing so.
        FewmultError: the folder cannot be written.
    """
    with reading(folder):
        settled = is_settled(folder)
    if not settled:
        with writing(folder), locked(lock_inside(folder), folder):
            settle(folder)


def _named_files(folder: Path) -> list[Path]:
    """What is there under the names of a run; the summary, which says that it is whole, first."""
    named = (folder / SUMMARY, folder / MODEL, *checkpoint_files(folder), folder / METRICS)
    return [path for path in (*named, folder / CONFIG) if os.path.lexists(path)]


class RunFolder:
    """The folder of a run, which this process works in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: Lock | None = None
        self._config = b""
        self._lines = 0
        self._stamp: tuple[int, ...] | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the folder's lock while the block runs; the folder is made if it is not there.

        Raises:
            UsageError: another process holds it.
            FewmultError: the folder cannot be written.
        """
        self._enter()
        try:
            with writing(self.path):
                settle(self.path)
                self._sweep()
            yield
        finally:
            if self._lock is not None:
                self._lock.release()

    def begin(self, config: RunConfig, *, overwrite: bool) -> None:
        """Establishes a run: from now on the folder has nothing of an earlier one, but its config.

        Raises:
            UsageError: see ``check_folder``.
            FewmultError: the folder cannot be written; an earlier run is still there.
        """
        _check_there(self.path, overwrite=overwrite)
        with placed_files(self.path, _named_files(self.path)) as new:
            save_config(new / CONFIG, config)
            self._config = read_file(new / CONFIG, _MAX_CONFIG)

    def extend(self, config: RunConfig) -> None:
        """Makes a finished run an unfinished one of a longer config, in one step.

        Its model stays until there is a new one.

        Raises:
            FewmultError: the folder cannot be written; the run is still finished.
        """
        with placed_files(self.path, [self.path / SUMMARY]) as new:
            save_config(new / CONFIG, config)

    def go_on(self, config: RunConfig, metrics: Sequence[str]) -> None:
        """Takes up a run whose config and metrics are these from now on."""
        path = self.path / CONFIG
        if load_config(path) != asdict(config):
            save_config(path, config)
        self._config = read_file(path, _MAX_CONFIG)
        self._write_metrics(metrics)

    def keep(self, metrics: Sequence[str]) -> None:
        """Brings config and metrics on disk up to date, whatever others did to them.

        Args:
            metrics: all lines of the run; none is ever taken back.

        Raises:
            FewmultError: they cannot be written, or another run is in the folder's place.
        """
        self.come_back()
        self._keep_config()
        path = self.path / METRICS
        if _stamp(path) != self._stamp or not self._lines <= len(metrics) <= self._lines + 1:
            self._write_metrics(metrics)
        elif len(metrics) > self._lines:
            append_line(path, metrics[-1])
            self._lines, self._stamp = len(metrics), _stamp(path)

    def _enter(self) -> None:
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(lock_inside(self.path), self.path)

    def _sweep(self) -> None:
        for name in (CONFIG, METRICS, MODEL, SUMMARY):
            sweep(self.path, name)
        sweep_checkpoints(self.path)

    def come_back(self) -> None:
        """Enters the folder again if it was removed; never mixes with what took its place.

        Raises:
            FewmultError: it cannot be written, or another run is in its place.
        """
        assert self._lock is not None
        if self._lock.is_there:
            return
        self._lock.release()
        self._enter()
        if _named_files(self.path) and not self._has_config():
            self._lock.release()
            raise FewmultError(
                f"{self.path} is no longer the folder of this run, which ends here: "
                "what was saved went where its folder went"
            )

    def _keep_config(self) -> None:
        if not self._has_config():
            write_atomic(self.path / CONFIG, self._config)

    def _has_config(self) -> bool:
        try:
            return read_file(self.path / CONFIG, len(self._config)) == self._config
        except FewmultError:
            return False

    def _write_metrics(self, metrics: Sequence[str]) -> None:
        path = self.path / METRICS
        write_atomic(path, "".join(f"{line}\n" for line in metrics))
        self._lines, self._stamp = len(metrics), _stamp(path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Changes whenever others write to a file or put another in its place; None without any."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
