# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The .hwh of a block design, as Vivado writes it: what was built, beside what was planned.

Addresses and clocks are checked; whatever else is there is only compared.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from ...system.errors import FewmultError, reason_of
from ...system.files import read_file
from ..source.interfaces import Argument
from .board import load_board
from .manifest import KernelIp, Manifest

CONTROL_BUS = "s_axi_control"  # the interface of a kernel's registers
CLOCK = "ap_clk"
_MOST_BYTES = 64 << 20  # real ones are below one MiB
_LARGEST = 1 << 48  # beyond any address
_PROCESSOR = "processing_system7"
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,16}")


@dataclass(frozen=True)
class Module:
    """An instance in a block design.

    Attributes:
        instance: its name.
        kind: name of its IP.
        vlnv: vendor, library, name and version of the IP.
        parameters: as text.
        registers: offsets by name, under the interface that has them.
        addresses: where a slave interface lies, by its name.
        clocks: in Hz, by pin.
    """

    instance: str
    kind: str
    vlnv: str
    parameters: Mapping[str, str]
    registers: Mapping[str, Mapping[str, int]]
    addresses: Mapping[str, range]
    clocks: Mapping[str, int]


@dataclass(frozen=True)
class Hwh:
    """A block design.

    Attributes:
        part: of the chip.
        modules: by instance.
    """

    part: str
    modules: Mapping[str, Module]


def read_hwh(path: Path) -> Hwh:
    """Reads a .hwh.

    Raises:
        FewmultError: it is not there, or no .hwh.
    """
    content = read_file(path, _MOST_BYTES)
    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text:  # only there could it have entities, which grow without end
            raise ValueError("it declares a document type")
        return _hwh(ElementTree.fromstring(text))
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise FewmultError(f"{path} is no .hwh of Vivado ({reason_of(error)})") from error


def check_hwh(manifest: Manifest, path: Path) -> None:
    """Whether what was built is what was planned.

    Raises:
        FewmultError: it is not, with the first difference.
    """
    hwh = read_hwh(path)
    for difference in _differences(manifest, hwh):
        raise FewmultError(f"{path} is not of this plan: {difference}: build the overlay again")


def manifest_of_build(planned: Manifest, path: Path) -> Manifest:
    """The plan with the addresses, spans and register offsets that the build really has.

    Raises:
        FewmultError: a kernel or a register of the plan was not built.
    """
    hwh = read_hwh(path)
    kernels = {name: _built(name, ip, hwh, path) for name, ip in planned.kernels.items()}
    return replace(planned, kernels=kernels)


def _built(name: str, ip: KernelIp, hwh: Hwh, path: Path) -> KernelIp:
    module = hwh.modules.get(ip.ip)
    if module is None or CONTROL_BUS not in module.addresses:
        raise FewmultError(f"{path} has no kernel {name} ({ip.ip}) with registers")
    arguments = {}
    for argument in ip.arguments.values():
        offset = _offset(module, argument)
        if offset is None:
            raise FewmultError(f"{path}: {name} {_no_register(module, argument)}")
        arguments[argument.name] = replace(argument, offset=offset)
    where = module.addresses[CONTROL_BUS]
    return replace(ip, base=where.start, span=len(where), arguments=arguments)


# ---- What differs --------------------------------------------------------------------------------


def _differences(manifest: Manifest, hwh: Hwh) -> Iterator[str]:
    if hwh.part != manifest.part:
        yield f"it is for {hwh.part}, not for {manifest.part}"
    for name, ip in manifest.kernels.items():
        module = hwh.modules.get(ip.ip)
        if module is None:
            yield f"it has no {ip.ip}"
        else:
            yield from _kernel_differences(name, ip, module)
            yield from _clock_differences(manifest.fabric_mhz, module, hwh)
    planned = {ip.ip for ip in manifest.kernels.values()}
    for module in hwh.modules.values():
        if CONTROL_BUS in module.addresses and module.instance not in planned:
            yield f"it also has a {module.instance}"
    yield from _port_differences(manifest, hwh)


def _kernel_differences(name: str, ip: KernelIp, module: Module) -> Iterator[str]:
    if module.kind != f"{name}_top":
        yield f"{ip.ip} is a {module.kind}, not a {name}_top"
    where = module.addresses.get(CONTROL_BUS)
    if where is None:
        yield f"{ip.ip} has no address"
    elif (where.start, len(where)) != (ip.base, ip.span):
        yield (
            f"{ip.ip} has {len(where):#x} bytes at {where.start:#x}, "
            f"not {ip.span:#x} at {ip.base:#x}"
        )
    for argument in ip.arguments.values():
        offset = _offset(module, argument)
        if offset is None:
            yield f"{ip.ip} {_no_register(module, argument)}"
        elif offset != argument.offset:
            yield f"{ip.ip} has {argument.name} at {offset:#x}, not at {argument.offset:#x}"


