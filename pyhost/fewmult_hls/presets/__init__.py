# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Presets: configs that come with the package, each a TOML file with a line that describes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..system.errors import UsageError
from ..system.schema import read_toml, typed_keys

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """Settings that belong together.

    Attributes:
        name: for ``train --preset``.
        description: one line.
        values: fields of ``RunConfig``.
    """

    name: str
    description: str
    values: dict[str, Any]


def names() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_preset(name: str) -> Preset:
    """One of ``names()``.

    Raises:
        UsageError: there is no such preset.
    """
    from ..runs.config import RunConfig

    if name not in names():
        raise UsageError(f"there is no preset '{name}': take {' or '.join(names())}")
    values = read_toml(_FOLDER / f"{name}.toml")
    return Preset(name, values.pop("description"), typed_keys(RunConfig, values))
