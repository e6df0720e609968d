# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: a file a command.

This file imports little: what it imports is not yet guarded against an interrupt.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # as in typing, whose import takes its time
if TYPE_CHECKING:
    from typing import Any

_PATIENCE = 1.0  # seconds to put things in order, before another signal ends it
_NUMPY_ON_OLD_CPU = "NumPy was built with baseline optimizations"


class _Stopped(BaseException):
    """A signal asks for an end; the blocks that it leaves put their files in order."""

    since: float | None = None
    came: _Stopped | None = None

    def __init__(self, number: int) -> None:
        self.number = number


def main() -> None:
    """Runs the command and exits."""
    import signal

    try:
        sys.unraisablehook = _come_again
        _on_signals(_stop)
        from .commands import run

        code = run()
        # It is over: a signal must not break into the end of Python.
        _on_signals(signal.SIG_IGN)
        if _Stopped.came is not None:  # and something that tidied up failed in its place
            raise _Stopped.came
    except BaseException as error:
        # Python may wrap what a signal raises, as where a class is made, or tidying up may fail.
        stop = _Stopped.came or error
        if isinstance(stop, (_Stopped, KeyboardInterrupt)):
            code = _interrupted(getattr(stop, "number", signal.SIGINT))
        elif isinstance(error, (ImportError, RuntimeError)):
            code = _not_loaded(error)
        else:
            raise
    sys.exit(code)


def _interrupted(number: int) -> int:
    """The exit code as shells have it, and a word if there is anybody to read it."""
    import signal

    _on_signals(signal.SIG_IGN)
    # A terminal that hung up cannot be written to, and without any there is no stderr.
    with suppress(OSError, AttributeError):
        sys.stderr.write("interrupted\n")
    return 128 + number


def _not_loaded(error: ImportError | RuntimeError) -> int:
    """One line for a package that is missing or broken, or that this machine cannot run."""
    reason = " ".join(str(error).split())
    if isinstance(error, ImportError):
        fix = "free memory if there is little, or install fewmult-hls and its packages again"
    elif reason.startswith(_NUMPY_ON_OLD_CPU):
        fix = "install an earlier numpy, or take a newer CPU"
    else:
        raise error
    sys.stderr.write(f"error: a package does not load ({reason}): {fix}\n")
    return 1


def _on_signals(handler: Any) -> None:
    import signal

    from ..system.interrupts import ENDING

    for number in ENDING:
        # One that is ignored, as behind nohup, stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _stop(number: int, frame: Any) -> None:
    now = time.monotonic()
    if _Stopped.since is None:
        _Stopped.since = now
        _Stopped.came = _Stopped(number)
        raise _Stopped.came
    # A key pressed twice must not break into the tidying up, nor be of no use if that hangs.
    if now - _Stopped.since > _PATIENCE:
        os._exit(128 + number)


def _come_again(swallowed: Any) -> None:
    """Sends a signal once more that came where Python lets no exception out, as in a callback."""
    if not isinstance(swallowed.exc_value, _Stopped):
        sys.__unraisablehook__(swallowed)
        return
    import _thread

    def send(number: int) -> None:
        time.sleep(0.01)  # until the callback is over
        os.kill(os.getpid(), number)

    _Stopped.since = None
    _thread.start_new_thread(send, (swallowed.exc_value.number,))
