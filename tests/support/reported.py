# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A plan whose reports lie in tests/hardware/reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from checkout import REPORTS
from fewmult_hls.hardware.build import reports
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
PLACES = {
    "csynth.xml": f"hls/layer/{reports.SYNTHESIS}",
    "export_impl.xml": f"hls/layer/{reports.IMPLEMENTATION}",
    "timing_summary.rpt": reports.TIMING,
    "utilization.rpt": reports.UTILIZATION,
}


def write_plan(plan: Path, *names: str) -> Path:
    """What reports of a plan are read with, and these of them."""
    plan.mkdir(exist_ok=True)
    (plan / "plan.json").write_text(json.dumps(FACTS))
    for name in names:
        put(plan, name)
    return plan


def put(plan: Path, name: str, old: str = "", new: str = "", kernel: str = "layer") -> None:
    """A report as a tool would leave it, one piece of it changed."""
    text = (REPORTS / name).read_text()
    assert old in text
    path = plan / PLACES[name].replace("hls/layer", f"hls/{kernel}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new, 1) if old else text)