def _clock_differences(mhz: int, module: Module, hwh: Hwh) -> Iterator[str]:
    # A .hwh may leave the frequency to the processing system, which makes it.
    found = module.clocks.get(CLOCK, _processor_clock(hwh))
    if found is None:
        yield f"{module.instance} has no clock"
    elif abs(found - mhz * 1e6) > mhz * 1e3:
        yield f"{module.instance} runs at {found / 1e6:g} MHz, not at {mhz} MHz"


def _processor_clock(hwh: Hwh) -> float | None:
    for module in hwh.modules.values():
        for key in ("PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ", "PCW_FPGA0_PERIPHERAL_FREQMHZ"):
            if module.kind == _PROCESSOR and key in module.parameters:
                text = module.parameters[key]
                return float(text) * 1e6 if _DECIMAL.fullmatch(text) else None
    return None


def _port_differences(manifest: Manifest, hwh: Hwh) -> Iterator[str]:
    """Widths of the memory ports: the driver cannot change them on a Zynq-7000."""
    ports = load_board(manifest.board).ports
    for module in hwh.modules.values():
        for port in ports.bundles.values():
            width = module.parameters.get(f"PCW_{port}_DATA_WIDTH", str(ports.width))
            if module.kind == _PROCESSOR and width != str(ports.width):
                yield f"{port} is {width} bits wide, not {ports.width}"


def _offset(module: Module, argument: Argument) -> int | None:
    """Of the register of an argument.

    Vitis HLS appends ``_r`` where Verilog or VHDL reserve the name, as VHDL does with ``units``.
    """
    registers = module.registers.get(CONTROL_BUS, {})
    return registers.get(argument.name, registers.get(f"{argument.name}_r"))


def _no_register(module: Module, argument: Argument) -> str:
    halves = {f"{argument.name}_1", f"{argument.name}_2"}
    if halves <= module.registers.get(CONTROL_BUS, {}).keys():
        return f"has {argument.name} as an address of 64 bits, not 32"
    return f"has no register of {argument.name}"


# ---- From XML ------------------------------------------------------------------------------------


def _hwh(root: ElementTree.Element) -> Hwh:
    system = root.find("SYSTEMINFO")
    if root.tag != "EDKSYSTEM" or system is None:
        raise ValueError("it has no SYSTEMINFO")
    # Of 7 series the device comes without its "xc".
    part = "".join(system.attrib[key] for key in ("DEVICE", "PACKAGE", "SPEEDGRADE"))
    part = part if part.startswith("xc") else f"xc{part}"
    modules = root.findall("MODULES/MODULE")
    addresses: dict[str, dict[str, range]] = {}
    for row in root.iterfind("MODULES/MODULE/MEMORYMAP/MEMRANGE"):
        base, high = _number(row.attrib["BASEVALUE"]), _number(row.attrib["HIGHVALUE"])
        slaves = addresses.setdefault(row.attrib["INSTANCE"], {})
        slaves[row.attrib["SLAVEBUSINTERFACE"]] = range(base, high + 1)
    found = (_module(module, addresses) for module in modules)
    return Hwh(part, {module.instance: module for module in found})


def _module(element: ElementTree.Element, addresses: Mapping[str, dict[str, range]]) -> Module:
    instance = element.attrib["INSTANCE"]
    return Module(
        instance,
        element.attrib["MODTYPE"],
        element.attrib["VLNV"],
        {
            row.attrib["NAME"]: row.attrib.get("VALUE", "")
            for row in element.iterfind("PARAMETERS/PARAMETER")
        },
        {
            block.attrib["INTERFACE"]: dict(map(_register, block.iterfind("REGISTERS/REGISTER")))
            for block in element.iterfind("ADDRESSBLOCKS/ADDRESSBLOCK")
        },
        addresses.get(instance, {}),
        {
            port.attrib["NAME"]: _number(port.attrib["CLKFREQUENCY"])
            for port in element.iterfind("PORTS/PORT")
            if "CLKFREQUENCY" in port.attrib
        },
    )


def _register(element: ElementTree.Element) -> tuple[str, int]:
    for row in element.iterfind("PROPERTY"):
        if row.attrib["NAME"] == "ADDRESS_OFFSET":
            return element.attrib["NAME"], _number(row.attrib["VALUE"])
    raise ValueError(f"register {element.attrib['NAME']} has no offset")


def _number(text: str) -> int:
    number = int(text, 0) if _NUMBER.fullmatch(text) else -1
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{reprlib.repr(text)} is no address, offset or frequency")
    return number
