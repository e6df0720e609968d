# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A trained net as the file that it can be read from again, whatever its numbers are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..contract.method_names import FLOAT_MARK
from ..system.archive import Archive, array_names
from . import packed
from .model import Model, model_in
from .trained import Trained

WHAT = "model of fewmult-hls"
_MARKS = {"format", FLOAT_MARK, packed.MARK}


def is_ours(path: Path) -> bool:
    """Whether a model is there.

    Raises:
        FewmultError: it cannot be read.
    """
    return not _MARKS.isdisjoint(array_names(path))


def arrays_of(model: Trained) -> dict[str, Any]:
    """All of a model but its checksum: as model.npz has it, or packed if it was read so."""
    if isinstance(model, Model) and model.packed_from is not None:
        return packed.packed_arrays(model)
    return model.arrays()


def trained_in(arrays: Archive) -> Trained:
    """The model in an archive that ``arrays_of`` made, all of it checked.

    Raises:
        ValueError, KeyError, UsageError: there is none, or it cannot be.
    """
    if packed.MARK in arrays:
        return packed.model_in(arrays)
    if FLOAT_MARK in arrays:
        from ..methods.floating import model as floating

        return floating.model_in(arrays)
    return model_in(arrays)
