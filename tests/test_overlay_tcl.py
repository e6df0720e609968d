# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay's Vivado script, executed by a real tclsh against a strict recorder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import block_design
import pytest

from fewmult_hls.errors import UsageError
from fewmult_hls.hardware.board import load_board
from fewmult_hls.hardware.manifest import load_manifest, planned_manifest
from fewmult_hls.hardware.overlay_tcl import overlay_script

Z2 = load_board("pynq-z2")
needs_tcl = pytest.mark.skipif(not shutil.which("tclsh"), reason="needs tclsh (Debian: tcl)")


def products(script: Path) -> set[str]:
    return {path.name for path in script.parent.iterdir() if path.is_file()} - {
        script.name,
        "graph.json",
    }


@needs_tcl
@pytest.mark.parametrize("overlay", Z2.overlays)
def test_the_design(overlay: str, tmp_path: Path) -> None:
    manifest = planned_manifest(Z2, overlay)
    script = block_design.write_plan(tmp_path, Z2, manifest)
    done, graph = block_design.record(script)
    assert (done.returncode, done.stderr, graph["refused"]) == (0, "", [])
    assert block_design.faults(graph, Z2, manifest) == []
    assert products(script) == {f"{overlay}.bit", f"{overlay}.hwh", f"{overlay}.json"}
    assert load_manifest(script.with_suffix(".json")) == manifest
