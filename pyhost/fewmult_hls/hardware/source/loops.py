# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Loops of a C++ source, as clang-format leaves it, and what their pragmas ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FOR = re.compile(r"^\s*(?:(\w+):\s*)?for \(")
_LABEL = re.compile(r"^\s*(\w+):\s*$")
_PIPELINE = re.compile(r"#pragma HLS PIPELINE II = (\d{1,9})")
# The head of a function: a type, a name and a bracket, indented by two at most; what is declared
# only, returned or assigned has other marks.
_HEAD = re.compile(r"^ {0,2}(?!return|else)[\w:<>&*\" ]*[\w>&*\"] [&*]?(\w+)\((?!.*;$)")


class SourceLoop(NamedTuple):
    """A loop.

    Attributes:
        file: it stands in.
        line: of its ``for``, from 1.
        label: or empty.
        function: around it; empty if there is none.
        interval: cycles from one iteration to the next; None if no pragma pipelines it.
    """

    file: str
    line: int
    label: str
    function: str
    interval: int | None


def loops_of(file: str, text: str) -> Iterator[SourceLoop]:
    """Every loop of a file, in its order."""
    lines = text.splitlines()
    function = label = ""
    for number, line in enumerate(lines, start=1):
        head, loop, alone = _HEAD.match(line), _FOR.match(line), _LABEL.match(line)
        function = head[1] if head else function
        if loop:
            pragmas = _pragmas(lines[number - 1 :])
            interval = _PIPELINE.search(pragmas)
            yield SourceLoop(
                file,
                number,
                loop[1] or label,
                function,
                int(interval[1]) if interval else None,
            )
        label = alone[1] if alone else ""


def _pragmas(lines: list[str]) -> str:
    """Of the loop that the lines begin with: they follow its head."""
    rest = iter(lines)
    open_brackets = 0
    for line in rest:
        open_brackets += line.count("(") - line.count(")")
        if open_brackets == 0:
            break
    found = []
    for line in rest:
        if not line.strip().startswith(("#pragma", "//")):
            break
        found.append(line)
    return "\n".join(found)
