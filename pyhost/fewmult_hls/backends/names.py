# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The backends' names and devices, outside ``backends/``, whose import waits for numpy."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from pathlib import Path

from ..system.errors import UsageError

BACKENDS = ("emu", "numpy", "pynq")
DEVICES = ("board", "emulated", "rtl")


@dataclass(frozen=True)
class Device:
    """What the pynq backend runs on.

    Attributes:
        name: one of ``DEVICES``: the board, one that this machine emulates, or one with simulated
            RTL in it.
        rtl: the folder with the Verilog.

    Raises:
        UsageError: there is no such device, or RTL is missing or of no use.
    """

    name: str = "board"
    rtl: Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rtl, Path | None):
            raise UsageError(f"'rtl' must be a Path, not {reprlib.repr(self.rtl)}")
        if type(self.name) is not str or self.name not in DEVICES:
            shown = reprlib.repr(self.name)
            raise UsageError(f"there is no device {shown}: take {' or '.join(DEVICES)}")
        if self.name == "rtl" and self.rtl is None:
            raise UsageError("--device rtl needs --rtl DIR, the folder with the kernels' Verilog")
        if self.name != "rtl" and self.rtl is not None:
            raise UsageError("--rtl is for --device rtl: add that, or leave --rtl out")


def as_device(device: Device | str | None) -> Device | None:
    """A device that may be given by its name alone.

    Raises:
        UsageError: there is none of that name, or it is something else.
    """
    if device is None or isinstance(device, Device):
        return device
    return Device(device)
