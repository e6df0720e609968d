# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a checkout lie."""

import json
from importlib.metadata import PackageNotFoundError, distribution
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


def _is_editable() -> bool:
    try:
        url = distribution("fewmult-hls").read_text("direct_url.json")
    except PackageNotFoundError:
        return False
    return bool(url) and bool(json.loads(url).get("dir_info", {}).get("editable"))


# Python finds an editable installation before any folder of PYTHONPATH.
takes_copies = pytest.mark.skipif(
    _is_editable(), reason="runs a copy of the package, which an editable installation hides"
)
