# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Makes of what a user asks for a training run that can begin; the same for CLI and Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .. import datasets
from ..contract.backend import Backend
from ..datasets import Dataset, load_wanted
from ..datasets.wanted import Wanted, adapted
from ..layers import kinds
from ..nets.cycles import extended, total_epochs
from ..presets import load_preset
from ..system.errors import FewmultError, UsageError
from . import run as runs
from .config import (
    OPTIONS,
    SETTINGS,
    RunConfig,
    changed,
    default_batch,
    default_rate,
    load_config,
    read_config,
    wanted_of,
)
from .course import Watcher
from .numbering import numbered
from .record import read_run
from .starting import Start, read_start


@dataclass(frozen=True)
class Plan:
    """A run that can begin.

    Attributes:
        config: all its settings.
        dataset: what it learns.
        folder: where it goes.
        overwrite: another run there may be replaced.
        goes_on: with the run that is there.
        extends: a finished one.
        start: with what it begins, if not with weights that the seed draws.
        is_named: whether somebody chose the folder; else it gets a number where it is taken.
    """

    config: RunConfig
    dataset: Dataset
    folder: Path
    overwrite: bool = False
    goes_on: bool = False
    extends: bool = False
    start: Start | None = None
    is_named: bool = True

    @contextmanager
    def placed(self) -> Iterator[Plan]:
        """Give the plan with a folder that no other process takes.

        Raises:
            FewmultError: there can be none.
        """
        if self.is_named:
            yield self
            return
        with numbered(self.folder) as folder:
            yield replace(self, folder=folder, is_named=True)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return len(self.dataset.train.labels) // self.config.batch

    def execute(self, backend: Backend, watcher: Watcher) -> tuple[dict[str, Any], list[str]]:
        """Trains; see ``run`` and ``resume`` in ``runs.run``.

        Returns:
            The summary, and what is wrong with damaged checkpoints.
        """
        config, dataset, folder = self.config, self.dataset, self.folder
        if self.goes_on:
            return runs.resume(config, dataset, backend, folder, watcher, extends=self.extends)
        overwrite, start = self.overwrite, self.start
        found = runs.run(
            config, dataset, backend, folder, watcher, overwrite=overwrite, start=start
        )
        return found, []


@dataclass(frozen=True)
class Finished:
    """A run that was asked for and is there already.

    Attributes:
        folder: of the run.
        summary: of it.
    """

    folder: Path
    summary: dict[str, Any]


def plan_run(
    options: Mapping[str, Any],
    *,
    dataset: Dataset | None = None,
    start: Start | None = None,
    preset: str | None = None,
    config: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
) -> Plan:
    """Completes the options, and checks whatever can be checked before training.

    Args:
        options: settings by the names of their options; None where there is none.
        dataset: what to learn, if it is not to be loaded as the options say.
        start: with what to begin, if it is not to be read as the options say.
        preset: name of one, which the config and the options change.
        config: a config.toml, which the options change.
        out: folder of the run, by default ``runs/`` and the name of the data set, or that with a
            number where it is taken and not to be overwritten.
        overwrite: another run may be replaced.

    Raises:
        UsageError: options that cannot be meant, or do not fit the data.
        FewmultError: the data, the folder or the memory is not there.
    """
    run_config, data, start = _asked(options, dataset, start, preset, config)
    folder = out or Path("runs") / data.name
    is_named = out is not None or overwrite
    if is_named:
        runs.check_folder(folder, overwrite=overwrite)
    runs.check_memory(run_config.spec, data)
    data = _prepared(run_config, data)
    return Plan(run_config, data, folder, overwrite, start=start, is_named=is_named)


def plan_to_continue(
    options: Mapping[str, Any],
    *,
    dataset: Dataset | None = None,
    start: Start | None = None,
    preset: str | None = None,
    config: Path | None = None,
    out: Path,
) -> Plan | Finished:
    """The plan of a run that begins in its folder, or goes on there; for jobs that start again.

    The arguments are those of ``plan_run``.

    Raises:
        UsageError: also if the folder holds a run that differs in a setting, which is named.
        FewmultError: see ``plan_run``.
    """
    run_config, data, start = _asked(options, dataset, start, preset, config)
    goes_on = runs.holds_run(out)
    if goes_on:
        check_asked(run_config, out)
        if runs.is_finished(out):
            return _finished(out)
    else:
        runs.check_folder(out, overwrite=False)
    runs.check_memory(run_config.spec, data)
    return Plan(run_config, _prepared(run_config, data), out, goes_on=goes_on, start=start)


