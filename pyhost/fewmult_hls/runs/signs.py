# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Signs by which the files of a run are told from others of the same names."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from ..system.errors import FewmultError
from ..system.files import open_regular
from .checkpoints import FOLDER
from .config import load_config

_MAX_LINE = 1 << 20


def is_of_a_run(path: Path) -> bool:
    """Whether a file of a name that runs use is one of a run."""
    if path.is_symlink() or (path.parent.name == FOLDER and path.parent.is_symlink()):
        return False
    sign = _SIGNS.get(path.name, _is_file)
    try:
        return sign(path)
    except (FewmultError, ValueError, RecursionError, zipfile.BadZipFile):
        return False


def _is_config(path: Path) -> bool:
    return {"dataset", "net", "method"} <= load_config(path).keys()


def _is_metrics(path: Path) -> bool:
    line = _read(path).partition(b"\n")[0]
    return not line or {"epoch", "hinge"} <= _keys(line)


def _is_summary(path: Path) -> bool:
    return {"fingerprint", "validation_error"} <= _keys(_read(path))


def _is_model(path: Path) -> bool:
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        return "fingerprint.npy" in names and not names.isdisjoint(("widths.npy", "net.npy"))


def _is_file(path: Path) -> bool:
    """The names of checkpoints are signs enough, and damaged ones may go."""
    _read(path)
    return True


def _read(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(_MAX_LINE)


def _keys(text: bytes) -> set[str]:
    found = json.loads(text)
    return set(found) if isinstance(found, dict) else set()


_SIGNS: dict[str, Callable[[Path], bool]] = {
    "config.toml": _is_config,
    "metrics.jsonl": _is_metrics,
    "summary.json": _is_summary,
    "model.npz": _is_model,
}
