# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a user must never meet: a traceback, a hang, a gigabyte, an answer that is no line."""

from __future__ import annotations

import contextlib
import io
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fewmult_hls.cli.commands import run
from fewmult_hls.system.errors import FewmultError

SECONDS = 20  # of a case
_GIBIBYTE = 1 << 30


class Finding(AssertionError):  # noqa: N818
    """Something that must not be."""


def limit_memory() -> None:
    """Lets this process take a GiB more than it has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + _GIBIBYTE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Ends what takes too long, and makes an error of a warning."""

    def late(number: int, frame: Any) -> None:
        raise Finding(f"it took more than {SECONDS} s")

    numbers = (signal.SIGPROF, signal.SIGALRM)
    before = {number: signal.signal(number, late) for number in numbers}
    # Seconds of computing: how long they take is the machine's. What waits for ever ends, too.
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(10 * SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def command(*arguments: str | Path, finds: bool = False) -> int:
    """Runs a command as a user does; its exit code.

    Args:
        arguments: of the command line.
        finds: whether 1 may be an answer, as of a comparison, and no error.

    Raises:
        Finding: it ended otherwise than commands end.
    """
    out, err = io.StringIO(), io.StringIO()
    with bounded(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    lines = err.getvalue().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    said = f"{code} with {err.getvalue()[-300:]!r}"
    if code not in (0, 1, 2):
        raise Finding(f"exit code {said}")
    if finds and code == 1 and not lines:
        return code
    if len(errors) != (1 if code else 0) or (code and lines[-1:] != errors):
        raise Finding(f"not one line: {said}")
    if "not enough memory" in err.getvalue():
        raise Finding(f"memory ran out: {said}")
    return code


def call(function: Callable[..., object], *arguments: Any) -> None:
    """Calls a reader, which may refuse in one line alone.

    Raises:
        Finding: its refusal has more lines, or none.
    """
    with bounded():
        try:
            function(*arguments)
        except FewmultError as error:
            if len(str(error).splitlines()) != 1:
                raise Finding(f"not one line: {str(error)!r}") from error
