# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The house as ``docs/house.txt`` lists it: folders, and the package's rooms in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "docs/house.txt"
PACKAGE = "pyhost/fewmult_hls/"

_ENTRY = re.compile(r"(?P<indent> *)(?P<name>\S+) {2,}(?P<text>.+)")


@dataclass(frozen=True)
class Entry:
    """A line of the list.

    Attributes:
        name: of the folder, with a slash, or file.
        text: what it is for.
        inside: the folder that it lies in, "" for the repository.
        floor: number of the group of lines that it stands in.
    """

    name: str
    text: str
    inside: str
    floor: int


def entries() -> list[Entry]:
    """All lines of the list.

    Raises:
        ValueError: a line is no entry.
    """
    found, floor, folder = [], 0, ""
    for line in HOUSE.read_text(encoding="utf-8").splitlines():
        match = _ENTRY.fullmatch(line)
        if match is None:
            if line:
                raise ValueError(f"{HOUSE.name}: not a name and what it is for: {line}")
            floor += 1
            continue
        if not match["indent"]:
            folder = match["name"]
        found.append(Entry(match["name"], match["text"], folder if match["indent"] else "", floor))
    return found


def rooms() -> list[list[Entry]]:
    """The package's rooms, floor by floor, the lowest first."""
    inside = (entry for entry in entries() if entry.inside == PACKAGE)
    return [list(floor) for _, floor in groupby(inside, key=lambda entry: entry.floor)]


def order() -> list[str]:
    """The names of the rooms, the lowest first."""
    return [re.sub(r"/$|\.py$", "", room.name) for floor in rooms() for room in floor]
