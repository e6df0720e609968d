# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The two ways a command fails on purpose: one clear line, no traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LONGEST = 200  # characters: libraries quote what they found


class FewmultError(Exception):
    """Something that was asked for cannot be done; the message names the fault and the fix.

    The command line prints the message and exits with ``exit_code``. Whatever a message quotes, it
    is one line, and steers no terminal.
    """

    exit_code = 1

    def __str__(self) -> str:
        return as_line(super().__str__())


class UsageError(FewmultError):
    """The request itself is wrong: an option, a net or a name that cannot be meant."""

    exit_code = 2


def as_line(text: str) -> str:
    """The text on one line, with escapes for what would steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))


@contextmanager
def library_faults(fault: Callable[[str], Exception]) -> Iterator[None]:
    """Turn what a library raises on damaged bytes into an error that is made of the reason.

    The exceptions of zipfile, zlib, numpy and Pillow have no common base.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise fault(reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """What an exception says, in a line that is not too long."""
    if isinstance(error, KeyError):
        missing = str(error.args[0])
        said = missing if " " in missing else f"it lacks {missing}"
    else:
        said = str(error).partition("\n")[0] or type(error).__name__
    half = _LONGEST // 2
    return said if len(said) <= _LONGEST else f"{said[:half]} .. {said[-half:]}"
