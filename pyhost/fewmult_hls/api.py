# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Training from Python (docs/api.md): ``fewmult_hls.train`` and ``fewmult_hls.sweep``."""

from __future__ import annotations

import reprlib
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, cast

from . import datasets
from .backends import open_backend
from .backends.names import Device, as_device
from .models.classifier import Classifier, read_model
from .nets.trainer import Epoch
from .runs.config import OPTIONS, RunConfig
from .runs.course import Watcher
from .runs.keywords import name_keywords
from .runs.plan import Finished, plan_run, plan_to_continue
from .runs.starting import Start
from .system.errors import FewmultError, UsageError
from .system.given import as_path, check_function, checked
from .system.processes import AT_ONCE

if TYPE_CHECKING:
    from .runs.table import Table

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = {name: row for name, row in OPTIONS.items() if name not in ("dataset", "start")}


@dataclass(frozen=True)
class _Arguments(RunConfig):
    """The types of what ``train`` takes: all settings of a run, and these."""

    dataset: str | Path | datasets.Dataset | None = None  # type: ignore[assignment]
    _: KW_ONLY
    rate_exponent: int = field(init=False)
    rate: int = 0  # its option
    start: str | Path | Classifier | None = None  # type: ignore[assignment]
    start_fingerprint: str = field(init=False)
    preset: str | None = None
    out: str | Path | None = None
    overwrite: bool = False
    go_on: bool = False
    threads: int | None = None
    device: Device | str | None = None
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None


def _taking(arguments: Callable[P, object]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Names the settings of a run in a function's types, its signature and its docstring."""

    def described(function: Callable[..., R]) -> Callable[P, R]:
        name_keywords(function, _OPTIONS)
        return cast(Callable[P, R], function)

    return described


@_taking(_Arguments)
def train(
    dataset: str | Path | datasets.Dataset | None = None,
    *,
    start: str | Path | Classifier | None = None,
    preset: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    go_on: bool = False,
    threads: int | None = None,
    device: Device | str | None = None,
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None,
    **options: Any,
) -> Classifier:
    """Trains a network without multiplications, as ``fewmult-hls train`` does.

    Args:
        dataset: a name, a folder, or data in memory (``fewmult_hls.datasets.from_arrays``);
            by default what the preset names, or else the built-in digits.
        start: a trained net to begin with, or the folder or model.npz of one; where the data have
            other classes, with a new output layer.
        preset: a name from ``fewmult-hls presets``, whose settings the options change.
        out: folder for the run; without one, nothing stays on disk.
        overwrite: another run in that folder may be replaced.
        go_on: if the run is in that folder already, go on with it, or return what it came to.
        threads: of the backend emu, by default one for each physical core.
        device: of the backend pynq, ``board``, ``emulated``, or a ``backends.Device``.
        on_epoch: called after every epoch with its numbers and the validation error in per cent.
        **options: settings of the run; None for what was not given.

    Returns:
        The trained network with ternary (or binary) weights; its ``summary`` is that of the run.

    Raises:
        TypeError: an option that there is not.
        UsageError: an option that cannot be meant, or does not fit the data.
        FewmultError: the data, the folder, the memory or the backend is not there.
    """
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"train() has no option '{name}'; it has {', '.join(_OPTIONS)}")
    own = {"preset": preset, "overwrite": overwrite, "go_on": go_on, "threads": threads}
    said = {name: value for name, value in options.items() if value is not None}
    given, chosen, data = checked(_Arguments, **own, **said), as_device(device), _named(dataset)
    if given["go_on"] and (out is None or given["overwrite"]):
        raise UsageError("'go_on' needs 'out', the folder to begin in, and no 'overwrite'")
    threads = given["threads"]
    check_function("on_epoch", on_epoch)
    with _place(out) as folder:
        asked: dict[str, Any] = {
            "options": {**given, "dataset": data if isinstance(data, str) else None},
            "dataset": data if isinstance(data, datasets.Dataset) else None,
            "start": _start(start),
            "preset": preset,
            "out": Path(folder),
        }
        found = plan_to_continue(**asked) if go_on else plan_run(**asked, overwrite=overwrite)
        if isinstance(found, Finished):
            summary, computes = found.summary, found.summary["backend"]
        else:
            computes = found.config.backend
            with closing(open_backend(computes, threads, chosen)) as backend:
                summary, _ = found.execute(backend, Watcher(on_epoch=on_epoch))
        model = read_model(Path(folder))
    opened = model.open(model.deployed, computes, threads, chosen)
    return Classifier(model, opened, summary)


