# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of the functions for Python, checked before anything is done with them."""

from __future__ import annotations

import operator
import os
import reprlib
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UsageError
from .schema import typed_keys


def checked(schema: type, **given: Any) -> dict[str, Any]:
    """Arguments by name as a ``TypedDict`` has them, with numbers as Python's own.

    Raises:
        UsageError: one does not fit.
    """
    try:
        return typed_keys(schema, {name: _plain(value) for name, value in given.items()})
    except ValueError as error:
        raise UsageError(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.bool_):
        return bool(value)
    return operator.index(value) if isinstance(value, np.integer) else value


def as_path(name: str, value: Any) -> Path:
    """A path that may be given as text.

    Raises:
        UsageError: it is none, or empty: that would mean the working folder.
    """
    try:
        text = os.fspath(value)
        is_path = isinstance(text, str) and text != "" and b"\0" not in os.fsencode(text)
    except (TypeError, UnicodeEncodeError):  # a lone surrogate is no byte of any name
        is_path = False
    if not is_path:
        raise UsageError(f"'{name}' must be a path, not {reprlib.repr(value)}")
    return Path(text)


def check_function(name: str, value: Any) -> None:
    """Whether something can be called.

    Raises:
        UsageError: it cannot.
    """
    if not callable(value):
        raise UsageError(f"'{name}' must be a function, not {reprlib.repr(value)}")
