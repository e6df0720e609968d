# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of Python that take settings of a run as keywords, and say so."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .settings import Setting


def name_keywords(function: Callable[..., Any], rows: Mapping[str, Setting]) -> None:
    """Names settings in the signature and the docstring of a function that takes any keywords.

    Args:
        function: its last parameter is ``**`` something, in whose place they stand.
        rows: settings by their keywords.
    """
    found = inspect.signature(function)
    *own, _ = found.parameters.values()
    named = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=f"{row.kind.__name__} | None",
        )
        for name, row in rows.items()
    ]
    function.__signature__ = found.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
    lines = (f"\n        {name}: {row.full_help}" for name, row in rows.items())
    function.__doc__ = f"{function.__doc__}\n    Options:{''.join(lines)}\n    "