def _asked(
    options: Mapping[str, Any],
    dataset: Dataset | None,
    start: Start | None,
    preset: str | None,
    config: Path | None,
    load: Callable[[str, Wanted], Dataset] = load_wanted,
) -> tuple[RunConfig, Dataset, Start | None]:
    """The config that is meant, its data, and with what it begins."""
    chosen, given = _given(preset, config, options)
    start = start or _start(given, options)
    values = _values(chosen, given, start)
    if dataset is not None:
        values["dataset"] = datasets.places.IN_MEMORY
    wanted = wanted_of(values)
    data = adapted(dataset, wanted) if dataset else load(values["dataset"], wanted)
    data.check_classes()
    as_start_has = start is not None and "batch" not in {**chosen, **given}
    if "batch" not in values or (as_start_has and len(data.train.labels) < values["batch"]):
        data = _with_batch(values, data)
    run_config = _complete(values, data, start)
    runs.check_fit(run_config.spec, data)
    return run_config, data, start


def _with_batch(values: dict[str, Any], data: Dataset) -> Dataset:
    """Gives the values a batch that the data fill, and says so in the data's notes."""
    images = len(data.train.labels)
    batch = values["batch"] = default_batch(images)
    if batch == SETTINGS["batch"].default:
        return data
    note = f"batch {batch}, since there are {images} images to learn from"
    return replace(data, notes=(*data.notes, note))


def complete_config(
    options: Mapping[str, Any],
    preset: str | None,
    config: Path | None,
    load: Callable[[str, Wanted], Dataset] = load_wanted,
) -> RunConfig:
    """The config of a run that could begin; the arguments are those of ``plan_run``."""
    found, data, _ = _asked(options, None, None, preset, config, load)
    runs.check_memory(found.spec, data)
    return found


def check_asked(config: RunConfig, folder: Path) -> None:
    """Whether the run in a folder is the one that a config means.

    Raises:
        UsageError: it is not.
    """
    now, there = asdict(config), asdict(read_config(folder / runs.CONFIG))
    # Which data they are is known by their place alone, before there is a checkpoint.
    name = "dataset" if now["dataset"] != there["dataset"] else changed(now, there)
    if name is not None:
        raise UsageError(
            f"{folder} holds another run: its {name} is {there[name]!r}, not {now[name]!r}: "
            "name another folder with --out"
        )


def _finished(folder: Path) -> Finished:
    run = read_run(folder)
    assert run.summary is not None
    return Finished(folder, run.summary)


def plan_to_go_on(folder: Path, options: Mapping[str, Any]) -> Plan:
    """The plan of a run that was interrupted or is to be extended, whose own config counts.

    Args:
        folder: of the run.
        options: who computes, as ``backend``, and where the data are, as ``dataset``, if not as
            before; ``epochs`` of a finished run that is extended; None where there is none. No
            others go with it.

    Raises:
        UsageError: there is another option, or nothing to go on with.
        FewmultError: the data or the memory is not there.
    """
    given = {name: value for name, value in options.items() if value is not None}
    backend, place = given.pop("backend", None), given.pop("dataset", None)
    epochs = given.pop("epochs", None)
    if given:
        name = next(iter(given))
        flag = OPTIONS[name].flag if name in OPTIONS else f"--{name}"
        raise UsageError(f"--resume goes on with the run's own settings: leave out {flag}")
    runs.check_free_run(folder)
    extends = epochs is not None and runs.is_finished(folder)
    if not extends:
        runs.check_no_summary(folder)
    config = _with_epochs(folder, epochs)
    if backend is not None:
        config = replace(config, backend=backend)
    if place is not None:
        config = replace(config, dataset=runs.lasting_name(place))
    try:
        data = load_wanted(config.dataset, config.wanted)
    except FewmultError as error:
        if "--dataset" in str(error) or place is not None:
            raise
        raise type(error)(f"{error}; if the data have moved, say where with --dataset") from error
    runs.check_fit(config.spec, data)
    runs.check_memory(config.spec, data)
    return Plan(config, _prepared(config, data), folder, goes_on=True, extends=extends)


