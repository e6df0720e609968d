# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What can be the name of a class: it is printed, and told from others."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Iterable

_MAX_LENGTH = 255  # characters, as of a folder's name


def check_class_names(names: Iterable[object]) -> None:
    """Refuses names that are no text, or cannot be told apart or printed.

    Raises:
        ValueError: one of them is such a name.
    """
    seen = set()
    for name in names:
        if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _MAX_LENGTH):
            raise ValueError(f"{reprlib.repr(name)} cannot name a class")
        shown = unicodedata.normalize("NFC", name)  # an accent may be a character of its own
        if shown in seen:
            raise ValueError(f"two classes are named {name}")
        seen.add(shown)
