# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where two runs part: the first epoch, layer and tensor, from the digests in their metrics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import load_config
from .course import METRICS
from .errors import FewmultError, UsageError
from .run_folder import finish_replacing
from .runs import CONFIG, SUMMARY


@dataclass(frozen=True)
class Comparison:
    """What two runs came to.

    Attributes:
        same: whether they have the same bits.
        lines: for people.
    """

    same: bool
    lines: list[str]


def compare_runs(one: Path, other: Path) -> Comparison:
    """Compares two runs, finished or not, as far as both of them went.

    Raises:
        UsageError: a folder is not that of a run.
        FewmultError: its files are damaged.
    """
    for run in (one, other):
        finish_replacing(run)
    mine, theirs = _epochs(one), _epochs(other)
    lines = _settings(one, other)
    for epoch, (left, right) in enumerate(zip(mine, theirs, strict=False), start=1):
        parted = _parted(left, right)
        if parted:
            return Comparison(
                False,
                [
                    *lines,
                    f"they part in epoch {epoch}: {parted[0]} is the first of "
                    f"{len(parted)} tensors that differ",
                    _errors(left, right),
                ],
            )
    shared = min(len(mine), len(theirs))
    if not shared:
        raise UsageError(f"{one if not mine else other} has not yet finished an epoch: try later")
    if len(mine) != len(theirs):
        return Comparison(
            False,
            [
                *lines,
                f"equal in {_counted(shared)}, but one has {len(mine)} and the other {len(theirs)}",
            ],
        )
    return Comparison(
        True, [*lines, f"the same bits in all {_counted(shared)}", *_prints(one, other)]
    )


def _counted(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _epochs(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics."""
    path = run / METRICS
    try:
        text = path.read_text(encoding="utf-8")
        epochs = [json.loads(line) for line in text.splitlines()]
        if not all(isinstance(epoch, dict) and "state" in epoch for epoch in epochs):
            raise ValueError("a line has no digests of the state")
    except FileNotFoundError:
        raise UsageError(f"{path} is not there: is {run} the folder of a run?") from None
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FewmultError(f"{path} is damaged or of another version ({error})") from error
    return epochs


def _settings(one: Path, other: Path) -> list[str]:
    """The settings in which two runs differ."""
    mine, theirs = load_config(one / CONFIG), load_config(other / CONFIG)
    return [
        f"{name}: {mine.get(name)} and {theirs.get(name)}"
        for name in mine | theirs
        if mine.get(name) != theirs.get(name)
    ]


def _parted(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Names of tensors that differ, the first layer first."""
    names = sorted(
        left["state"].keys() | right["state"].keys(),
        key=lambda name: (int(name.rpartition("_")[2]), name),
    )
    differing = (name for name in names if left["state"].get(name) != right["state"].get(name))
    return [_described(name) for name in differing]


def _described(name: str) -> str:
    kind, _, layer = name.rpartition("_")
    return f"layer {layer}, {kind}"


def _errors(left: dict[str, Any], right: dict[str, Any]) -> str:
    return (
        f"validation error there: {left['validation_error']:.2f} and "
        f"{right['validation_error']:.2f} %"
    )


def _prints(one: Path, other: Path) -> list[str]:
    """The fingerprint of two finished runs."""
    if not all((run / SUMMARY).exists() for run in (one, other)):
        return []
    summary = json.loads((one / SUMMARY).read_text(encoding="utf-8"))
    return [f"fingerprint {summary['fingerprint']}"]
