# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The hand-written RTL of tests/hardware/rtl, put into an overlay as a build puts it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checkout import HARDWARE

RTL = HARDWARE / "rtl"
VERILOG = sorted(RTL.glob("*.v"))

needs_verilator = pytest.mark.skipif(
    shutil.which("verilator") is None, reason="needs Verilator: the package verilator"
)


def write_rtl(folder: Path, build_id: int) -> Path:
    """Copies the Verilog into a new folder, with the overlay's number in it."""
    folder.mkdir()
    for path in RTL.glob("*.v*"):
        text = path.read_text().replace("BUILD_ID = 32'h00000000", f"BUILD_ID = 32'h{build_id:08x}")
        (folder / path.name).write_text(text)
    return folder
