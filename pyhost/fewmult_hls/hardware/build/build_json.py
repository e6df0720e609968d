# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""build.json of a plan: what the vendor's tools reported, read back (see ``reports.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from ...system.errors import FewmultError, UsageError
from ...system.replacing import bring_back
from ...system.schema import read_json

NAME = "build.json"
ROUTED = "routed"
_MOST_BYTES = 16 << 20


class _Area(TypedDict):
    lut: float
    ff: float
    bram18: float
    dsp: float
    wns_ns: float


_From = TypedDict("_From", {"from": str})


class _Kernel(_Area, _From):
    pass


@dataclass(frozen=True)
class _Build:
    format: Literal[1]  # reports.FORMAT
    board: str
    kernels: dict[str, _Kernel]
    routed: _Area | None = None


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
        build = read_json(path, _Build, _MOST_BYTES, extra=True)
    except FewmultError as error:
        raise UsageError(f"{error}; the plan's run.sh writes it after synthesis") from error
    if build.board != board:
        raise UsageError(f"{path} is of board {build.board}, and this is about {board}")
    routed = {} if build.routed is None else {ROUTED: dict(build.routed)}
    return {**{name: dict(found) for name, found in build.kernels.items()}, **routed}
