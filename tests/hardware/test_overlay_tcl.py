# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The overlay's Vivado script, executed by a real tclsh against a strict recorder."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import block_design
from checkout import DOCS
from fewmult_hls.hardware.board.board import Board, load_board
from fewmult_hls.hardware.board.manifest import Manifest, load_manifest, planned_manifest
from fewmult_hls.hardware.build.overlay_tcl import overlay_script, processor_settings
from fewmult_hls.hardware.source.reading import kernel_names
from fewmult_hls.system.errors import UsageError

Z2 = load_board("pynq-z2")
BUNDLES = ("gmem0", "gmem1", "gmem2", "gmem3")
PAGE = (DOCS / "hardware" / "overlay.md").read_text(encoding="utf-8")
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
    folder = tmp_path / "-a $plan [of] {mine; 1"
    folder.mkdir()
    script = block_design.write_plan(folder, Z2, manifest)
    done, graph = block_design.record(script)
    assert (done.returncode, done.stderr, graph["refused"]) == (0, "", [])
    assert block_design.faults(graph, Z2, manifest) == []
    assert products(script) == {f"{overlay}.bit", f"{overlay}.hwh", f"{overlay}.json"}
    assert load_manifest(script.with_suffix(".json")) == manifest


# What the tools may answer, and what the script must then say.
ANSWERS = [
    ({"SYNTH": "37%"}, "synth_1 stopped at 37%"),
    ({"IMPL": "80%"}, "impl_1 stopped at 80% (route_design ERROR)"),
    ({"WNS": "-0.001"}, "timing is not met: WNS is '-0.001' ns"),
    ({"WHS": "-0.2"}, "timing is not met: WHS is '-0.2' ns"),
    ({"TPWS": "-1.0"}, "timing is not met: TPWS is '-1.0' ns"),
    ({"WNS": "NA"}, "timing is not met: WNS is 'NA' ns"),
    ({"WNS": ""}, "timing is not met: WNS is '' ns"),
    ({"DSP": "1"}, "uses 1 DSP blocks, and the board file allows 0"),
    ({"FCLK": "96.774193"}, "makes 96.774193 MHz of 100 MHz"),
]


@needs_tcl
@pytest.mark.parametrize(("answer", "message"), ANSWERS)
def test_no_overlay_without_its_conditions(
    answer: dict[str, str], message: str, tmp_path: Path
) -> None:
    script = block_design.write_plan(tmp_path, Z2, planned_manifest(Z2, "fewmult"))
    for stale in ("fewmult.bit", "fewmult.hwh", "fewmult.json"):
        (script.parent / stale).write_text("of an earlier build")
    done, graph = block_design.record(script, **answer)
    assert (done.returncode, graph["refused"], graph["bitstream"]) == (1, [], False)
    assert done.stderr.startswith("ERROR: ")
    assert message in done.stderr
    assert products(script) == set()


@needs_tcl
def test_accidents(tmp_path: Path) -> None:
    script = block_design.write_plan(tmp_path, Z2, planned_manifest(Z2, "fewmult"))
    assert is_clean_after_accidents(script)


@needs_tcl
def test_a_kernel_that_was_not_packaged(tmp_path: Path) -> None:
    script = block_design.write_plan(tmp_path, Z2, planned_manifest(Z2, "fewmult"))
    shutil.rmtree(tmp_path / "hls" / "layer")
    done, graph = block_design.record(script)
    assert done.returncode == 3
    assert "no such IP repository" in graph["refused"][0]


def other_board() -> Board:
    """Ports, clock, memory and kernels of another Zynq-7000 board."""
    ports = replace(
        Z2.ports,
        control="M_AXI_GP1",
        control_base=0x8340_0000,
        bundles={
            name: "S_AXI_HP1" if name in ("gmem0", "gmem1") else "S_AXI_HP3" for name in BUNDLES
        },
    )
    return replace(
        Z2,
        name="other",
        part="xc7z010clg400-1",
        clock=replace(Z2.clock, fabric_mhz=125, crystal_mhz=33),
        ddr=replace(Z2.ddr, part="MT41K128M16 JT-125", bits=32, mhz=533),
        ports=ports,
        overlays={"one": ("layer",), "all": tuple(kernel_names())},
    )


