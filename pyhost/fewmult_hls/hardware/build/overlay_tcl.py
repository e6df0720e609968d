# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The Vivado script of an overlay: its block design and the way from there to a bitstream.

The script lies in ``overlay/`` of a plan, and Vivado runs it as ``vivado -mode batch -source
OVERLAY.tcl``. It takes the packaged kernels from ``hls/KERNEL/work/hls/impl/ip`` and the planned
manifest, ``fewmult.json``, from the plan; beside itself it makes the overlay (``OVERLAY.bit``,
``.hwh`` and ``.json``), ``reports/``, and Vivado's own ``project/``.

What is the same for every overlay is ``templates/overlay.tcl``; here are the settings above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...system.errors import UsageError
from ..board.board import Board
from ..board.manifest import Manifest
from .hls_project import vlnv

_TEMPLATE = Path(__file__).with_name("templates") / "overlay.tcl"

# Where the general-purpose ports of the Zynq-7000 reach (UG585, system addresses).
_CONTROL_WINDOWS = {
    "M_AXI_GP0": range(0x4000_0000, 0x8000_0000),
    "M_AXI_GP1": range(0x8000_0000, 0xC000_0000),
}
_MEMORY_PORTS = ("S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3")
_PORTS_OF_AN_INTERCONNECT = 16  # PG247: on the side of the masters

_HEAD = """\
# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# Overlay {overlay} for the {title}, written by fewmult-hls {version}.
# Run it with: vivado -mode batch -source {overlay}.tcl

"""


def overlay_script(board: Board, manifest: Manifest) -> str:
    """The Tcl that builds an overlay.

    Args:
        board: that it is for.
        manifest: ``planned_manifest()`` of one of its overlays.

    Raises:
        UsageError: the board file names a port that the processing system lacks, an address that
            its control port does not reach, or more kernels than an interconnect has ports.
    """
    memory = _masters_by_port(board, manifest)
    _check(board, manifest, memory)
    lines = [
        f"set overlay      {manifest.overlay}",
        f"set part         {manifest.part}",
        f"set fabric_mhz   {manifest.fabric_mhz}",
        f"set ddr_bytes    {board.ddr.mb << 20:#010x}",
        f"set dsp_limit    {board.limits.dsp}",
        f"set control_port {board.ports.control}",
        "",
        "# Of the processing system.",
        "set processor {",
        *(
            f"    {f'CONFIG.{key}':<40}{{{value}}}"
            for key, value in processor_settings(board, memory)
        ),
        "}",
        "",
        "# Kernel, instance, IP, and where its registers are and how many bytes of them.",
        "set kernels {",
        *(
            f"    {name:<16}{ip.ip:<20}{vlnv(name):<36}{ip.base:#010x} {ip.span:#010x}"
            for name, ip in manifest.kernels.items()
        ),
        "}",
        "",
        "# The masters at each memory port.",
        "set memory {",
        *(f"    {port} {{{' '.join(masters)}}}" for port, masters in memory.items()),
        "}",
        "",
    ]
    head = _HEAD.format(overlay=manifest.overlay, title=board.title, version=manifest.version)
    return head + "\n".join(lines) + "\n" + _TEMPLATE.read_text(encoding="utf-8")


def processor_settings(board: Board, ports: Iterable[str]) -> list[tuple[str, str]]:
    """Parameters of the processing system IP, in the order of its dialogs.

    Clocks of processor and memory, and the pins, are what the board's boot loader has set already;
    here they only make the design complete. Memory ports and fabric clock are the overlay's own.
    """
    ports = sorted(ports)
    # GP0 is there by default: without a use it must go.
    control = {"PCW_USE_M_AXI_GP0": "0", f"PCW_USE_{board.ports.control}": "1"}
    return [
        ("PCW_CRYSTAL_PERIPHERAL_FREQMHZ", str(board.clock.crystal_mhz)),
        ("PCW_APU_PERIPHERAL_FREQMHZ", str(board.processor.mhz)),
        ("PCW_PRESET_BANK0_VOLTAGE", board.processor.bank0),
        ("PCW_PRESET_BANK1_VOLTAGE", board.processor.bank1),
        ("PCW_UIPARAM_DDR_PARTNO", board.ddr.part),
        ("PCW_UIPARAM_DDR_BUS_WIDTH", f"{board.ddr.bits} Bit"),
        ("PCW_UIPARAM_DDR_FREQ_MHZ", str(board.ddr.mhz)),
        ("PCW_FPGA_FCLK0_ENABLE", "1"),
        ("PCW_FPGA0_PERIPHERAL_FREQMHZ", str(board.clock.fabric_mhz)),
        ("PCW_EN_CLK0_PORT", "1"),
        ("PCW_EN_RST0_PORT", "1"),
        *control.items(),
        *((f"PCW_USE_{port}", "1") for port in ports),
        *((f"PCW_{port}_DATA_WIDTH", str(board.ports.width)) for port in ports),
    ]


def _masters_by_port(board: Board, manifest: Manifest) -> dict[str, list[str]]:
    """``instance/m_axi_BUNDLE`` of every bundle of every kernel, under its memory port."""
    masters: dict[str, list[str]] = {}
    for ip in manifest.kernels.values():
        bundles = (argument.bundle for argument in ip.arguments.values())
        for bundle in dict.fromkeys(filter(None, bundles)):
            port = board.ports.bundles.get(bundle)
            if port is None:
                raise UsageError(f"board {board.name} has no memory port for bundle {bundle}")
            masters.setdefault(port, []).append(f"{ip.ip}/m_axi_{bundle}")
    return masters


def _check(board: Board, manifest: Manifest, memory: dict[str, list[str]]) -> None:
    window = _CONTROL_WINDOWS.get(board.ports.control)
    if window is None:
        raise UsageError(
            f"board {board.name}: {board.ports.control} cannot drive registers: "
            f"take {' or '.join(_CONTROL_WINDOWS)}"
        )
    for name, ip in manifest.kernels.items():
        if ip.base not in window or ip.base + ip.span > window.stop:
            raise UsageError(
                f"board {board.name}: {board.ports.control} does not reach {ip.base:#x} ({name})"
            )
    for port in set(board.ports.bundles.values()):
        if port not in _MEMORY_PORTS:
            raise UsageError(
                f"board {board.name}: {port} is no memory port: take {', '.join(_MEMORY_PORTS)}"
            )
    most = max(map(len, [*memory.values(), manifest.kernels]))
    if most > _PORTS_OF_AN_INTERCONNECT:
        raise UsageError(
            f"overlay {manifest.overlay}: {most} connections at one port, and an interconnect has "
            f"{_PORTS_OF_AN_INTERCONNECT}: take fewer kernels"
        )
