# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Time on the emulated board: in polls of the host, each master of a kernel held up at random.

No cycle model: nothing here says how long a kernel takes. It says that kernels which run beside
each other may read, write and end in any order, whatever memory makes them wait for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from itertools import count

import numpy as np

Work = Iterator[int]
"""What a kernel does; it gives the polls until it goes on, and goes on when they are over."""


class Bus:
    """The kernels that run, and what their masters wait for.

    Args:
        seed: of the waits; each master of each kernel has draws of its own.
        most: polls that a master is held up for the arrays that it reads, and again for those that
            it writes; 0: never.
        held: polls instead, by bundle, of masters that are held up every time.
    """

    def __init__(self, seed: int = 0, most: int = 8, held: Mapping[str, int] | None = None) -> None:
        self._seed, self._most, self._held = seed, most, held or {}
        self._draws: dict[tuple[str, str], np.random.Generator] = {}
        self._now, self._order = 0, count()
        self._running: list[tuple[int, int, Work]] = []

    def wait_of(self, kernel: str, bundle: str) -> int:
        """Polls that a master is held up this time."""
        if bundle in self._held:
            return self._held[bundle]
        if (kernel, bundle) not in self._draws:
            key = [self._seed, *f"{kernel} {bundle}".encode()]
            self._draws[kernel, bundle] = np.random.default_rng(key)
        return int(self._draws[kernel, bundle].integers(0, self._most, endpoint=True))

    def start(self, work: Work) -> None:
        """Begins a kernel's work at the next poll."""
        heapq.heappush(self._running, (self._now + 1, next(self._order), work))

    def poll(self) -> None:
        """The host asks some kernel whether it has ended: all that run go on."""
        self._now += 1
        while self._running and self._running[0][0] <= self._now:
            due, _, work = heapq.heappop(self._running)
            wait = next(work, None)
            if wait is not None:
                heapq.heappush(self._running, (due + wait, next(self._order), work))
