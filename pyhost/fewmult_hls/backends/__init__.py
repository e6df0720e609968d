# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Backends: who executes the kernels. One file each, one small protocol.

Training code never asks which backend it has; they all leave the same bits.
"""

from __future__ import annotations

from .base import Backend, Key, LayerArrays, LayerNumbers, Pass, Update

__all__ = ["Backend", "Key", "LayerArrays", "LayerNumbers", "Pass", "Update", "open_backend"]


def open_backend(name: str) -> Backend:
    """The backend of that name, ready to run.

    Raises:
        FewmultError: it cannot run here; the message says what is missing.
    """
    if name == "numpy":
        from .oracle_backend import OracleBackend

        return OracleBackend()
    from .emu import EmuBackend

    return EmuBackend()
