# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Makes of what a user asks for a training run that can begin; the same for CLI and Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import datasets
from ..contract.method_names import FLOATING
from ..datasets import Dataset
from ..nets.network import NetworkSpec
from ..presets import load_preset
from . import run as runs
from .config import RunConfig, default_rate, load_config

DEFAULTS = {
    "dataset": datasets.places.BUILT_IN,
    "method": "ternary-qbp",
    "master_bits": 16,
    "batch": 128,
    "epochs": 100,
    "seed": 1,
}
# What a preset says to the methods without multiplications alone.
_INTEGER_SETTINGS = ("master_bits", "rate_exponent", "backend", "perturb", "sharpen")


@dataclass(frozen=True)
class Plan:
    """A run that can begin.

    Attributes:
        config: all its settings.
        dataset: what it learns.
        folder: where it goes.
    """

    config: RunConfig
    dataset: Dataset
    folder: Path


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
        options: fields of ``RunConfig`` by name, with ``rate`` for its ``rate_exponent``; None
            where there is none.
        dataset: what to learn, if it is not to be loaded as the options say.
        preset: name of one, which the config and the options change.
        config: a config.toml, which the options change.
        out: folder of the run, by default ``runs/`` and the name of the data set.
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
    runs.check_folder(folder, overwrite=overwrite)
    runs.check_memory(run_config.spec, data)
    return Plan(run_config, data, folder)


def _values(preset: str | None, config: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults, overridden by the preset, by the config file, by the options that were given."""
    given = {name: value for name, value in options.items() if value is not None}
    rate = given.pop("rate", None)
    if rate is not None:
        given["rate_exponent"] = rate
    stored = load_config(config) if config is not None else {}
    chosen = load_preset(preset).values if preset is not None else {}
    if {**chosen, **stored, **given}.get("method") in FLOATING:
        chosen = {key: chosen[key] for key in chosen if key not in _INTEGER_SETTINGS}
    return {**DEFAULTS, **chosen, **stored, **given}


def _complete(values: dict[str, Any], dataset: Dataset) -> RunConfig:
    """A config with which this run can be repeated from any folder."""
    values.setdefault("net", f"{dataset.features}-256-256-{dataset.classes}")
    samples = len(dataset.train.labels) * values["epochs"]
    floating = values["method"] in FLOATING
    rate = 0 if floating else default_rate(values["batch"], samples)
    values.setdefault("rate_exponent", rate)
    values.setdefault("backend", "numpy" if floating else "emu")
    values["net"] = NetworkSpec.parse(values["net"]).name
    if values["dataset"] != datasets.places.IN_MEMORY:
        values["dataset"] = runs.lasting_name(values["dataset"])
    return RunConfig(**values)
