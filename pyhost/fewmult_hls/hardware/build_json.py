# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""build.json of a plan: what the vendor's tools reported, read back (see ``reports.py``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..replacing import bring_back
from .reports import FORMAT

NAME = "build.json"
ROUTED = "routed"
_NUMBERS = ("lut", "ff", "bram18", "dsp", "wns_ns")


def load_build(folder: Path, board: str) -> dict[str, dict[str, Any]]:
    """What is reported of each kernel, and as ``routed`` of the whole overlay.

    Args:
        folder: of the plan.
        board: that it must be for.

    Raises:
        UsageError: there is no build.json, it is damaged, or of another board.
    """
    bring_back(folder)
    path = folder / NAME
    try:
        build = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; the plan's run.sh writes it after synthesis"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    fault = next(_faults(build), "")
    if fault:
        raise UsageError(f"{path} is damaged: {fault}")
    if build["board"] != board:
        raise UsageError(f"{path} is of board {build['board']}, and this is about {board}")
    routed = {ROUTED: build[ROUTED]} if ROUTED in build else {}
    return {**build["kernels"], **routed}


def _faults(build: Any) -> Iterator[str]:
    if not isinstance(build, dict) or build.get("format") != FORMAT:
        yield f"it is not of format {FORMAT}"
        return
    kernels = build.get("kernels")
    if not isinstance(build.get("board"), str) or not isinstance(kernels, dict):
        yield "it names no board or no kernels"
        return
    for name, found in {**kernels, ROUTED: build.get(ROUTED, dict.fromkeys(_NUMBERS, 0))}.items():
        for key in _NUMBERS:
            if not isinstance(found, dict) or type(found.get(key)) not in (int, float):
                yield f"{name} has no number {key}"
        if name != ROUTED and isinstance(found, dict) and not isinstance(found.get("from"), str):
            yield f"{name} does not say where it is from"
