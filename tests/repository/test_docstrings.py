# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The first line of what the package says of itself stands alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import fewmult_hls

PACKAGE = Path(fewmult_hls.__file__).parent
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "sources" not in path.parts]
# Words that refer to what stands elsewhere: a line that starts with one lacks its noun.
FRAGMENTS = {"Of", "Those", "Its", "Their", "In", "As", "By", "With", "For", "From", "And", "Or"}


def documented(node: ast.AST, name: str) -> Iterator[tuple[str, str | None]]:
    """What is public in a module, with its docstring."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield name, ast.get_docstring(node)
    if isinstance(node, ast.Module | ast.ClassDef):
        for inner in node.body:
            found = getattr(inner, "name", "_")
            if not found.startswith("_"):
                yield from documented(inner, f"{name}.{found}")


def fault(docstring: str | None) -> str | None:
    """What is wrong with a docstring's first line."""
    if not docstring:
        return "there is none"
    first = docstring.splitlines()[0]
    if not first.endswith("."):
        return f"no whole sentence: {first}"
    if len(first) > 100:
        return f"too long: {first}"
    if first.split()[0] in FRAGMENTS:
        return f"a part of a sentence: {first}"
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_first_lines_stand_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    faults = {name: fault(text) for name, text in documented(tree, path.stem)}
    assert not {name: what for name, what in faults.items() if what}


def test_lines_that_do_not() -> None:
    assert fault(None)
    assert fault("The sum of two")
    assert fault("Of the sum.")
    assert fault("A sum " + 100 * "x" + ".")
    assert fault("The sum.\n\nOf two.") is None
