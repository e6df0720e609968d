# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Boards, and the kernels' interfaces as their tops say."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewmult_hls.hardware.board import board
from fewmult_hls.hardware.source.constants import constants
from fewmult_hls.hardware.source.interfaces import Argument, Interface
from fewmult_hls.hardware.source.reading import kernel_names, load_interface, read_sources
from fewmult_hls.system.errors import UsageError

KERNELS = ["binary_matmul", "layer", "normalize", "pool", "sample_weights", "shift_gradient"]
TOP = """extern "C" void some_top(const std::int8_t* source, std::int64_t* z, int units,
                         std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = source offset = slave bundle = gmem0 depth = 16
#pragma HLS INTERFACE m_axi port = z offset = slave bundle = gmem1 depth = 8
#pragma HLS INTERFACE s_axilite port = units bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
}
"""


def test_every_kernel_has_an_interface() -> None:
    assert kernel_names() == KERNELS
    for name in KERNELS:
        kernel = load_interface(name)
        assert kernel.bundles[0].startswith("gmem")
        offsets = [argument.offset for argument in kernel.arguments]
        assert offsets == list(range(0x10, 0x10 + 8 * len(offsets), 8))
        assert kernel.arguments[-1].name == "build_id"
        assert [a.name for a in kernel.arguments if a.kind == "status"] == ["build_id"]


def test_the_layers_arguments() -> None:
    layer = load_interface("layer")
    assert layer["source"] == Argument("source", "uint64", "memory", True, 24, "gmem0", 4096)
    assert (layer["loss"].dtype, layer["loss"].is_const) == ("uint64", False)
    assert (layer["seed"].dtype, layer["seed"].kind) == ("uint32", "scalar")
    assert layer.bundles == ("gmem0", "gmem1")


def parse(tmp_path: Path, text: str) -> Interface:
    (tmp_path / "some_top.cpp").write_text(text)
    return read_sources(tmp_path).interfaces["some"]


def test_a_top_of_its_own(tmp_path: Path) -> None:
    kernel = parse(tmp_path, TOP)
    assert [(a.name, a.dtype, a.kind, a.offset) for a in kernel.arguments] == [
        ("source", "int8", "memory", 0x10),
        ("z", "int64", "memory", 0x18),
        ("units", "int32", "scalar", 0x20),
        ("build_id", "uint32", "status", 0x28),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('extern "C" ', "", "there is no top"),
        ("port = units", "port = unit", "'int units' has no interface pragma"),
        ("port = return", "port = turn", "'return' is not on the control bus"),
        ("int units,", "", "pragmas of units, which are no arguments"),
        (" depth = 8", "", "argument z: m_axi does not fit"),
        ("std::int64_t* z", "std::int64_t z", "argument z: m_axi does not fit"),
    ],
)
def test_odd_tops(old: str, new: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parse(tmp_path, TOP.replace(old, new))


def test_the_board_is_data() -> None:
    assert board.names() == ["pynq-z2"]
    z2 = board.load_board("pynq-z2")
    assert z2.part == "xc7z020clg400-1"
    assert z2.ddr.bytes_per_second == pytest.approx(1.575e9)
    assert sorted({name for kernels in z2.overlays.values() for name in kernels}) == KERNELS
    bundles = {bundle for name in KERNELS for bundle in load_interface(name).bundles}
    assert bundles == set(z2.ports.bundles)
    with pytest.raises(UsageError, match="no board 'zybo': take pynq-z2"):
        board.load_board("zybo")


def test_the_tiles_constants() -> None:
    found = constants()
    assert found["kLanes"] * found["kInputs"] == 512
    assert found["kGradientLanes"] * found["kGradientInputs"] == 256
