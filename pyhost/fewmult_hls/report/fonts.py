# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Fonts for names in any script: those that this system has, besides matplotlib's own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from .text import escape, printable, shortened

PLAIN = "DejaVu Sans"  # comes with matplotlib


def drawable(text: str, length: int) -> str:
    """A text as a picture can hold it: at most so many characters, each of which has a glyph."""
    known = (c if _family(c) else escape(c) for c in printable(text))
    return shortened("".join(known), length)


def families(texts: Iterable[str]) -> list[str]:
    """Names of the fonts that these texts need, matplotlib's own first."""
    found = (_family(c) for c in sorted(set().union(*map(printable, texts))))
    return list(dict.fromkeys([PLAIN, *(name for name in found if name)]))


@cache
def _family(character: str) -> str | None:
    """The first font that has a glyph for it."""
    for name in (PLAIN, *_installed()):
        if ord(character) in _characters(name):
            return name
    return None


@cache
def _installed() -> list[str]:
    """Upright fonts, those without serifs first."""
    upright = {font.name for font in fontManager.ttflist if font.style == "normal"}
    # A font of last resort draws boxes for everything.
    usable = (name for name in upright if "lastresort" not in name.lower().replace(" ", ""))
    return sorted(usable, key=lambda name: ("Sans" not in name, name))


@cache
def _characters(family: str) -> frozenset[int]:
    """What a font has glyphs for; nothing if it cannot be drawn with."""
    try:
        font = get_font(findfont(FontProperties(family=family), fallback_to_default=False))
    except (OSError, RuntimeError, ValueError):  # removed or damaged since they were listed
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
