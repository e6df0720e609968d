# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Overlay scripts, run against the recorder, and the design that it recorded."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

from checkout import HARDWARE
from fewmult_hls.hardware.board.board import Board
from fewmult_hls.hardware.board.manifest import Manifest, save_manifest
from fewmult_hls.hardware.build.hls_project import vlnv
from fewmult_hls.hardware.build.overlay_tcl import overlay_script

RECORDER = HARDWARE / "tcl" / "vivado_recorder.tcl"
PS = "/processing_system7_0"
Graph = dict[str, Any]

# The part of a packaged kernel's component.xml (IP-XACT) that Vivado's catalog asks for.
COMPONENT = """<?xml version="1.0" encoding="UTF-8"?>
<spirit:component xmlns:spirit="http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009">
  <spirit:vendor>{0}</spirit:vendor>
  <spirit:library>{1}</spirit:library>
  <spirit:name>{2}</spirit:name>
  <spirit:version>{3}</spirit:version>
  <spirit:busInterfaces>
    <spirit:busInterface><spirit:name>s_axi_control</spirit:name></spirit:busInterface>
{masters}
  </spirit:busInterfaces>
</spirit:component>
"""
MASTER = "    <spirit:busInterface><spirit:name>m_axi_{}</spirit:name></spirit:busInterface>"


def write_plan(folder: Path, board: Board, manifest: Manifest) -> Path:
    """What the stages before the overlay leave, and the script; returns its path."""
    for name, ip in manifest.kernels.items():
        bundles = sorted({a.bundle for a in ip.arguments.values() if a.bundle})
        packaged = folder / "hls" / name / "work" / "hls" / "impl" / "ip"
        packaged.mkdir(parents=True)
        (packaged / "component.xml").write_text(
            COMPONENT.format(*vlnv(name).split(":"), masters="\n".join(map(MASTER.format, bundles)))
        )
    save_manifest(folder / "fewmult.json", manifest)
    script = folder / "overlay" / f"{manifest.overlay}.tcl"
    script.parent.mkdir()
    script.write_text(overlay_script(board, manifest))
    return script


