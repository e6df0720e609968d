# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where two runs part: the first epoch, layer and tensor, from the digests in their metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from ..system.errors import UsageError
from .metrics import JudgedEpoch, layer_and_kind
from .record import RunRecord, model_of, read_run


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
    mine, theirs = read_run(one), read_run(other)
    for run in (mine, theirs):
        if not run.epochs:
            raise UsageError(f"{run.folder} has not yet finished an epoch: try later")
        model_of(run)  # whether it has its fingerprint
    settings, differences = _settings(mine, theirs), _differences(mine, theirs)
    if differences:
        return Comparison(False, [*settings, *differences])
    same = f"the same bits in all {_counted(len(mine.epochs))}"
    return Comparison(True, [*settings, same, *_prints(mine, theirs)])


def _differences(mine: RunRecord, theirs: RunRecord) -> list[str]:
    """Where two runs part, for people; empty if they do not."""
    for left, right in zip(mine.epochs, theirs.epochs, strict=False):
        parted = _parted(left, right)
        if parted:
            errors = f"{left.validation_error:.2f} and {right.validation_error:.2f} %"
            return [
                f"they part in epoch {left.epoch}: {parted[0]} is the first of "
                f"{len(parted)} tensors that differ",
                f"validation error there: {errors}",
            ]
    one, other = len(mine.epochs), len(theirs.epochs)
    odd = _odd_prints(mine, theirs)
    if one != other:
        odd = f"one has {one} and the other {other}"
    return [f"equal in {_counted(min(one, other))}, but {odd}"] if odd else []


def _counted(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _settings(one: RunRecord, other: RunRecord) -> list[str]:
    """The settings in which two runs differ."""
    mine, theirs = asdict(one.config), asdict(other.config)
    return [
        f"{name}: {mine[name]} and {theirs[name]}" for name in mine if mine[name] != theirs[name]
    ]


def _parted(left: JudgedEpoch, right: JudgedEpoch) -> list[str]:
    """Tensors that differ, for people, the first layer first."""
    names = sorted(left.state.keys() | right.state.keys(), key=layer_and_kind)
    differing = (name for name in names if left.state.get(name) != right.state.get(name))
    return ["layer {}, {}".format(*layer_and_kind(name)) for name in differing]


def _odd_prints(one: RunRecord, other: RunRecord) -> str:
    """The fingerprints in which two finished runs differ."""
    if one.summary is None or other.summary is None:
        return ""
    for name in ("fingerprint", "best_fingerprint"):
        mine, theirs = one.summary[name], other.summary[name]
        if mine != theirs:
            return f"{name.replace('_', ' ')} {mine} is not {theirs}"
    return ""


def _prints(one: RunRecord, other: RunRecord) -> list[str]:
    """The fingerprint of two finished runs."""
    if one.summary is None or other.summary is None:
        return []
    return [f"fingerprint {one.summary['fingerprint']}"]
