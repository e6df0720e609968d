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
    """Arguments by name, with numbers as Python's own.

    Args:
        schema: a ``TypedDict``; see ``schema.typed``.
        **given: the arguments.

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
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text or not _is_encodable(text):
        raise UsageError(f"'{name}' must be a path, not {reprlib.repr(value)}")
    return Path(text)


def _is_encodable(text: str) -> bool:
    """Whether the system can be asked for it; a lone surrogate is no byte of any name."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def check_function(name: str, value: Any) -> None:
    """Whether something can be called.

    Raises:
        UsageError: it cannot.
    """
    if not callable(value):
        raise UsageError(f"'{name}' must be a function, not {reprlib.repr(value)}")
