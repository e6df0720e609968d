# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Reads hls_config.cfg as strictly as we can without the vendor's tool."""

from __future__ import annotations

from pathlib import Path

# Each is documented: UG1702 and UG1399; the pages are named in docs/hardware/building.md.
KNOWN = {
    "clock",
    "clock_uncertainty",
    "cosim.O",
    "cosim.rtl",
    "csim.clean",
    "csim.sanitize_address",
    "csim.sanitize_undefined",
    "flow_target",
    "package.ip.library",
    "package.ip.name",
    "package.ip.vendor",
    "package.ip.version",
    "package.output.format",
    "package.output.syn",
    "syn.cflags",
    "syn.compile.pipeline_style",
    "syn.compile.pragma_strict_mode",
    "syn.dataflow.fifo_depth",
    "syn.file",
    "syn.interface.m_axi_addr64",
    "syn.interface.m_axi_alignment_byte_size",
    "syn.interface.m_axi_max_widen_bitwidth",
    "syn.op",
    "syn.top",
    "tb.cflags",
    "tb.file",
    "vivado.flow",
    "vivado.rtl",
    "vivado.synth_design_args",
}
LISTS = {"tb.file", "syn.file"}


def read_config(path: Path) -> dict[str, list[str]]:
    """Values by key; ``part`` stands above [hls], as an option of v++ itself."""
    values: dict[str, list[str]] = {}
    section = ""
    for line in filter(None, path.read_text(encoding="ascii").splitlines()):
        if line == "[hls]":
            assert section == ""
            section = line
            continue
        key, separator, value = line.partition("=")
        assert separator, line
        assert value == value.strip() != "", line
        assert (key in KNOWN) if section else (key == "part"), line
        assert key not in values or key in LISTS, line
        values.setdefault(key, []).append(value)
    return values