@needs_tcl
@pytest.mark.parametrize("overlay", ["one", "all"])
def test_any_board_and_overlay(overlay: str, tmp_path: Path) -> None:
    board = other_board()
    manifest = planned_manifest(board, overlay)
    script = block_design.write_plan(tmp_path, board, manifest)
    done, graph = block_design.record(script)
    assert (done.returncode, done.stderr, graph["refused"]) == (0, "", [])
    assert block_design.faults(graph, board, manifest) == []


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        ({"control": "S_AXI_GP0"}, "S_AXI_GP0 cannot drive registers: take M_AXI_GP0 or M_AXI_GP1"),
        ({"control": "M_AXI_GP1"}, "M_AXI_GP1 does not reach 0x40000000"),
        ({"control_base": 0x7FFF_0000}, "M_AXI_GP0 does not reach 0x80000000"),
        ({"bundles": {"gmem0": "S_AXI_HP0"}}, "no memory port for bundle gmem1"),
        ({"bundles": dict.fromkeys(BUNDLES, "S_AXI_ACP")}, "S_AXI_ACP is no memory port"),
    ],
)
def test_boards_that_cannot_be(ports: dict[str, Any], message: str) -> None:
    board = replace(Z2, ports=replace(Z2.ports, **ports))
    with pytest.raises(UsageError, match=message):
        overlay_script(board, planned_manifest(board, "fewmult"))


def test_too_many_kernels() -> None:
    manifest = planned_manifest(Z2, "fewmult")
    layer = manifest.kernels["layer"]
    kernels = {
        f"layer{k}": replace(layer, ip=f"layer_{k}", base=layer.base + k * layer.span)
        for k in range(17)
    }
    with pytest.raises(UsageError, match="17 connections at one port"):
        overlay_script(Z2, replace(manifest, kernels=kernels))


# ---- Mutants: the script with one fault each -----------------------------------------------------

SCRIPT = overlay_script(Z2, planned_manifest(Z2, "fewmult"))


def survives(script: Path, manifest: Manifest) -> bool:
    """Whether everything above would pass with this script."""
    done, graph = block_design.record(script)
    if done.returncode or graph["refused"] or block_design.faults(graph, Z2, manifest):
        return False
    folder = script.parent
    if products(script) != {"fewmult.bit", "fewmult.hwh", "fewmult.json"}:
        return False
    if not (folder / "reports" / "timing_summary.rpt").is_file():
        return False
    if not (folder / "reports" / "utilization.rpt").is_file():
        return False
    for answer, message in ANSWERS:
        done, graph = block_design.record(script, **answer)
        if done.returncode != 1 or message not in done.stderr or products(script):
            return False
    return is_clean_after_accidents(script)


def is_clean_after_accidents(script: Path) -> bool:
    """Whether no product is left of a build that was killed, or could not be published."""
    block_design.record(script)
    block_design.record(script, KILL="synth_1")
    left = products(script)
    (script.parents[1] / "fewmult.json").unlink()
    done, _ = block_design.record(script)
    return done.returncode == 1 and not left and not products(script)


def mutant_survives(text: str, folder: Path) -> bool:
    manifest = planned_manifest(Z2, "fewmult")
    script = block_design.write_plan(folder, Z2, manifest)
    script.write_text(text)
    return survives(script, manifest)


def statements() -> list[str]:
    """Settings, and every call that is a line by itself, in the script's body."""
    call = (
        r"^ +(?:CONFIG\.|(?:create|update|set_property|connect|drive|add|map_segment|assign|finish|"
        r"validate|save|generate|implement|complete|launch|wait|open|report|require|publish|write|"
        r"start|file)\w*\b)(?:[^{}\n\\]|\\\n|\{[^{}\n]*\})*$"
    )
    return [found[0] for found in re.finditer(call, SCRIPT, re.MULTILINE)]


@needs_tcl
def test_the_script_itself_survives(tmp_path: Path) -> None:
    assert mutant_survives(SCRIPT, tmp_path)
    assert len(statements()) > 60


@pytest.mark.slow
@needs_tcl
@pytest.mark.parametrize("statement", statements(), ids=lambda text: " ".join(text.split()))
def test_no_statement_is_idle(statement: str, tmp_path: Path) -> None:
    assert SCRIPT.count(statement + "\n") >= 1
    assert not mutant_survives(SCRIPT.replace(statement + "\n", "", 1), tmp_path)


