# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Signals that ask for an end, held back while a state is being changed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGXCPU)
"""A key's, a system's, a terminal's that goes, and those of batch systems whose time is over."""


@contextmanager
def held_back() -> Iterator[None]:
    """Lets no signal into the block; one that came meanwhile takes effect at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}
    try:
        for number, handler in handlers.items():
            if handler not in (None, signal.SIG_IGN):
                signal.signal(number, lambda came, frame: arrived.append(came))
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])
