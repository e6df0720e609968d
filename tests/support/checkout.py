# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a checkout lie."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SUPPORT = ROOT / "tests" / "support"
HARDWARE = ROOT / "tests" / "hardware"
REPORTS = HARDWARE / "reports"
# What `make board-wheel` leaves.
BOARD_DIST = ROOT / ".venv" / "dist" / "board"
WHEELS = sorted(BOARD_DIST.glob("fewmult_hls-*.whl"))

needs_wheel = pytest.mark.skipif(not WHEELS, reason="needs the wheel of `make board-wheel`")