class _Sweeping(TypedDict):
    preset: str | None
    jobs: int
    threads: int | None
    go_on: bool


def sweep(
    grid: Mapping[str, Any],
    dataset: str | Path | None = None,
    *,
    out: str | Path,
    preset: str | None = None,
    jobs: int = 1,
    threads: int | None = None,
    go_on: bool = False,
    **options: Any,
) -> Table:
    """Trains over a grid, each run a process of its own, as ``fewmult-hls sweep`` does.

    Args:
        grid: values by the names of options of ``train``: lists, or texts such as ``"1-5"``.
        dataset: a name or a folder, for all runs.
        out: folder for the runs, a folder each.
        preset: see ``train``.
        jobs: runs at a time.
        threads: of each run, by default its share of the cores.
        go_on: runs may be there already; those that are finished are not run again.
        **options: settings of all runs, as of ``train``; None for what was not given.

    Returns:
        The table of the runs: ``rows`` of those that differ by their seeds alone, and ``chosen``,
        the row that validation prefers.

    Raises:
        TypeError: an option that there is not.
        UsageError: a grid or an option that cannot be meant, or runs that are there already.
        FewmultError: a run failed; the others are finished, and ``go_on`` runs it again.
    """
    from .runs.grid import as_grid
    from .runs.sweep import begin_sweep, failures, plan_sweep
    from .runs.table import read_table

    for name in options:
        if name not in OPTIONS:
            raise TypeError(f"sweep() has no option '{name}'; it has {', '.join(OPTIONS)}")
    if not isinstance(grid, Mapping):
        raise UsageError(f"'grid' must be values by names, not {reprlib.repr(grid)}")
    given = checked(_Sweeping, preset=preset, jobs=jobs, threads=threads, go_on=go_on)
    if given["jobs"] not in AT_ONCE:
        raise UsageError(f"'jobs' must be {AT_ONCE[0]} to {AT_ONCE[-1]}, not {jobs}")
    paths = {"dataset": dataset, "start": options.pop("start", None)}
    texts = {name: str(as_path(name, path)) for name, path in paths.items() if path is not None}
    said = {name: value for name, value in options.items() if value is not None}
    settings = {**checked(_Arguments, **said), **texts}
    configs = plan_sweep(as_grid(grid), settings, preset=preset)
    runs = begin_sweep(as_path("out", out), configs, go_on=go_on)
    failed = failures(runs.execute(given["jobs"], given["threads"]))
    if failed:
        name = next(iter(failed))
        raise FewmultError(f"{len(failed)} of {len(configs)} runs failed: {name}: {failed[name]}")
    return read_table([runs.folder / name for name in configs])


def _place(out: str | Path | None) -> AbstractContextManager[str]:
    return tempfile.TemporaryDirectory() if out is None else nullcontext(str(as_path("out", out)))


def _start(given: Any) -> Start | None:
    """What a run begins with, if that was given."""
    if given is None:
        return None
    if isinstance(given, Classifier):
        return Start.in_memory(given.model)
    return Start.read(as_path("start", given))


def _named(dataset: Any) -> datasets.Dataset | str | None:
    """Data in memory, or the name or folder of some."""
    if dataset is None or isinstance(dataset, datasets.Dataset):
        return dataset
    if not isinstance(dataset, str | Path):
        raise UsageError(
            f"'dataset' must be a name, a folder or what datasets.from_arrays makes, "
            f"not {reprlib.repr(dataset)}"
        )
    return str(dataset)
