# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Facts of a plan whose reports lie in tests/hardware/reports."""

from __future__ import annotations

from typing import Any

from checkout import REPORTS
from fewmult_hls.hardware.build.plan import loop_targets
from fewmult_hls.hardware.source.reading import read_sources

FACTS: dict[str, Any] = {
    "board": "pynq-z2",
    "overlay": "fewmult",
    "build_id": 7,
    "clock_ns": 10.0,
    "limits": {"dsp": 0},
    "kernels": ["layer", "shift_gradient"],
    "loops": loop_targets(read_sources(REPORTS / "kernels")),
}
