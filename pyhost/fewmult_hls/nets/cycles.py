# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Cycles of the learning rate: a run that was extended begins its schedule again (section 10).

A text names them: ``100+50`` is a schedule over 100 epochs and then another over 50; ``37/100+50``
leaves the first after 37 of its 100. This file needs no numpy: configs are checked with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..system.errors import UsageError

_CYCLE = re.compile(r"([1-9]\d{0,5})(?:/([1-9]\d{0,5}))?", re.ASCII)


class Pace(Protocol):
    """How a run's numbers follow from the epoch, which is counted from 0; see ``Schedule``."""

    @property
    def epochs(self) -> int:
        """The epochs of the whole run."""

    def rate(self, epoch: int) -> float:
        """log2 of the learning rate."""

    def sharpness(self, epoch: int) -> int:
        """How often the spread of the samples is halved."""


@dataclass(frozen=True)
class Cycle:
    """A schedule, and how much of it is run.

    Attributes:
        epochs: that are run.
        planned: that the schedule is made for.
    """

    epochs: int
    planned: int

    def __str__(self) -> str:
        more = "" if self.epochs == self.planned else f"/{self.planned}"
        return f"{self.epochs}{more}"


def read_cycles(text: str, epochs: int) -> tuple[Cycle, ...]:
    """The cycles of a run, first to last.

    Args:
        text: as in a config; nothing for one cycle.
        epochs: of the whole run.

    Raises:
        UsageError: it names none, or of another number of epochs.
    """
    if not text:
        return (Cycle(epochs, epochs),)
    there = total_epochs(text)
    if there != epochs:
        raise UsageError(f"cycles {text} have {there} epochs, and the run has {epochs}")
    return _read(text)


def total_epochs(text: str) -> int:
    """The epochs of all cycles that a text names.

    Raises:
        UsageError: it names none.
    """
    return sum(cycle.epochs for cycle in _read(text))


def _read(text: str) -> tuple[Cycle, ...]:
    found = [_CYCLE.fullmatch(part) for part in text.split("+")]
    cycles = tuple(Cycle(int(one[1]), int(one[2] or one[1])) for one in found if one)
    if None in found or any(cycle.epochs > cycle.planned for cycle in cycles):
        raise UsageError(f"cycles {text!r} are not epochs joined by +, such as 100+50")
    return cycles


def extended(cycles: Sequence[Cycle], done: int, epochs: int) -> str:
    """The text of the cycles of a run that has ended, and of one more.

    Args:
        cycles: of the run.
        done: epochs that it has, at most those of its cycles: patience may have ended the last.
        epochs: that it is to have, more than it has.
    """
    *earlier, last = cycles
    there = done - sum(cycle.epochs for cycle in earlier)
    more = epochs - done
    return "+".join(map(str, [*earlier, Cycle(there, last.planned), Cycle(more, more)]))


def go_on_from(then: Sequence[Cycle], now: Sequence[Cycle], done: int) -> bool:
    """Whether the first ``done`` epochs of a run are the same with cycles ``then`` and ``now``."""
    last = len(then) - 1
    return (
        last < len(now)
        and tuple(then[:last]) == tuple(now[:last])
        and then[last].planned == now[last].planned
        and done <= sum(cycle.epochs for cycle in now[: last + 1])
    )


@dataclass(frozen=True)
class Cycles:
    """One schedule after the other; see ``Pace``.

    Attributes:
        cycles: first to last.
        schedule: makes one for so many epochs.
    """

    cycles: Sequence[Cycle]
    schedule: Callable[[int], Pace]

    @property
    def epochs(self) -> int:
        """See ``Pace``."""
        return sum(cycle.epochs for cycle in self.cycles)

    def rate(self, epoch: int) -> float:
        """See ``Pace``."""
        schedule, at = self._at(epoch)
        return schedule.rate(at)

    def sharpness(self, epoch: int) -> int:
        """See ``Pace``."""
        schedule, at = self._at(epoch)
        return schedule.sharpness(at)

    def _at(self, epoch: int) -> tuple[Pace, int]:
        """The schedule of an epoch, and its number there."""
        for cycle in self.cycles:
            if epoch < cycle.epochs:
                break
            epoch -= cycle.epochs
        return self.schedule(cycle.planned), epoch
