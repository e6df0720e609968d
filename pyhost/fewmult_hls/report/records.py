# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs as a report needs them, finished or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ..models.trained import Trained
from ..runs.config import SETTINGS
from ..runs.record import RunRecord, model_of, read_run
from ..system.files import resolved
from .text import command_line


@dataclass(frozen=True)
class Record(RunRecord):
    """A run, as ``RunRecord`` has it, and what a report shows of it.

    Attributes:
        label: the folder's name, longer where two runs have the same.
        model: None while the run is not finished.
    """

    label: str
    model: Trained | None

    @property
    def command(self) -> str:
        """What repeats the run, every setting spelled out."""
        words = ["fewmult-hls", "train"]
        for name, value in asdict(self.config).items():
            words += [] if SETTINGS[name].recorded else SETTINGS[name].arguments(value)
        return command_line(words)

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
    names = [resolved(folder).name for folder in folders]
    records = []
    for folder, name in zip(folders, names, strict=True):
        run = read_run(folder)
        label = str(folder) if names.count(name) > 1 or not name else name
        records.append(Record(**vars(run), label=label, model=model_of(run)))
    return records
