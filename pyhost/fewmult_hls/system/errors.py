# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The two ways a command fails on purpose: one clear line, no traceback."""

from __future__ import annotations

_LONGEST = 200  # characters: libraries quote what they found


class FewmultError(Exception):
    """Something that was asked for cannot be done; the message names the fault and the fix.

    The command line prints the message as one line and exits with ``exit_code``.
    """

    exit_code = 1


class UsageError(FewmultError):
    """The request itself is wrong: an option, a net or a name that cannot be meant."""

    exit_code = 2


def reason_of(error: Exception) -> str:
    """What an exception says, in a line that is not too long."""
    if isinstance(error, KeyError):
        missing = str(error.args[0])
        said = missing if " " in missing else f"it lacks {missing}"
    else:
        said = str(error).partition("\n")[0] or type(error).__name__
    half = _LONGEST // 2
    return said if len(said) <= _LONGEST else f"{said[:half]} .. {said[-half:]}"
