# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Several processes at a time, none of which outlives this one's interest in it."""

from __future__ import annotations

import os
import selectors
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from .interrupts import held_back

AT_ONCE = range(1, 257)
"""How many processes there may be at a time."""

_PATIENCE = 60  # seconds for a process that was asked to end
_KEPT_LINES = 20
_MOST = 1 << 16  # bytes that a read takes


@dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Attributes:
        number: of its command, from 0.
        code: as a shell has it: 128 and the number of the signal that ended it.
        lines: the last that it wrote, to either stream.
    """

    number: int
    code: int
    lines: list[str]


class _Child:
    """A process in a session of its own: a key that is pressed reaches this one alone.

    Its output is read here. When this process is killed, it has no reader any more, which a
    training takes for an interrupt.
    """

    def __init__(self, number: int, command: Sequence[str]) -> None:
        self.number = number
        self._rest = b""
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def read(self) -> bool:
        """Takes what it wrote; whether there may be more."""
        part = os.read(self.output.fileno(), _MOST)
        *lines, self._rest = (self._rest + part).split(b"\n")
        self._rest = self._rest[-_MOST:]
        self._lines.extend(line.decode(errors="backslashreplace") for line in lines)
        return part != b""

    def ended(self) -> Ended:
        code = self.process.wait()
        self.output.close()
        return Ended(self.number, code if code >= 0 else 128 - code, list(self._lines))


def run_all(commands: Sequence[Sequence[str]], at_once: int) -> Iterator[Ended]:
    """Runs commands, so many at a time, and gives each when it has ended.

    Whoever stops asking, and whatever ends this process in between but SIGKILL, ends them all: they
    get SIGTERM, and time to put their files in order.
    """
    waiting = list(enumerate(commands))[::-1]
    running: list[_Child] = []
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    with held_back():  # a process that nobody knows of would never be ended
                        running.append(_Child(*waiting.pop()))
                    selector.register(running[-1].output, selectors.EVENT_READ, running[-1])
                for key, _ in selector.select():
                    child = key.data
                    if not child.read():
                        selector.unregister(child.output)
                        found = child.ended()
                        running.remove(child)
                        yield found
        finally:
            _end(running)


def _end(children: Sequence[_Child]) -> None:
    for child in children:
        child.process.terminate()
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.communicate(timeout=_PATIENCE)
            continue
        child.process.kill()
        child.process.communicate()