@pytest.mark.slow
@needs_tcl
@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Options, values, names that are not Vivado's.
        ("create_bd_cell -type ip", "create_bd_cell -kind ip"),
        ("-target_address_space", "-address_space"),
        ("add_files -norecurse", "add_files -no_recurse"),
        ("validate_bd_design", "validate_bd_design -quiet"),
        ("launch_runs $name", "launch_run $name"),
        ("smartconnect:1.0", "smartconnect:2.0"),
        ("CONFIG.NUM_SI", "CONFIG.NUM_S"),
        ("CONFIG.NUM_SI", "NUM_SI"),
        ("PCW_APU_PERIPHERAL_FREQMHZ ", "PCW_CPU_FREQMHZ "),
        ("{16 Bit}", "{16}"),
        ("{LVCMOS 1.8V}", "{1.8 V}"),
        ("/ap_rst_n", "/ap_rst"),
        ("peripheral_aresetn $instance", "peripheral_reset $instance"),
        ("interconnect_aresetn $name", "FCLK_RESET0_N $name"),
        ("_DDR_LOWOCM", "_DDR"),
        ("ARGS.MAX_DSP", "ARGS.MAX_DSPS"),
        ("REF_NAME =~", "NAME =~"),
        ("get_cells -quiet -hierarchical", "get_cells -quiet"),
        # A design that differs.
        ("PCW_S_AXI_HP2_DATA_WIDTH         {64}", "PCW_S_AXI_HP2_DATA_WIDTH         {32}"),
        ("PCW_UIPARAM_DDR_BUS_WIDTH        {16 Bit}", "PCW_UIPARAM_DDR_BUS_WIDTH        {32 Bit}"),
        ("0x40010000 0x00010000", "0x40000000 0x00010000"),
        ("0x40010000 0x00010000", "0x40008000 0x00010000"),
        ("0x40010000 0x00010000", "0x40010000 0x00020000"),
        ("0x40010000 0x00010000", "0x40030000 0x00010000"),
        ("0x40010000 0x00010000", "0x80010000 0x00010000"),
        ("ddr_bytes    0x20000000", "ddr_bytes    0x10000000"),
        ("S_AXI_HP2 {layer", "S_AXI_HP0 {layer"),
        ("layer_0/m_axi_gmem0", "layer_0/m_axi_gmem1"),
        (" shift_gradient_0/m_axi_gmem0", ""),
        ("layer_top", "binary_matmul_top"),
        ("xc7z020clg400-1", "xc7z010clg400-1"),
        ("dsp_limit    0", "dsp_limit    4"),
        ("synth_checkpoint_mode None", "synth_checkpoint_mode Hierarchical"),
        # Twice.
        ("    add_reset\n", "    add_reset\n    drive_clock reset_0/slowest_sync_clk\n"),
        ("    connect_memory\n", "    connect_memory\n    connect_memory\n"),
        ("    assign_addresses\n", "    assign_addresses\n    assign_addresses\n"),
        ("    save_bd_design\n", "    save_bd_design\n    add_reset\n"),
        # Policy.
        ("$slack < 0", "$slack < -1"),
        ("[string is double -strict $slack]", "1"),
        ('$progress ne "100%"', "0"),
        ("$used > $dsp_limit", "$used > 220"),
        ("    require_timing\n    require_dsp_limit\n    publish", "    publish"),
        ("exit 1", "exit 0"),
        ("\nfile delete {*}$products\n", ""),
        # Commands of Vivado with another meaning.
        ("complete_run", "open_project"),
        ("require_timing", "check_timing"),
        ("drive_clock", "exec"),
        ("foreach suffix", "lmap suffix"),
        # A refusal counts, although the script goes on.
        ("    validate_bd_design\n", "    validate_bd_design\n    catch no_such_command\n"),
        ("    validate_bd_design\n", "    validate_bd_design\n    catch {exec ls}\n"),
    ],
)
def test_mutants_are_found(before: str, after: str, tmp_path: Path) -> None:
    assert before in SCRIPT
    assert not mutant_survives(SCRIPT.replace(before, after), tmp_path)


# ---- The page about it ---------------------------------------------------------------------------


@needs_tcl
def test_the_page_names_every_command(tmp_path: Path) -> None:
    script = block_design.write_plan(tmp_path, Z2, planned_manifest(Z2, "fewmult"))
    _, graph = block_design.record(script)
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)+", PAGE))
    assert set(graph["calls"]) - named == set()


def test_the_page_names_every_parameter() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {key for key, _ in processor_settings(Z2, Z2.ports.bundles.values())} - named == set()
