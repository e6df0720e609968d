# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Fills pages with the code that they quote: ``python tools/quote.py``.

A page says what it quotes, and the block behind that line is ours to write::

    <!-- quote: kernels/layer.hpp "void layer(" -->
    <!-- quote: docs/arithmetic.md "mu[j]" "x_{l+1}[j,b]" -->
    <!-- quote: docs/house.txt -->

The first text is in the line that the quote starts with, and in no other. Without a second text it
ends where the lines that are indented deeper do; with one, at the next line that has it. Without
any text the whole file is quoted.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

_MARK = re.compile(
    r'(?P<mark><!-- quote: (?P<file>\S+)(?: "(?P<first>[^"]+)")?(?: "(?P<last>[^"]+)")? -->)\n'
    r"(?:```\w*\n.*?^```\n)?",
    re.MULTILINE | re.DOTALL,
)
_LANGUAGES = {".py": "python", ".hpp": "cpp", ".cpp": "cpp"}
# What lines of a block may start with that are not indented deeper than its first one: closing
# brackets, and what clang-format puts at the margin.
_CLOSING = (")", "]", "}")
_UNINDENTED = ("#pragma", "//")


class QuoteError(Exception):
    """What a page quotes is not there."""


def pages() -> list[Path]:
    """All pages that may quote."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """A page with its quotes as the sources have them.

    Raises:
        QuoteError: a quote names what is not there, or is there twice.
    """
    return _MARK.sub(_block, text)


def _block(match: re.Match[str]) -> str:
    path = ROOT / match["file"]
    if not path.is_file():
        raise QuoteError(f"there is no {match['file']}")
    lines = _quoted(match, path.read_text(encoding="utf-8").splitlines())
    margin = " " * _indent(lines[0])
    code = "\n".join(line.removeprefix(margin) for line in lines).strip("\n")
    return f"{match['mark']}\n```{_LANGUAGES.get(path.suffix, 'text')}\n{code}\n```\n"


def _quoted(match: re.Match[str], lines: list[str]) -> list[str]:
    if match["first"] is None:
        return lines
    starts = [at for at, line in enumerate(lines) if match["first"] in line]
    if len(starts) != 1:
        raise QuoteError(f'{match["file"]} has "{match["first"]}" in {len(starts)} lines')
    start = starts[0]
    if match["last"] is None:
        return lines[start : _end_of_block(lines, start)]
    for at in range(start, len(lines)):
        if match["last"] in lines[at]:
            return lines[start : at + 1]
    raise QuoteError(f'{match["file"]} has no "{match["last"]}" behind "{match["first"]}"')


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _end_of_block(lines: list[str], start: int) -> int:
    """The number of the first line behind a definition that starts in a line."""
    indent = _indent(lines[start])
    if lines[start].endswith((";", "}")):
        return start + 1
    for at, line in enumerate(lines[start + 1 :], start + 1):
        if not line.strip() or _indent(line) > indent or line.startswith(_UNINDENTED):
            continue
        if _indent(line) < indent or not line.lstrip().startswith(_CLOSING):
            return at
        if line.lstrip().startswith("}"):
            return at + 1
    return len(lines)


def main() -> int:
    """Rewrites the pages whose quotes have changed."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        try:
            new = filled(text)
        except QuoteError as error:
            sys.stderr.write(f"{page.relative_to(ROOT)}: {error}\n")
            return 1
        if new != text:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)}: filled\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
