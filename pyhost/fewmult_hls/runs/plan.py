# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Makes of what a user asks for a training run that can begin; the same for CLI and Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import datasets
from ..contract.backend import Backend
from ..datasets import Dataset
from ..layers import kinds
from ..nets.cycles import extended, total_epochs
from ..presets import load_preset
from ..system.errors import FewmultError, UsageError
from . import run as runs
from .config import SETTINGS, RunConfig, default_rate, load_config, read_config
from .course import Watcher
from .numbering import numbered
from .record import read_run


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
        is_named: whether somebody chose the folder; else it gets a number where it is taken.
    """

    config: RunConfig
    dataset: Dataset
    folder: Path
    overwrite: bool = False
    goes_on: bool = False
    extends: bool = False
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
        return runs.run(config, dataset, backend, folder, watcher, overwrite=self.overwrite), []


def plan_run(
    options: Mapping[str, Any],
    *,
    dataset: Dataset | None = None,
    preset: str | None = None,
    config: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
) -> Plan:
    """Completes the options, and checks whatever can be checked before training.

    Args:
        options: settings by the names of their options; None where there is none.
        dataset: what to learn, if it is not to be loaded as the options say.
        preset: name of one, which the config and the options change.
        config: a config.toml, which the options change.
        out: folder of the run, by default ``runs/`` and the name of the data set, or that with a
            number where it is taken and not to be overwritten.
        overwrite: another run may be replaced.

    Raises:
        UsageError: options that cannot be meant, or do not fit the data.
        FewmultError: the data, the folder or the memory is not there.
    """
    values = _values(preset, config, options)
    if dataset is not None:
        values["dataset"] = datasets.places.IN_MEMORY
    data = dataset or datasets.load(values["dataset"])
    data.check_classes()
    run_config = _complete(values, data)
    folder = out or Path("runs") / data.name
    runs.check_fit(run_config.spec, data)
    is_named = out is not None or overwrite
    if is_named:
        runs.check_folder(folder, overwrite=overwrite)
    runs.check_memory(run_config.spec, data)
    return Plan(run_config, _prepared(run_config, data), folder, overwrite, is_named=is_named)


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
        name = next(iter(given)).replace("_", "-")
        raise UsageError(f"--resume goes on with the run's own settings: leave out --{name}")
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
        data = datasets.load(config.dataset)
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


def _values(preset: str | None, config: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults, overridden by the preset, by the config file, by the options that were given."""
    given = {
        name: options[row.option]
        for name, row in SETTINGS.items()
        if options.get(row.option) is not None
    }
    if "epochs" in given:  # of which a config's cycles are others
        given.setdefault("cycles", "")
    if config is not None:
        given = {**load_config(config), **given}
    if given.get("cycles") and options.get("epochs") is None:
        given["epochs"] = total_epochs(given["cycles"])
    chosen = load_preset(preset).values if preset is not None else {}
    method = {"method": SETTINGS["method"].default, **chosen, **given}["method"]
    shared = {name: chosen[name] for name in chosen if SETTINGS[name].is_shared_with(method)}
    return {**defaults(method), **shared, **given}


def defaults(method: str) -> dict[str, Any]:
    """What a run of a method has if nobody says anything else, and the data do not."""
    found = {name: row.default_with(method) for name, row in SETTINGS.items()}
    return {name: value for name, value in found.items() if value is not None} | {"method": method}


def _complete(values: dict[str, Any], dataset: Dataset) -> RunConfig:
    """A config with which this run can be repeated from any folder."""
    values.setdefault("net", f"{dataset.features}-256-256-{dataset.classes}")
    examples = len(dataset.train.labels) * values["epochs"]
    net = kinds.Plan.read(values["net"])
    values.setdefault("rate_exponent", default_rate(net.recipe, values["batch"], examples))
    values["net"] = net.name
    if values["dataset"] != datasets.places.IN_MEMORY:
        values["dataset"] = runs.lasting_name(values["dataset"])
    return RunConfig(**values)
