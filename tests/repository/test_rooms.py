# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The order of the package's rooms: a lower one imports no upper one when it is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import fewmult_hls
import house

PACKAGE = Path(fewmult_hls.__file__).parent

ORDER = house.order()


def room_of(parts: Sequence[str]) -> str | None:
    """The room that a module is in: the innermost that is listed."""
    names = ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1))
    return next((name for name in names if name in ORDER), None)


def imports(path: Path) -> Iterator[str | None]:
    """Rooms that a file imports when it is loaded."""
    folder = path.relative_to(PACKAGE).parent.parts
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = folder[: len(folder) - (node.level - 1)]
        target = (*base, *(node.module.split(".") if node.module else ()))
        yield from (room_of((*target, alias.name)) for alias in node.names)


def upward() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        room = room_of(name.with_suffix("").parts)
        if room is None:
            continue
        for other in imports(path):
            if other is not None and ORDER.index(other) > ORDER.index(room):
                yield name.as_posix(), other


def test_every_room_has_its_place() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_the_house_has_what_its_list_names() -> None:
    for entry in house.entries():
        path = house.ROOT / entry.inside / entry.name
        assert path.is_dir() if entry.name.endswith("/") else path.is_file(), entry.name


def test_no_room_imports_one_above_it() -> None:
    assert not set(upward())


def test_a_line_that_is_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "HOUSE", tmp_path / "house.txt")
    house.HOUSE.write_text("kernels/  what the fabric runs\nbindings/\n")
    with pytest.raises(ValueError, match="not a name and what it is for: bindings/"):
        house.entries()
