# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The constants of the kernels, and others in their place to try."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from ...system.errors import UsageError
from .reading import kernel_sources

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
    pending = {**kernel_sources().constants, **{name: str(value) for name, value in changes}}
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
