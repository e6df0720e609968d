# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a run has left in its folder, finished or not: read, and held against itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict, cast

from ..models.classifier import read_model
from ..models.trained import Trained
from ..system.errors import FewmultError, UsageError
from ..system.files import read_file, reading
from ..system.schema import damaged, read_json
from .config import RunConfig, changed, read_config
from .folder import CONFIG, METRICS, MODEL, SUMMARY, finish_replacing
from .metrics import JudgedEpoch, parse_lines

# Of 100,000 epochs of a deep net.
_MOST_METRICS = 256 << 20
_MOST_SUMMARY = 1 << 20
_FINGERPRINT = re.compile("[0-9a-f]{64}")


class _Results(TypedDict):
    fingerprint: str
    best_fingerprint: str
    best_epoch: int
    validation_error: float
    epochs_trained: int
    steps: int


class Summary(_Results, total=False):
    """summary.json, without the settings; versions of this package differ in what else it has."""

    test_error: float
    test_error_ternary: float
    test_error_binary: float
    test_error_8_bit: float
    multiplications_per_step: int
    seconds: float
    samples_per_second: float


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        folder: as it was named.
        config: of the run.
        epochs: that are over.
        summary: see ``Summary``; None while the run is not finished.
    """

    folder: Path
    config: RunConfig
    epochs: list[JudgedEpoch]
    summary: dict[str, Any] | None


def read_run(folder: Path) -> RunRecord:
    """The run in a folder.

    Raises:
        UsageError: it holds no run.
        FewmultError: the run's files are damaged, or do not belong together.
    """
    finish_replacing(folder)
    with reading(folder):
        if not (folder / CONFIG).exists():
            raise UsageError(f"{folder} holds no run: there is no {CONFIG}")
        has_summary = (folder / SUMMARY).exists()
        has_metrics = (folder / METRICS).exists()
    config = read_config(folder / CONFIG)
    # Before the metrics: those of a run that ends just now are then whole.
    summary = _read_summary(folder / SUMMARY, config) if has_summary else None
    epochs = _read_metrics(folder / METRICS, finished=has_summary) if has_metrics else []
    for fault in _faults(config, epochs, summary):
        raise damaged(folder / METRICS, fault)
    return RunRecord(folder, config, epochs, summary)


def model_of(run: RunRecord) -> Trained | None:
    """The run's model; None while it is not finished.

    Raises:
        FewmultError: it is damaged, or not the one of this run.
    """
    path = run.folder / MODEL
    with reading(path):
        if run.summary is None or not path.exists():
            return None
    model = read_model(path)
    if model.fingerprint != run.summary["best_fingerprint"]:
        raise FewmultError(f"{path} is not the model that {run.folder / SUMMARY} tells of")
    return model


def _read_summary(path: Path, config: RunConfig) -> dict[str, Any]:
    found = cast(dict[str, Any], read_json(path, Summary, _MOST_SUMMARY, extra=True))
    for fault in _summary_faults(found, config):
        raise damaged(path, fault)
    return found


def _summary_faults(found: dict[str, Any], config: RunConfig) -> Iterator[str]:
    for name in ("fingerprint", "best_fingerprint"):
        if not _FINGERPRINT.fullmatch(found[name]):
            yield f"'{name}' is none"
    for name in Summary.__annotations__.keys() & found.keys():
        if "error" in name and not 0 <= found[name] <= 100:
            yield f"'{name}' is no share in per cent"
    if not 1 <= found["best_epoch"] <= found["epochs_trained"]:
        yield f"epoch {found['best_epoch']} is not the best of {found['epochs_trained']}"
    wanted = asdict(config)
    setting = changed({**wanted, **found}, wanted)
    if setting is not None:
        yield f"its {setting} is not that of {CONFIG}"


def _read_metrics(path: Path, *, finished: bool) -> list[JudgedEpoch]:
    content = read_file(path, _MOST_METRICS)
    if not finished:  # its last line may be on the way
        content = content[: content.rfind(b"\n") + 1]
    try:
        return parse_lines(content.splitlines())
    except ValueError as error:
        raise damaged(path, error) from error


def _faults(
    config: RunConfig, epochs: list[JudgedEpoch], summary: dict[str, Any] | None
) -> Iterator[str]:
    """Where metrics do not fit what else is known of the run."""
    there = len(epochs)
    if there > config.epochs:
        yield f"it has {there} lines, and {CONFIG} says {config.epochs} epochs"
    if summary is None:
        return
    if there != summary["epochs_trained"]:
        yield f"it has {there} lines, and {SUMMARY} says {summary['epochs_trained']} epochs"
    elif epochs[-1].step != summary["steps"]:
        yield f"it ends with step {epochs[-1].step}, and {SUMMARY} says {summary['steps']}"