def record(script: Path, **play: object) -> tuple[subprocess.CompletedProcess[str], Graph]:
    """Runs a script; ``play`` is what the tools answer."""
    tclsh = shutil.which("tclsh")
    assert tclsh
    graph = script.with_name("graph.json")
    answers = [str(item) for pair in play.items() for item in pair]
    command = [tclsh, str(RECORDER), str(script), str(graph), *answers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done, json.loads(graph.read_text())


def faults(graph: Graph, board: Board, manifest: Manifest) -> list[str]:
    """All that is wrong with a recorded design."""
    return [
        *_unconnected(graph),
        *_crossed(graph, board, manifest),
        *_addresses(graph, board, manifest),
        *_settings(graph, board, manifest),
    ]


def _unconnected(graph: Graph) -> list[str]:
    found = [
        f"{path} is not driven"
        for path, pin in graph["pins"].items()
        if pin["direction"] == "I" and not pin["driver"]
    ]
    clocks = {pin["driver"] for pin in graph["pins"].values() if pin["kind"] == "clock"} - {""}
    if clocks != {f"{PS}/FCLK_CLK0"}:
        found.append(f"clocks are {clocks}")
    peers = [end["peer"] for end in graph["interfaces"].values()]
    found += [
        f"{path} is not connected" for path, end in graph["interfaces"].items() if not end["peer"]
    ]
    found += [f"{peer} is connected twice" for peer in {*peers} if peer and peers.count(peer) > 1]
    return found


def _slaves(graph: Graph, master: str) -> list[str]:
    """Where a master's accesses come out, behind interconnects."""
    end = graph["interfaces"][master]["peer"]
    if not end or "smartconnect" not in graph["cells"][f"/{end.split('/')[1]}"]["vlnv"]:
        return [end]
    cell = end.rsplit("/", 1)[0] + "/"
    onward = [
        path
        for path, other in graph["interfaces"].items()
        if path.startswith(cell) and other["role"] == "master"
    ]
    return [slave for path in onward for slave in _slaves(graph, path)]


def _crossed(graph: Graph, board: Board, manifest: Manifest) -> list[str]:
    """Masters that do not come out where the board file says."""
    expected = {
        f"/{ip.ip}/m_axi_{argument.bundle}": [f"{PS}/{board.ports.bundles[argument.bundle]}"]
        for ip in manifest.kernels.values()
        for argument in ip.arguments.values()
        if argument.bundle
    }
    expected[f"{PS}/{board.ports.control}"] = [
        f"/{ip.ip}/s_axi_control" for ip in manifest.kernels.values()
    ]
    return [
        f"{master} reaches {_slaves(graph, master)}, not {slaves}"
        for master, slaves in expected.items()
        if _slaves(graph, master) != slaves
    ]


def _addresses(graph: Graph, board: Board, manifest: Manifest) -> list[str]:
    found = []
    placed = {
        (row["space"], row["segment"]): (row["offset"], row["range"]) for row in graph["segments"]
    }
    expected = {
        (f"{PS}/Data", f"/{ip.ip}/s_axi_control/Reg"): (ip.base, ip.span)
        for ip in manifest.kernels.values()
    }
    for ip in manifest.kernels.values():
        for bundle in {a.bundle for a in ip.arguments.values() if a.bundle}:
            port = board.ports.bundles[bundle]
            segment = f"{PS}/{port}/{port.removeprefix('S_AXI_')}_DDR_LOWOCM"
            expected[f"/{ip.ip}/Data_m_axi_{bundle}", segment] = (0, board.ddr.mb << 20)
    for key in sorted({*placed, *expected}):
        if placed.get(key) != expected.get(key):
            found.append(f"{key} is at {placed.get(key)}, not {expected.get(key)}")
    for (one, (start, size)), (other, (start2, size2)) in combinations(placed.items(), 2):
        if one[0] == other[0] and start < start2 + size2 and start2 < start + size:
            found.append(f"{one} and {other} overlap")
    return found


def _ports(board: Board, manifest: Manifest) -> set[str]:
    """Memory ports of the bundles that an overlay's kernels have."""
    arguments = [a for ip in manifest.kernels.values() for a in ip.arguments.values()]
    return {board.ports.bundles[a.bundle] for a in arguments if a.bundle}


def _settings(graph: Graph, board: Board, manifest: Manifest) -> list[str]:
    processor = graph["cells"][PS]["config"]
    expected = {
        "PCW_CRYSTAL_PERIPHERAL_FREQMHZ": str(board.clock.crystal_mhz),
        "PCW_APU_PERIPHERAL_FREQMHZ": str(board.processor.mhz),
        "PCW_PRESET_BANK0_VOLTAGE": board.processor.bank0,
        "PCW_PRESET_BANK1_VOLTAGE": board.processor.bank1,
        "PCW_UIPARAM_DDR_PARTNO": board.ddr.part,
        "PCW_UIPARAM_DDR_BUS_WIDTH": f"{board.ddr.bits} Bit",
        "PCW_UIPARAM_DDR_FREQ_MHZ": str(board.ddr.mhz),
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": str(board.clock.fabric_mhz),
        # Vivado enables it unless told otherwise, and then asks for its clock.
        "PCW_USE_M_AXI_GP0": str(int(board.ports.control == "M_AXI_GP0")),
        **{f"PCW_{port}_DATA_WIDTH": "64" for port in _ports(board, manifest)},
    }
    found = [
        f"{key} is {processor.get(key)}, not {value}"
        for key, value in expected.items()
        if processor.get(key) != value
    ]
    used = {key for key in processor if key.startswith("PCW_USE_S_AXI")}
    if used != {f"PCW_USE_{port}" for port in _ports(board, manifest)}:
        found.append(f"memory ports are {sorted(used)}")
    if graph["part"] != board.part:
        found.append(f"the part is {graph['part']}")
    if graph["synthesis"] != {"checkpoints": "None", "max_dsp": str(board.limits.dsp)}:
        found.append(f"synthesis is {graph['synthesis']}")
    return found
