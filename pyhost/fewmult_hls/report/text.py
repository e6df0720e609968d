# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Text that others chose, such as names of runs, classes and files, so that it can be shown."""

from __future__ import annotations

import os
import shlex
import unicodedata
from collections.abc import Iterable


def printable(text: str) -> str:
    """The text with escapes for what is none: controls, directions, bytes that are not UTF-8."""
    if text.isprintable():
        return text
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":  # a space of another width
        return " "
    if "\udc80" <= character <= "\udcff":  # as Python holds such a byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    return escape(character)


def escape(character: str) -> str:
    """A text as in a literal of Python."""
    return character.encode("unicode_escape").decode()


def shortened(text: str, length: int) -> str:
    """At most so many characters, of the beginning and of the end, which tells names apart."""
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - 1 - end]}\N{HORIZONTAL ELLIPSIS}{text[len(text) - end :]}"


def command_line(words: Iterable[str]) -> str:
    """Words as a shell takes them, in one line that can be shown."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
