# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Backends: who executes the kernels. One file each, one small protocol.

Training code never asks which backend it has; they all leave the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..system.errors import UsageError
from .names import BACKENDS, Device

if TYPE_CHECKING:
    from ..contract.backend import Backend

__all__ = ["Device", "open_backend"]


def open_backend(name: str, threads: int | None = None, device: Device | None = None) -> Backend:
    """The backend of that name, ready to run.

    Args:
        name: one of ``backends.names.BACKENDS``.
        threads: for emu, by default one for each physical core.
        device: for pynq, by default the board.

    Raises:
        UsageError: there is none of that name, or it takes no number of threads, or not this one,
            or has no device.
        FewmultError: it cannot run here; the message says what is missing.
    """
    if name not in BACKENDS:
        raise UsageError(f"there is no backend '{name}': take {' or '.join(BACKENDS)}")
    if device is not None and name != "pynq":
        raise UsageError(f"the {name} backend has no device: leave --device out")
    if name == "pynq":
        from .pynq_backend import open_pynq

        if threads is not None:
            raise UsageError("the pynq backend has no threads: leave --threads out")
        return open_pynq(device or Device())
    if name == "numpy":
        from .oracle_backend import OracleBackend

        if threads is not None:
            raise UsageError("the numpy backend has one thread: leave --threads out")
        return OracleBackend()
    from .emu import EmuBackend

    return EmuBackend(threads)
