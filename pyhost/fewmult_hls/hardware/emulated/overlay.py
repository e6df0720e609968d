# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated board and its overlays: their files, without a bitstream in the .bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...backends.emu import has_kernels
from ...system.files import write_atomic, writing
from ..board.board import Board
from ..board.manifest import KernelIp, Manifest, planned_manifest, save_manifest
from ..rtl.kernel import RtlKernel
from .bus import Bus
from .hwh import emulated_hwh
from .ip import FabricMemory, Ip
from .kernels import Faults, KernelModel


def write_emulated_overlay(folder: Path, board: Board, overlay: str) -> Manifest:
    """Writes OVERLAY.bit, .hwh and .json into a folder, and returns what they say."""
    manifest = planned_manifest(board, overlay)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    # Not two alike: pynq keeps what it read of a .hwh under the hash of its bitstream.
    write_atomic(folder / f"{overlay}.bit", f"emulated {overlay} {manifest.config_hash}\n")
    write_atomic(folder / f"{overlay}.hwh", emulated_hwh(board, manifest))
    save_manifest(folder / f"{overlay}.json", manifest)
    return manifest


def open_emulated_device(
    board: Board,
    faults: Faults | None = None,
    rtl: Mapping[str, Path] | None = None,
    bus: Bus | None = None,
) -> Any:
    """The board, as a device of pynq; its kernels run on this machine.

    Args:
        board: to emulate.
        faults: what is to go wrong.
        rtl: libraries of the kernels that are verilated, by name; a backend computes the others.
        bus: holds up what a backend computes; by default for a few polls.
    """
    from ...backends import open_backend
    from .device import EmulatedDevice

    wrong, waits = faults or Faults(), bus or Bus()
    backend = open_backend("emu" if has_kernels() else "numpy")

    def factory(name: str, ip: KernelIp, memory: FabricMemory) -> Ip:
        if rtl and name in rtl:
            return RtlKernel(name, ip, rtl[name], memory)
        return KernelModel(name, ip, memory, backend, device.build_id, wrong, waits)

    device = EmulatedDevice(board, factory)
    device.select()
    return device
