# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/pictures: ``python tools/pictures.py``, which needs the package.

What is drawn is read: the rooms from docs/house.txt, a step from the list of calls that training
runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import house
import step_picture
from drawing import LINE, NAME, PAD, Drawing, height_of

FOLDER = house.ROOT / "docs/pictures"

_GAP = 12
_WIDTH = 860


def draw_house() -> Drawing:
    """The contract below all, C++ on it, then the package's rooms: one imports what lies below."""
    outside = [entry for entry in house.entries() if not entry.inside]
    package = next(entry for entry in outside if entry.name == house.PACKAGE)
    floors = [
        [entry for entry in outside if entry.floor == floor]
        for floor in dict.fromkeys(entry.floor for entry in outside)
    ]
    rooms = list(reversed(house.rooms()))
    inner = _WIDTH - 4 * _GAP
    head = 2 * PAD + NAME + LINE
    framed = head + sum(_height(floor, inner) + _GAP for floor in rooms)
    heights = [
        framed if package in floor else _height(floor, _WIDTH - 2 * _GAP) for floor in floors
    ]
    drawing = Drawing(
        "The folders of the repository, and the package's rooms in the order of their imports",
        _WIDTH,
        sum(heights) + (len(heights) + 1) * _GAP,
    )
    y = _GAP
    for floor, height in zip(reversed(floors), reversed(heights), strict=True):
        if package in floor:
            _frame(drawing, y, height, package)
            within = y + head
            for row in rooms:
                _draw_floor(drawing, 2 * _GAP, within, inner, row)
                within += _height(row, inner) + _GAP
        else:
            _draw_floor(drawing, _GAP, y, _WIDTH - 2 * _GAP, floor)
        y += height + _GAP
    return drawing


def _frame(drawing: Drawing, y: int, height: int, package: house.Entry) -> None:
    drawing.box(_GAP, y, _WIDTH - 2 * _GAP, height, "frame")
    drawing.text(2 * _GAP, y + PAD + NAME - 2, package.name, "name")
    rule = "A room imports none that lies above it or, on its floor, to its right."
    drawing.text(2 * _GAP, y + PAD + NAME - 2 + LINE, rule)


def _share(floor: Sequence[house.Entry], width: int) -> float:
    """The width of each of some boxes side by side."""
    return (width + _GAP) / len(floor) - _GAP


def _height(floor: Sequence[house.Entry], width: int) -> int:
    return max(height_of(entry.text, _share(floor, width)) for entry in floor)


def _draw_floor(
    drawing: Drawing, x: float, y: int, width: int, floor: Sequence[house.Entry]
) -> None:
    share, height = _share(floor, width), _height(floor, width)
    for entry in floor:
        drawing.labelled(x, y, share, height, entry.name, entry.text)
        x += share + _GAP


PICTURES: dict[str, Callable[[], Drawing]] = {
    "house.svg": draw_house,
    "step.svg": step_picture.draw_step,
}


def main() -> int:
    """Draws what has changed."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        path, svg = FOLDER / name, draw().svg()
        if not path.is_file() or path.read_text(encoding="utf-8") != svg:
            path.write_text(svg, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(house.ROOT)}: drawn\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
