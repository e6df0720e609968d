# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Backends: who executes the kernels. One file each, one small protocol.

Training code never asks which backend it has; they all leave the same bits.
"""

from __future__ import annotations

from ..errors import UsageError
from .base import Backend, Key, LayerArrays, LayerNumbers, Pass, Update

__all__ = ["Backend", "Key", "LayerArrays", "LayerNumbers", "Pass", "Update", "open_backend"]


def open_backend(name: str, threads: int | None = None) -> Backend:
    """The backend of that name, ready to run.

    Args:
        name: one of ``backend_names.BACKENDS``.
        threads: for emu, by default one for each physical core.

    Raises:
        UsageError: the backend takes no number of threads, or not this one.
        FewmultError: it cannot run here; the message says what is missing.
    """
    if name == "numpy":
        from .oracle_backend import OracleBackend

        if threads is not None:
            raise UsageError("the numpy backend has one thread: leave --threads out")
        return OracleBackend()
    from .emu import EmuBackend

    return EmuBackend(threads)
