# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the C++ sources of kernels and testbenches are: in the package, or in its checkout."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path

from ..system.errors import FewmultError, UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


@cache
def source_root() -> Path:
    """The folder that holds ``kernels/`` and ``testbench/``.

    Raises:
        FewmultError: this installation has none, as on a board.
    """
    for root in (_PACKAGE / "sources", _PACKAGE.parents[1]):
        if (root / "kernels" / "tops.hpp").is_file():
            return root
    raise FewmultError(
        "the kernels' sources are not in this installation: "
        "use the wheel that is built with them, or a checkout"
    )


_CONSTANT = re.compile(
    r"^ *(?:static )?constexpr (?:int|Word|std::int\w+_t) (k\w+) = ([^;]+);", re.M
)
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}


_changed: ContextVar[tuple[tuple[str, int], ...]] = ContextVar("_changed", default=())


def constants() -> Mapping[str, int]:
    """Every constant of the kernels that is a number or made of those, by its name in C++."""
    return _constants(_changed.get())


@contextmanager
def changed(sizes: Mapping[str, int]) -> Iterator[None]:
    """Has the constants, meanwhile, as if these had other values in the sources.

    Raises:
        UsageError: the sources have no such constant.
    """
    unknown = sorted(sizes.keys() - constants().keys())
    if unknown:
        tiles = ", ".join(sorted(name for name in constants() if "Log2" in name or "Rows" in name))
        raise UsageError(f"the kernels have no constant {unknown[0]}: sizes are {tiles}")
    before = _changed.set(tuple(sizes.items()))
    try:
        yield
    finally:
        _changed.reset(before)


@lru_cache
def _constants(changes: tuple[tuple[str, int], ...]) -> Mapping[str, int]:
    pending: dict[str, str] = {}
    for path in sorted((source_root() / "kernels").glob("*.hpp")):
        pending.update(_CONSTANT.findall(path.read_text(encoding="utf-8")))
    pending.update((name, str(value)) for name, value in changes)
    found: dict[str, int] = {}
    while True:
        known = {name: evaluate(text, found) for name, text in pending.items()}
        new = {name: value for name, value in known.items() if value is not None}
        if new == found:
            return found
        found = new


def evaluate(text: str, names: Mapping[str, int]) -> int | None:
    """An integer expression of C++, or None where it is of other things."""
    try:
        return _value(ast.parse(text.replace("/", "//"), mode="eval").body, names)
    except (SyntaxError, KeyError, TypeError):
        return None


def _value(node: ast.expr, names: Mapping[str, int]) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.FloorDiv):
            return _value(node.left, names) // _value(node.right, names)
        return _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    raise TypeError(node)
