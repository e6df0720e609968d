# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs as a report needs them, finished or not."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..classifier import read_model
from ..config import RunConfig, load_config
from ..course import METRICS
from ..errors import FewmultError, UsageError
from ..run_folder import finish_replacing
from ..runs import CONFIG, MODEL, SUMMARY
from ..trained import Trained

# What `train` takes by another name than config.toml has it.
_OPTIONS = {"rate_exponent": "rate"}


@dataclass(frozen=True)
class Record:
    """A run.

    Attributes:
        folder: as it was named.
        label: the folder's name, longer where two runs have the same.
        config: of the run.
        epochs: the lines of metrics.jsonl.
        summary: None while the run is not finished.
        model: None while the run is not finished.
    """

    folder: Path
    label: str
    config: RunConfig
    epochs: list[dict[str, Any]]
    summary: dict[str, Any] | None
    model: Trained | None

    @property
    def command(self) -> str:
        """What repeats the run, every setting spelled out."""
        words = ["fewmult-hls", "train"]
        for name, value in asdict(self.config).items():
            words += [f"--{_OPTIONS.get(name, name).replace('_', '-')}", str(value)]
        return shlex.join(words)

    @property
    def state(self) -> str:
        """How far the run is."""
        if self.summary is not None:
            return "finished"
        return f"not finished: {len(self.epochs)} of {self.config.epochs} epochs"


def read_records(folders: list[Path]) -> list[Record]:
    """The runs in folders.

    Raises:
        UsageError: a folder holds no run.
        FewmultError: a run's files are damaged.
    """
    labels = _labels(folders)
    return [_record(folder, label) for folder, label in zip(folders, labels, strict=True)]


def _labels(folders: list[Path]) -> list[str]:
    names = [folder.resolve().name for folder in folders]
    return [
        str(folder) if names.count(name) > 1 else name
        for folder, name in zip(folders, names, strict=True)
    ]


def _record(folder: Path, label: str) -> Record:
    finish_replacing(folder)
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder} holds no run: there is no {CONFIG}")
    try:
        config = RunConfig(**load_config(folder / CONFIG))
    except TypeError as error:
        raise FewmultError(f"{folder / CONFIG} lacks settings ({error})") from error
    summary = _json_lines(folder / SUMMARY, whole=True)
    return Record(
        folder,
        label,
        config,
        _json_lines(folder / METRICS, whole=False),
        summary[0] if summary else None,
        read_model(folder) if summary and (folder / MODEL).is_file() else None,
    )


def _json_lines(path: Path, *, whole: bool) -> list[dict[str, Any]]:
    """The objects in a file, one in all of it or one a line; none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
        found = [json.loads(part) for part in ([text] if whole else text.splitlines())]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FewmultError(f"{path} is damaged: {error}") from error
    if not all(isinstance(entry, dict) for entry in found):
        raise FewmultError(f"{path} is damaged: it is not made of JSON objects")
    return found
