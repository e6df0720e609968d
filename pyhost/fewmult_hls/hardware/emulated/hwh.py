# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The .hwh of an overlay as Vivado writes it, as far as pynq and we read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from ..board.board import Board
from ..board.hwh import CONTROL_BUS
from ..board.manifest import KernelIp, Manifest
from ..build.hls_project import vlnv
from ..source.interfaces import CONTROL_REGISTERS, Argument

_PS = "processing_system7_0"
_IO_PLL_MHZ = 1000


def emulated_hwh(board: Board, manifest: Manifest) -> str:
    """The file's text."""
    found = re.fullmatch(r"xc(7z\d+)(\w+?)(-\d)", board.part)
    assert found, board.part
    root = Element("EDKSYSTEM", EDWVERSION="1.2", VIVADOVERSION="2024.1")
    device, package, grade = found.groups()
    system = {"ARCH": "zynq", "DEVICE": device, "NAME": manifest.overlay}
    SubElement(root, "SYSTEMINFO", {**system, "PACKAGE": package, "SPEEDGRADE": grade})
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    _processor(modules, board, manifest)
    for name, ip in manifest.kernels.items():
        _kernel(modules, name, ip, manifest.fabric_mhz)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _processor(modules: Element, board: Board, manifest: Manifest) -> None:
    module = SubElement(
        modules,
        "MODULE",
        FULLNAME=f"/{_PS}",
        HWVERSION="5.5",
        INSTANCE=_PS,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODCLASS="PERIPHERAL",
        MODTYPE="processing_system7",
        VLNV="xilinx.com:ip:processing_system7:5.5",
    )
    settings: dict[str, int | str] = {
        "PCW_FPGA0_PERIPHERAL_FREQMHZ": manifest.fabric_mhz,
        **{f"PCW_{port}_DATA_WIDTH": board.ports.width for port in board.ports.bundles.values()},
    }
    for clock in range(4):
        settings[f"PCW_FCLK{clock}_PERIPHERAL_CLKSRC"] = "IO PLL"
        settings[f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR0"] = _IO_PLL_MHZ // manifest.fabric_mhz
        settings[f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR1"] = 1
        settings[f"PCW_FPGA_FCLK{clock}_ENABLE"] = int(clock == 0)
    parameters = SubElement(module, "PARAMETERS")
    for name, value in settings.items():
        SubElement(parameters, "PARAMETER", NAME=name, VALUE=str(value))
    SubElement(module, "PORTS")
    _bus(module, board.ports.control, "MASTER", "AXI3")
    rows = SubElement(module, "MEMORYMAP")
    for ip in manifest.kernels.values():
        SubElement(
            rows,
            "MEMRANGE",
            ADDRESSBLOCK="Reg",
            BASENAME="C_S_AXI_CONTROL_BASEADDR",
            BASEVALUE=f"0x{ip.base:08X}",
            HIGHNAME="C_S_AXI_CONTROL_HIGHADDR",
            HIGHVALUE=f"0x{ip.base + ip.span - 1:08X}",
            INSTANCE=ip.ip,
            IS_DATA="TRUE",
            IS_INSTRUCTION="TRUE",
            MASTERBUSINTERFACE=board.ports.control,
            MEMTYPE="REGISTER",
            SLAVEBUSINTERFACE=CONTROL_BUS,
        )


def _kernel(modules: Element, name: str, ip: KernelIp, mhz: int) -> None:
    module = SubElement(
        modules,
        "MODULE",
        FULLNAME=f"/{ip.ip}",
        HWVERSION=vlnv(name).rpartition(":")[2],
        INSTANCE=ip.ip,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODCLASS="PERIPHERAL",
        MODTYPE=f"{name}_top",
        VLNV=vlnv(name),
    )
    blocks = SubElement(module, "ADDRESSBLOCKS")
    block = SubElement(
        blocks,
        "ADDRESSBLOCK",
        ACCESS="read-write",
        INTERFACE=CONTROL_BUS,
        NAME="Reg",
        RANGE=str(ip.span),
        USAGE="register",
    )
    registers = SubElement(block, "REGISTERS")
    for register, offset in CONTROL_REGISTERS.items():
        _register(registers, register, offset, "read-write")
    for argument in ip.arguments.values():
        _register(registers, argument.name, argument.offset, _access(argument))
    SubElement(module, "PARAMETERS")
    ports = SubElement(module, "PORTS")
    clock = {"CLKFREQUENCY": str(mhz * 1_000_000), "DIR": "I", "NAME": "ap_clk", "SIGIS": "clk"}
    SubElement(ports, "PORT", clock)
    _bus(module, CONTROL_BUS, "SLAVE", "AXI4LITE")


def _bus(module: Element, name: str, kind: str, protocol: str) -> None:
    bus = SubElement(
        SubElement(module, "BUSINTERFACES"),
        "BUSINTERFACE",
        BUSNAME=f"{module.attrib['INSTANCE']}_{name}",
        DATAWIDTH="32",
        NAME=name,
        TYPE=kind,
        VLNV="xilinx.com:interface:aximm:1.0",
    )
    for key, value in {"DATA_WIDTH": "32", "PROTOCOL": protocol}.items():
        SubElement(bus, "PARAMETER", NAME=key, VALUE=value)
    SubElement(bus, "PORTMAPS")


def _access(argument: Argument) -> str:
    return "read-only" if argument.kind == "status" else "read-write"


def _register(registers: Element, name: str, offset: int, access: str) -> None:
    register = SubElement(registers, "REGISTER", NAME=name)
    values = {
        "DESCRIPTION": f"Data signal of {name}",
        "ADDRESS_OFFSET": f"0x{offset:X}",
        "SIZE": "32",
        "ACCESS": access,
        "IS_ENABLED": "true",
        "RESET_VALUE": "0x0",
    }
    for key, value in values.items():
        SubElement(register, "PROPERTY", NAME=key, VALUE=value)
    SubElement(register, "FIELDS")
