# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""One kernel's project for Vitis HLS: a config of the unified flow, and Tcl for 2022.2.

Both come from one table of settings, so that they cannot drift apart. Where the vendor documents
each: docs/hardware/building.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from ... import __version__
from ..board.board import Board
from ..source.interfaces import Interface

VENDOR = "fewmult"  # vendor and library of the IP, as Vivado finds it: fewmult:hls:layer_top:1.0
LIBRARY = "hls"
ROOT = "../.."  # of a plan, seen from a project; every path is relative, so that it can be copied
WORK = "work"  # where the tools work in a project's folder
SOLUTION = "hls"  # what the unified flow calls it; the Tcl flow then leaves the same paths
FIFO_DEPTH = 4


@dataclass(frozen=True)
class Setting:
    """What one key of a config says.

    Attributes:
        key: in hls_config.cfg.
        value: there.
        tcl: the command that says the same to Vitis HLS 2022.2; empty if nothing does.
    """

    key: str
    value: str
    tcl: str = ""


def ip_version() -> str:
    """Of the IP: Vivado takes major and minor."""
    return ".".join(__version__.split(".")[:2])


def vlnv(kernel: str) -> str:
    """Vendor, library, name and version, by which Vivado finds the IP of a kernel."""
    return f"{VENDOR}:{LIBRARY}:{kernel}_top:{ip_version()}"


def period_ns(board: Board) -> float:
    """Of the fabric's clock."""
    return 1000 / board.clock.fabric_mhz


def files(interface: Interface) -> tuple[str, str, str]:
    """Top, testbench and golden vectors, in a plan."""
    name = interface.name
    return f"kernels/{name}_top.cpp", f"testbench/{name}_tb.cpp", f"golden/{name}.bin"


def flags(interface: Interface) -> tuple[str, str]:
    """Of the C++ compiler, for the top and for the testbench.

    Co-simulation copies as many elements as a port's depth says: every array must be that long.
    """
    common = f"-std=c++14 -I{ROOT}"
    depth = max(argument.depth for argument in interface.arguments)
    return common, f"{common} -DFEWMULT_PORT_DEPTH={depth}"


def settings(board: Board, interface: Interface) -> list[Setting]:
    """All that is said about a kernel, but for its files and stages."""
    width = board.ports.width
    clock = f"{period_ns(board):g}ns"
    uncertainty = f"{board.clock.uncertainty_percent}%"
    # Nothing fuses into a multiply-add behind the operator's back either.
    synthesis = "-directive sdx_optimization_effort_high -max_dsp 0"
    return [
        Setting("clock", clock, f"create_clock -period {clock} -name default"),
        Setting("clock_uncertainty", uncertainty, f"set_clock_uncertainty {uncertainty}"),
        # An address is one 32-bit register: fewmult.json counts on it.
        _interface("m_axi_addr64", 0),
        # Ports as wide as the processor's, which needs arrays at such addresses.
        _interface("m_axi_alignment_byte_size", width // 8),
        _interface("m_axi_max_widen_bitwidth", width),
        Setting("syn.compile.pipeline_style", "flp", "config_compile -pipeline_style flp"),
        Setting("syn.compile.pragma_strict_mode", "1", "config_compile -pragma_strict_mode=1"),
        Setting(
            "syn.dataflow.fifo_depth",
            str(FIFO_DEPTH),
            f"config_dataflow -fifo_depth {FIFO_DEPTH}",
        ),
        Setting("syn.op", "op:mul impl:fabric", "config_op mul -impl fabric"),
        Setting("csim.clean", "true"),  # csim_design -clean
        Setting("csim.sanitize_address", "true"),
        Setting("csim.sanitize_undefined", "true"),
        Setting("cosim.O", "true"),  # cosim_design -O
        Setting("cosim.rtl", "verilog"),  # cosim_design -rtl
        Setting("package.output.format", "ip_catalog", "config_export -format ip_catalog"),
        Setting("package.output.syn", "false"),
        Setting("package.ip.vendor", VENDOR, f"config_export -vendor {VENDOR}"),
        Setting("package.ip.library", LIBRARY, f"config_export -library {LIBRARY}"),
        Setting("package.ip.name", interface.top, f"config_export -ipname {interface.top}"),
        Setting("package.ip.version", ip_version(), f"config_export -version {ip_version()}"),
        Setting("vivado.flow", "impl"),  # export_design -flow
        Setting("vivado.rtl", "verilog", "config_export -rtl verilog"),
        Setting(
            "vivado.synth_design_args",
            synthesis,
            f"config_export -vivado_synth_design_args {{{synthesis}}}",
        ),
    ]


def _interface(name: str, value: int) -> Setting:
    return Setting(f"syn.interface.{name}", str(value), f"config_interface -{name}={value}")


def config_text(board: Board, interface: Interface) -> str:
    """hls_config.cfg, for ``v++ --compile --mode hls`` and ``vitis-run --mode hls``."""
    top, testbench, golden = files(interface)
    top_flags, testbench_flags = flags(interface)
    sources = [
        ("flow_target", "vivado"),
        ("syn.top", interface.top),
        ("syn.file", f"{ROOT}/{top}"),
        ("syn.cflags", top_flags),
        ("tb.file", f"{ROOT}/{testbench}"),
        ("tb.file", f"{ROOT}/{golden}"),  # copied to where the testbench runs
        ("tb.cflags", testbench_flags),
    ]
    lines = [f"{key}={value}" for key, value in sources]
    lines += [f"{setting.key}={setting.value}" for setting in settings(board, interface)]
    return "\n".join([f"part={board.part}", "", "[hls]", *lines, ""])


def tcl_text(board: Board, interface: Interface) -> str:
    """hls.tcl, for ``vitis_hls -f``; FEWMULT_STAGE in the environment says what to do."""
    top, testbench, golden = files(interface)
    top_flags, testbench_flags = flags(interface)
    lines = [
        f"open_project {WORK}",
        f"set_top {interface.top}",
        f'add_files {ROOT}/{top} -cflags "{top_flags}"',
        f'add_files -tb {ROOT}/{testbench} -cflags "{testbench_flags}"',
        f"add_files -tb {ROOT}/{golden}",
        f"open_solution {SOLUTION} -flow_target vivado",
        f"set_part {board.part}",
        *(setting.tcl for setting in settings(board, interface) if setting.tcl),
        "switch -exact -- $::env(FEWMULT_STAGE) {",
        "  csim { csim_design -clean }",
        "  synth { csynth_design }",
        "  cosim { cosim_design -O -rtl verilog }",
        "  package { export_design }",
        "  impl { export_design -flow impl }",
        '  default { error "FEWMULT_STAGE is csim, synth, cosim, package or impl" }',
        "}",
        "exit",
        "",
    ]
    return "\n".join(lines)
