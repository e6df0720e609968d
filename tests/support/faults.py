# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Signals at every moment at which a process changes names on a disk."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from fewmult_hls import cli

# As Python reports them, just before it asks the system.
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def stops(action: Callable[[], Any], number: int, every: int = 1) -> Iterator[int]:
    """Runs an action again and again in forked processes, each stopped at a later change.

    Yields after each; the last of them came to its end. The caller prepares the next.
    """
    moment = 1
    while True:
        code = _stopped(action, number, moment)
        assert code in (0, 128 + number), f"at change {moment}"
        yield moment
        if code == 0:
            return
        moment += every


def _stopped(action: Callable[[], Any], number: int, moment: int) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a server may have a thread
        child = os.fork()
    if child == 0:
        os._exit(_in_the_child(action, number, moment))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _in_the_child(action: Callable[[], Any], number: int, moment: int) -> int:
    changes = 0

    def notice(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if event in CHANGES:
            changes += 1
            if changes == moment:
                os.kill(os.getpid(), number)

    for handled in (signal.SIGINT, signal.SIGTERM):
        signal.signal(handled, cli._stop)
    sys.addaudithook(notice)
    try:
        action()
    except cli._Stopped as stopped:
        return 128 + stopped.number
    except BaseException:
        traceback.print_exc()
        return 1
    # Held back until all was done: it counts as stopped, and the next moment is tried.
    return 0 if changes < moment else 128 + number
