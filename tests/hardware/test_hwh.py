# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
""".hwh files: a real one of Vivado where it is installed, and ones of the form of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import pytest

from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.hwh import check_hwh, manifest_of_build, read_hwh
from fewmult_hls.hardware.board.manifest import Manifest, planned_manifest
from fewmult_hls.hardware.build.overlay_tcl import processor_settings
from fewmult_hls.hardware.source.interfaces import Argument
from fewmult_hls.system.errors import FewmultError

Z2 = load_board("pynq-z2")
PORTS = sorted(Z2.ports.bundles.values())


def sample() -> Path | None:
    """Written by Vivado 2019.2, a kernel of Vivado HLS in it; it comes with pynq."""
    found = find_spec("pynqmetadata")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "tests" / "hwhs" / "resizer.hwh"
    return path if path.is_file() else None


@pytest.mark.skipif(sample() is None, reason="needs pynqmetadata, which comes with pynq")
def test_a_real_one() -> None:
    path = sample()
    assert path
    hwh = read_hwh(path)
    assert hwh.part == "xc7z020clg400-1"
    kernel = hwh.modules["resize_accel_0"]
    assert (kernel.kind, kernel.vlnv) == ("resize_accel", "xilinx.com:hls:resize_accel:1.0")
    assert kernel.addresses == {"s_axi_AXILiteS": range(0x43C0_0000, 0x43C1_0000)}
    assert kernel.clocks == {"ap_clk": 100_000_000}
    assert kernel.registers["s_axi_AXILiteS"] == {
        **{"CTRL": 0x00, "GIER": 0x04, "IP_IER": 0x08, "IP_ISR": 0x0C},
        **{"src_rows": 0x10, "src_cols": 0x18, "dst_rows": 0x20, "dst_cols": 0x28},
    }
    dma = hwh.modules["axi_dma_0"]
    assert dma.addresses == {"S_AXI_LITE": range(0x4040_0000, 0x4041_0000)}
    assert dma.registers["S_AXI_LITE"]["S2MM_LENGTH"] == 0x58
    processor = hwh.modules["processing_system7_0"].parameters
    assert processor["PCW_S_AXI_HP0_DATA_WIDTH"] == "64"
    assert {key for key, _ in processor_settings(Z2, PORTS)} - processor.keys() == set()
    with pytest.raises(FewmultError, match="is not of this plan: it has no layer_0"):
        check_hwh(planned_manifest(Z2, "fewmult"), path)


def add(parent: Element, tag: str, **attributes: object) -> Element:
    return SubElement(parent, tag, {key: str(value) for key, value in attributes.items()})


def design(manifest: Manifest) -> Element:
    """A plan as Vivado would report it, had it been built."""
    root = Element("EDKSYSTEM", EDWVERSION="1.2", VIVADOVERSION="2024.1")
    add(root, "SYSTEMINFO", ARCH="zynq", DEVICE="7z020", PACKAGE="clg400", SPEEDGRADE="-1")
    modules = add(root, "MODULES")
    processor = add(
        modules,
        "MODULE",
        INSTANCE="processing_system7_0",
        MODTYPE="processing_system7",
        VLNV="xilinx.com:ip:processing_system7:5.5",
    )
    parameters = add(processor, "PARAMETERS")
    add(parameters, "PARAMETER", NAME="PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ", VALUE="100.000000")
    for port in PORTS:
        add(parameters, "PARAMETER", NAME=f"PCW_{port}_DATA_WIDTH", VALUE="64")
    memory = add(processor, "MEMORYMAP")
    for name, ip in manifest.kernels.items():
        add(
            memory,
            "MEMRANGE",
            INSTANCE=ip.ip,
            SLAVEBUSINTERFACE="s_axi_control",
            MASTERBUSINTERFACE="M_AXI_GP0",
            MEMTYPE="REGISTER",
            BASEVALUE=f"0x{ip.base:08X}",
            HIGHVALUE=f"0x{ip.base + ip.span - 1:08X}",
        )
        kernel = add(
            modules,
            "MODULE",
            INSTANCE=ip.ip,
            MODTYPE=f"{name}_top",
            VLNV=f"fewmult:hls:{name}_top:0.1",
        )
        block = add(add(kernel, "ADDRESSBLOCKS"), "ADDRESSBLOCK", INTERFACE="s_axi_control")
        registers = add(block, "REGISTERS")
        add_register(registers, "CTRL", 0)
        for argument in ip.arguments.values():
            for register, offset in registers_of(argument):
                add_register(registers, register, offset)
        ports = add(kernel, "PORTS")
        add(ports, "PORT", NAME="ap_clk", SIGIS="clk", CLKFREQUENCY=100_000_000)
    return root


def add_register(parent: Element, name: str, offset: int) -> None:
    register = add(parent, "REGISTER", NAME=name)
    add(register, "PROPERTY", NAME="SIZE", VALUE=32)
    add(register, "PROPERTY", NAME="ADDRESS_OFFSET", VALUE=offset)
    add(add(register, "FIELDS"), "FIELD", NAME=name)


def registers_of(argument: Argument) -> list[tuple[str, int]]:
    """As Vitis HLS makes them: VHDL reserves `units`, a status says when it is valid."""
    name = "units_r" if argument.name == "units" else argument.name
    made = [(name, argument.offset)]
    if argument.kind == "status":
        made.append((f"{name}_ctrl", argument.offset + 4))
    return made


def write(path: Path, root: Element) -> Path:
    # Vivado's begin with a byte order mark.
    path.write_bytes(b"\xef\xbb\xbf" + ElementTree.tostring(root, "utf-8", xml_declaration=True))
    return path


@pytest.mark.parametrize("overlay", Z2.overlays)
def test_as_planned(overlay: str, tmp_path: Path) -> None:
    manifest = planned_manifest(Z2, overlay)
    path = write(tmp_path / "a.hwh", design(manifest))
    check_hwh(manifest, path)
    assert manifest_of_build(manifest, path) == manifest


def module(root: Element, instance: str) -> Element:
    return next(one for one in root.iter("MODULE") if one.attrib["INSTANCE"] == instance)


def edit(root: Element, tag: str, key: str, value: str, **changes: str) -> None:
    """Changes the first element of a kind whose attribute has a value."""
    next(one for one in root.iter(tag) if one.attrib.get(key) == value).attrib.update(changes)


def move_register(root: Element) -> None:
    registers = module(root, "layer_0").find("ADDRESSBLOCKS/ADDRESSBLOCK/REGISTERS")
    assert registers is not None
    register = next(one for one in registers if one.attrib["NAME"] == "mask")
    edit(register, "PROPERTY", "NAME", "ADDRESS_OFFSET", VALUE="0x34")


def halve_address(root: Element) -> None:
    registers = module(root, "layer_0").find("ADDRESSBLOCKS/ADDRESSBLOCK/REGISTERS")
    assert registers is not None
    next(one for one in registers if one.attrib["NAME"] == "mask").attrib["NAME"] = "mask_1"
    add_register(registers, "mask_2", 0x2C)


def add_stranger(root: Element) -> None:
    modules = root.find("MODULES")
    memory = root.find("MODULES/MODULE/MEMORYMAP")
    assert modules is not None
    assert memory is not None
    add(modules, "MODULE", INSTANCE="filter_0", MODTYPE="filter", VLNV="a:hls:filter:1.0")
    add(
        memory,
        "MEMRANGE",
        INSTANCE="filter_0",
        SLAVEBUSINTERFACE="s_axi_control",
        BASEVALUE="0x40090000",
        HIGHVALUE="0x4009FFFF",
    )


def remove_address(root: Element) -> None:
    memory = root.find("MODULES/MODULE/MEMORYMAP")
    assert memory is not None
    memory.remove(next(row for row in memory if row.attrib["INSTANCE"] == "layer_0"))


def forget_clock(root: Element) -> None:
    edit(root, "PARAMETER", "NAME", "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ", NAME="PCW_OTHER")
    for port in root.iter("PORT"):
        del port.attrib["CLKFREQUENCY"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: edit(r, "SYSTEMINFO", "DEVICE", "7z020", DEVICE="7z010"), "it is for xc7z010cl"),
        (lambda r: edit(r, "MODULE", "INSTANCE", "layer_0", INSTANCE="layer_1"), "has no layer_0"),
        (
            lambda r: edit(r, "MODULE", "INSTANCE", "layer_0", MODTYPE="normalize_top"),
            "layer_0 is a normalize_top, not a layer_top",
        ),
        (
            lambda r: edit(r, "MEMRANGE", "INSTANCE", "shift_gradient_0", BASEVALUE="0x40018000"),
            "shift_gradient_0 has 0x8000 bytes at 0x40018000, not 0x10000 at 0x40010000",
        ),
        (remove_address, "layer_0 has no address"),
        (move_register, "layer_0 has mask at 0x34, not at 0x28"),
        (halve_address, "layer_0 has mask as an address of 64 bits, not 32"),
        (
            lambda r: edit(module(r, "layer_0"), "REGISTER", "NAME", "mask", NAME="musk"),
            "layer_0 has no register of mask",
        ),
        (
            lambda r: edit(
                module(r, "layer_0"), "PORT", "NAME", "ap_clk", CLKFREQUENCY="125000000"
            ),
            "layer_0 runs at 125 MHz, not at 100 MHz",
        ),
        (forget_clock, "layer_0 has no clock"),
        (add_stranger, "it also has a filter_0"),
        (
            lambda r: edit(r, "PARAMETER", "NAME", "PCW_S_AXI_HP2_DATA_WIDTH", VALUE="32"),
            "S_AXI_HP2 is 32 bits wide, not 64",
        ),
    ],
)
def test_differences(change: Callable[[Element], None], message: str, tmp_path: Path) -> None:
    manifest = planned_manifest(Z2, "fewmult")
    root = design(manifest)
    change(root)
    path = write(tmp_path / "a.hwh", root)
    with pytest.raises(FewmultError, match=message) as caught:
        check_hwh(manifest, path)
    assert "\n" not in str(caught.value)


def test_the_manifest_of_a_build_has_its_addresses(tmp_path: Path) -> None:
    planned = planned_manifest(Z2, "fewmult")
    layer = planned.kernels["layer"]
    moved = {name: replace(a, offset=a.offset + 0x40) for name, a in layer.arguments.items()}
    other = replace(layer, base=0x43C0_0000, span=0x1000, arguments=moved)
    built = replace(planned, kernels={**planned.kernels, "layer": other})
    path = write(tmp_path / "a.hwh", design(built))
    assert manifest_of_build(planned, path) == built
    with pytest.raises(FewmultError, match="layer_0 has 0x1000 bytes at 0x43c00000"):
        check_hwh(planned, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_address, r"has no kernel layer \(layer_0\) with registers"),
        (halve_address, "layer has mask as an address of 64 bits"),
    ],
)
def test_no_manifest_of_less(
    change: Callable[[Element], None], message: str, tmp_path: Path
) -> None:
    planned = planned_manifest(Z2, "fewmult")
    root = design(planned)
    change(root)
    with pytest.raises(FewmultError, match=message):
        manifest_of_build(planned, write(tmp_path / "a.hwh", root))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "is no .hwh of Vivado"),
        (b"<EDKSYSTEM>", "is no .hwh of Vivado"),
        (b"<EDKSYSTEM/>", "it has no SYSTEMINFO"),
        (b"<html><SYSTEMINFO/></html>", "it has no SYSTEMINFO"),
        (b"<EDKSYSTEM><SYSTEMINFO/></EDKSYSTEM>", "it lacks DEVICE"),
    ],
)
def test_damaged(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.hwh"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FewmultError, match=message):
        read_hwh(path)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.hwh"
    with path.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(FewmultError, match="it has more than 67,108,864 bytes"):
        read_hwh(path)


def test_a_register_without_offset(tmp_path: Path) -> None:
    root = design(planned_manifest(Z2, "fewmult"))
    edit(root, "PROPERTY", "NAME", "ADDRESS_OFFSET", NAME="OTHER")
    with pytest.raises(FewmultError, match="register CTRL has no offset"):
        read_hwh(write(tmp_path / "a.hwh", root))
