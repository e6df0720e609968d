# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""One kernel's project for Vitis HLS: a config of the unified flow, and Tcl for 2022.2.

Both are one table, so that they cannot drift apart. Where the vendor documents each line:
docs/hardware/building.md.
"""

from __future__ import annotations

from typing import NamedTuple

from ... import __version__
from ..board.board import Board
from ..source.interfaces import Interface

VENDOR = "fewmult"  # vendor and library of the IP, as Vivado finds it: fewmult:hls:layer_top:1.0
LIBRARY = "hls"
ROOT = "../.."  # of a plan, seen from a project; every path is relative, so that it can be copied
WORK = "work"  # where the tools work in a project's folder
SOLUTION = "hls"  # what the unified flow calls it; the Tcl flow then leaves the same paths
FIFO_DEPTH = 4
# What the Tcl flow does in a stage; options of these are settings.
_STAGES = {
    "csim": "csim_design",
    "synth": "csynth_design",
    "cosim": "cosim_design",
    "package": "export_design",
    "impl": "export_design",
}


class Setting(NamedTuple):
    """A line of the table.

    Attributes:
        key: in hls_config.cfg.
        value: there.
        tcl: what says the same to Vitis HLS 2022.2, a command; empty if nothing does, or another
            line's does already.
        stage: whose command ``tcl`` is an option of, if it is one.
    """

    key: str
    value: str
    tcl: str = ""
    stage: str = ""


def ip_version() -> str:
    """The version of the IP: Vivado takes major and minor."""
    return ".".join(__version__.split(".")[:2])


def vlnv(kernel: str) -> str:
    """Vendor, library, name and version, by which Vivado finds the IP of a kernel."""
    return f"{VENDOR}:{LIBRARY}:{kernel}_top:{ip_version()}"


def period_ns(board: Board) -> float:
    """The period of the fabric's clock."""
    return 1000 / board.clock.fabric_mhz


def _files(interface: Interface) -> list[Setting]:
    """What is compiled, and with which flags.

    Co-simulation copies as many elements as a port's depth says: every array must be that long.
    """
    name, flags = interface.name, f"-std=c++14 -I{ROOT}"
    depth = max(argument.depth for argument in interface.arguments)
    bench_flags = f"{flags} -DFEWMULT_PORT_DEPTH={depth}"
    top, bench = f"{ROOT}/kernels/{name}_top.cpp", f"{ROOT}/testbench/{name}_tb.cpp"
    golden = f"{ROOT}/golden/{name}.bin"  # copied to where the testbench runs
    return [
        Setting("syn.top", interface.top, f"set_top {interface.top}"),
        Setting("syn.file", top, f'add_files {top} -cflags "{flags}"'),
        Setting("syn.cflags", flags),
        Setting("tb.file", bench, f'add_files -tb {bench} -cflags "{bench_flags}"'),
        Setting("tb.file", golden, f"add_files -tb {golden}"),
        Setting("tb.cflags", bench_flags),
    ]


def _settings(board: Board, interface: Interface) -> list[Setting]:
    """All else that is said about a kernel."""
    width, name = board.ports.width, interface.top
    clock = f"{period_ns(board):g}ns"
    uncertainty = f"{board.clock.uncertainty_percent}%"
    # Nothing fuses into a multiply-add behind the operator's back either.
    synthesis = "-directive sdx_optimization_effort_high -max_dsp 0"
    return [
        Setting("clock", clock, f"create_clock -period {clock} -name default"),
        Setting("clock_uncertainty", uncertainty, f"set_clock_uncertainty {uncertainty}"),
        # An address is one 32-bit register: fewmult.json counts on it.
        _config("interface", "syn.interface.m_axi_addr64", 0, "="),
        # Ports as wide as the processor's, which needs arrays at such addresses.
        _config("interface", "syn.interface.m_axi_alignment_byte_size", width // 8, "="),
        _config("interface", "syn.interface.m_axi_max_widen_bitwidth", width, "="),
        _config("compile", "syn.compile.pipeline_style", "flp"),
        _config("compile", "syn.compile.pragma_strict_mode", 1, "="),
        _config("dataflow", "syn.dataflow.fifo_depth", FIFO_DEPTH),
        Setting("syn.op", "op:mul impl:fabric", "config_op mul -impl fabric"),
        Setting("csim.clean", "true", "-clean", "csim"),
        Setting("csim.sanitize_address", "true"),
        Setting("csim.sanitize_undefined", "true"),
        Setting("cosim.O", "true", "-O", "cosim"),
        Setting("cosim.rtl", "verilog", "-rtl verilog", "cosim"),
        _config("export", "package.output.format", "ip_catalog"),
        Setting("package.output.syn", "false"),
        _config("export", "package.ip.vendor", VENDOR),
        _config("export", "package.ip.library", LIBRARY),
        Setting("package.ip.name", name, f"config_export -ipname {name}"),
        _config("export", "package.ip.version", ip_version()),
        Setting("vivado.flow", "impl", "-flow impl", "impl"),
        _config("export", "vivado.rtl", "verilog"),
        Setting(
            "vivado.synth_design_args",
            synthesis,
            f"config_export -vivado_synth_design_args {{{synthesis}}}",
        ),
    ]


def _config(command: str, key: str, value: object, separator: str = " ") -> Setting:
    """A setting whose option has the name of its key."""
    option = key.rpartition(".")[2]
    return Setting(key, str(value), f"config_{command} -{option}{separator}{value}")


def config_text(board: Board, interface: Interface) -> str:
    """hls_config.cfg, for ``v++ --compile --mode hls`` and ``vitis-run --mode hls``."""
    table = [*_files(interface), *_settings(board, interface)]
    lines = [f"part={board.part}", "", "[hls]", "flow_target=vivado"]
    return "\n".join([*lines, *(f"{row.key}={row.value}" for row in table), ""])


def tcl_text(board: Board, interface: Interface) -> str:
    """hls.tcl, for ``vitis_hls -f``; FEWMULT_STAGE in the environment says what to do."""
    settings = _settings(board, interface)
    stages = {
        stage: [command, *(row.tcl for row in settings if row.stage == stage)]
        for stage, command in _STAGES.items()
    }
    *others, last = stages
    lines = [
        f"open_project {WORK}",
        *(row.tcl for row in _files(interface) if row.tcl),
        f"open_solution {SOLUTION} -flow_target vivado",
        f"set_part {board.part}",
        *(row.tcl for row in settings if row.tcl and not row.stage),
        "switch -exact -- $::env(FEWMULT_STAGE) {",
        *(f"  {stage} {{ {' '.join(words)} }}" for stage, words in stages.items()),
        f'  default {{ error "FEWMULT_STAGE is {", ".join(others)} or {last}" }}',
        "}",
        "exit",
        "",
    ]
    return "\n".join(lines)