def _prepared(config: RunConfig, dataset: Dataset) -> Dataset:
    """What is learned from: the data, or the same whitened.

    Raises:
        UsageError: the net takes no values around 0, or images have too many.
        FewmultError: the memory does not hold the transform.
    """
    if not config.whiten:
        return dataset
    config.spec.plan.pixels.check_signed("--whiten makes values around 0")
    return dataset.whitened()


def finished_with(folder: Path, epochs: int | None) -> Finished | None:
    """The run in a folder if it is finished, and has as many epochs as are wanted."""
    if not (runs.holds_run(folder) and runs.is_finished(folder)):
        return None
    enough = epochs is None or read_config(folder / runs.CONFIG).epochs == epochs
    return _finished(folder) if enough else None


def _with_epochs(folder: Path, epochs: int | None) -> RunConfig:
    """The config of the run in a folder, in a cycle more if it is finished and has fewer epochs.

    Raises:
        UsageError: it has as many, or has others to finish first.
    """
    config = read_config(folder / runs.CONFIG)
    if epochs is None:
        return config
    if not runs.is_finished(folder):
        if config.epochs != epochs:
            raise UsageError(
                f"{folder} is not finished, and has {config.epochs} epochs: leave out --epochs, "
                "and extend it then"
            )
        return config
    run = read_run(folder)
    assert run.summary is not None
    done = run.summary["epochs_trained"]
    if epochs <= done:
        raise UsageError(f"{folder} has {done} epochs: --epochs {epochs} must be more")
    return replace(config, epochs=epochs, cycles=extended(config.cycle_list, done, epochs))


def _given(
    preset: str | None, config: Path | None, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of the preset, and those of the config file and of the options over them."""
    given = {
        row.name: options[name] for name, row in OPTIONS.items() if options.get(name) is not None
    }
    if "epochs" in given:  # of which a config's cycles are others
        given.setdefault("cycles", "")
    if config is not None:
        given = {**load_config(config), **given}
    if given.get("cycles") and options.get("epochs") is None:
        given["epochs"] = total_epochs(given["cycles"])
    return load_preset(preset).values if preset is not None else {}, given


def _start(given: dict[str, Any], options: Mapping[str, Any]) -> Start | None:
    """The net that an option or a config names."""
    if options.get("start"):
        return Start.read(Path(options["start"]))
    if options.get("start") == "":  # takes back what a config says
        given["start_fingerprint"] = ""
    return read_start(given.get("start", ""), given.get("start_fingerprint", ""))


def _values(chosen: dict[str, Any], given: dict[str, Any], start: Start | None) -> dict[str, Any]:
    """Defaults, overridden by the net that a run begins with, by a preset, by what was given."""
    own = start.settings if start is not None else {}
    first = {"method": SETTINGS["method"].default, **own}
    method = {**first, **chosen, **given}["method"]
    shared = {name: chosen[name] for name in chosen if SETTINGS[name].is_shared_with(method)}
    recorded = start.recorded if start is not None else {}
    found = {**defaults(method), **own, "method": method, **shared, **given, **recorded}
    if "batch" not in {**own, **shared, **given}:
        del found["batch"]  # it follows from the data
    return found


def defaults(method: str) -> dict[str, Any]:
    """What a run of a method has if nobody says anything else, and the data do not."""
    found = {name: row.default_with(method) for name, row in SETTINGS.items()}
    return {name: value for name, value in found.items() if value is not None} | {"method": method}


def _complete(values: dict[str, Any], dataset: Dataset, start: Start | None) -> RunConfig:
    """A config with which this run can be repeated from any folder."""
    two_hidden = f"{dataset.features}-256-256-{dataset.classes}"
    values.setdefault("net", start.net_for(dataset) if start is not None else two_hidden)
    examples = len(dataset.train.labels) * values["epochs"]
    net = kinds.Plan.read(values["net"])
    values.setdefault("rate_exponent", default_rate(net.recipe, values["batch"], examples))
    values["net"] = net.name
    if start is not None:
        start.check(values, dataset)
    if values["dataset"] != datasets.places.IN_MEMORY:
        values["dataset"] = runs.lasting_name(values["dataset"])
    return RunConfig(**values)
