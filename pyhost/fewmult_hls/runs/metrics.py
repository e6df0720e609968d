# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Lines of metrics.jsonl: an epoch each, what it came to and digests of the state after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ..nets.trainer import Epoch
from ..system.schema import parse_json, typed

_TENSOR = re.compile(r"([a-z]+)_(\d{1,5})")


@dataclass(frozen=True)
class JudgedEpoch(Epoch):
    """A line.

    Attributes:
        validation_error: in per cent.
        state: the beginning of each tensor's SHA-256, by its name.
    """

    validation_error: float
    state: dict[str, str]


def layer_and_kind(tensor: str) -> tuple[int, str]:
    """What a tensor's name says: ``weights_0`` are the weights of layer 0.

    Raises:
        ValueError: it is no tensor's name.
    """
    found = _TENSOR.fullmatch(tensor)
    if found is None:
        raise ValueError(f"{tensor[:40]!r} is no tensor")
    return int(found[2]), found[1]


def parse_lines(lines: Sequence[str | bytes]) -> list[JudgedEpoch]:
    """The epochs of a run, the first one first; keys of other versions are left out.

    Raises:
        ValueError: a line is none, or they do not follow each other.
    """
    epochs: list[JudgedEpoch] = []
    for number, line in zip(count(1), lines):
        try:
            epochs.append(_epoch(line))
            _check(epochs, number)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return epochs


def _epoch(line: str | bytes) -> JudgedEpoch:
    content = line if isinstance(line, bytes) else line.encode()
    return typed(JudgedEpoch, parse_json(content), extra=True)


def _check(epochs: Sequence[JudgedEpoch], number: int) -> None:
    last = epochs[-1]
    if last.epoch != number:
        raise ValueError(f"it is of epoch {last.epoch}")
    if last.step != number * epochs[0].step or last.step < number:
        raise ValueError(f"'step' cannot be {last.step}")
    if not 0 <= last.validation_error <= 100:
        raise ValueError(f"'validation_error' cannot be {last.validation_error}")
    if last.seconds < 0:
        raise ValueError(f"'seconds' cannot be {last.seconds}")
    for name in last.state:
        layer_and_kind(name)
