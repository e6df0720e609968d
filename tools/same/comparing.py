# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Two trees of values, value by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def flat(value: Any) -> dict[str, Any]:
    """The values of a tree of dicts and lists, by the path to each."""
    return dict(_values(value, ""))


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        value = {str(k): one for k, one in enumerate(value)}
    if not isinstance(value, dict):
        yield path, value
        return
    for key, inner in value.items():
        yield from _values(inner, f"{path}/{key}" if path else key)


def differences(base: dict[str, Any], head: dict[str, Any]) -> dict[str, list[str]]:
    """What is not the same in two trees.

    Returns:
        A line for each value, by the section that it lies in: the first key of its path. Sections
        that are equal are missing.
    """
    found = {}
    for section in {**base, **head}:
        one, other = (
            flat({section: side[section]} if section in side else {}) for side in (base, head)
        )
        lines = [
            _line(path, one, other) for path in {**one, **other} if not _equal(path, one, other)
        ]
        if lines:
            found[section] = lines
    return found


def _equal(path: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    return path in one and path in other and one[path] == other[path]


def _line(path: str, one: dict[str, Any], other: dict[str, Any]) -> str:
    if path not in other:
        return f"{path}: in BASE only, {one[path]}"
    if path not in one:
        return f"{path}: in HEAD only, {other[path]}"
    return f"{path}: {one[path]} is {other[path]} now"
