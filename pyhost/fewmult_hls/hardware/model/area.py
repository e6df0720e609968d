# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A model of what the kernels take of the fabric: no report.

Which arithmetic and which arrays a source has stands in ``costs/``. Arithmetic is counted in
pieces, each written in Verilog (``tests/hardware/rtl/area``) and synthesized by Yosys, which tests
repeat. Memories follow from the arrays' declarations. What stands around both is an allowance, and
says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from math import prod
from typing import NamedTuple

from ..board.board import Board
from ..source.constants import constants, evaluate
from ..source.reading import kernel_sources, load_interface
from .costs import all_costs
from .rows import KernelArray


class Area(NamedTuple):
    """What something takes of the fabric.

    Attributes:
        lut: look-up tables, as logic or as memory.
        ff: registers.
        bram18: halves of a block RAM.
        dsp: multipliers.
    """

    lut: float = 0
    ff: float = 0
    bram18: float = 0
    dsp: float = 0

    def plus(self, other: Area) -> Area:
        """Both."""
        return Area(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, count: float) -> Area:
        """So many of it."""
        return Area(*(count * number for number in self))


# LUT and FF of each piece, as Yosys 0.23 counts them after `synth_xilinx -abc9 -family xc7`;
# inverters are left out, for they go into the look-up tables behind them.
PIECES: Mapping[str, Area] = {
    "add32": Area(lut=32),
    "code": Area(lut=37),
    "gate": Area(lut=37),
    "hinge": Area(lut=63),
    "larger": Area(lut=14),
    "logit": Area(lut=166),
    "perturbed": Area(lut=33),
    "rounding": Area(lut=226),
    "sample": Area(lut=100),
    "saturate": Area(lut=33),
    "select64": Area(lut=27),
    "shift_left": Area(lut=89),
    "shifted_pair": Area(lut=48),
    "signed_pair": Area(lut=16),
    "taken": Area(lut=21),
    "threefry": Area(lut=799, ff=512),
}

# Vitis HLS reports 512 to 725 FF, 580 to 823 LUT and 4 BRAM_18K for m_axi ports of 32 bits, and 150
# to 290 FF and 230 to 490 LUT for control ports of one to three pointers (public csynth.rpt of
# 2022 and later). Ours are wider, and have more registers. An adapter has a part that reads and one
# that writes, each with its buffers. Assumed: each is half, and is left out where nothing uses it.
PORT_DIRECTION = Area(lut=500, ff=500, bram18=2)
CONTROL_PORT = Area(lut=120, ff=120)
CONTROL_REGISTER = Area(lut=40, ff=40)
# Assumed: state machines, counters and addresses, as a share of the arithmetic's LUT; and
# registers between the stages of pipelines, for each of its LUT.
STEERING = 0.15
STAGES = 0.5
# Assumed, of the overlay: an AXI interconnect, for each connection that it makes; and the reset.
CONNECTION = Area(lut=700, ff=900)
RESET = Area(lut=40, ff=40)
INTERCONNECT = "interconnect"

_LUTRAM_BITS = 1024  # memories up to here are made of look-up tables
_SHAPES = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))  # UG473, SDP
_BITS = {"int": 32, "Word": 64}


def array_area(row: KernelArray) -> Area:
    """What an array takes, with all its copies.

    Raises:
        ValueError: the sources do not declare it so.
    """
    array = kernel_sources().arrays.get((row.file, row.declaration))
    if array is None:
        raise ValueError(f"{row.file} has no '{row.declaration}'")
    tile = constants()
    bits = row.bits or _bits(array.type)
    elements = prod(evaluate(size, tile) or 0 for size in array.dimensions)
    banks = row.banks(tile)
    if not banks:
        return Area(ff=elements * bits * row.copies)
    return bank_area(-(-elements // banks), bits).times(banks * row.copies)


def _bits(kind: str) -> int:
    number = re.search(r"\d+", kind)
    return int(number[0]) if number else _BITS[kind]


def bank_area(depth: int, width: int) -> Area:
    """What one memory takes: look-up tables if it is small, else halves of block RAMs.

    Args:
        depth: words.
        width: bits of a word.
    """
    if depth * width <= _LUTRAM_BITS:
        # RAM32M: 32 words of 6 bits, read beside being written, in four LUT.
        return Area(lut=4 * -(-width // 6) * -(-depth // 32))
    return Area(bram18=min(-(-width // w) * -(-depth // d) for w, d in _SHAPES))


def kernel_area(kernel: str) -> Area:
    """What a kernel takes."""
    logic = total(area for _, area in _pieces(kernel))
    body = logic.plus(Area(lut=STEERING * logic.lut, ff=STAGES * logic.lut))
    for _, area in _arrays(kernel):
        body = body.plus(area)
    ports = PORT_DIRECTION.times(len(port_directions(kernel))).plus(CONTROL_PORT)
    ports = ports.plus(CONTROL_REGISTER.times(len(load_interface(kernel).arguments)))
    # A call of the template for each type is hardware for each type.
    copies = max(1, kernel_sources().instances(kernel))
    return body.times(copies).plus(ports)


def port_directions(kernel: str) -> set[tuple[str, str]]:
    """The bundles that a kernel reads, and those that it writes."""
    bundles = {argument.name: argument.bundle for argument in load_interface(kernel).arguments}
    costs = all_costs()
    found: set[tuple[str, str]] = set()
    for loop in costs.loops:
        if kernel in loop.kernels:
            found |= {(bundles[array], "read") for array in loop.reads}
            found |= {(bundles[array], "written") for array in loop.writes}
    for access in costs.accesses:
        if kernel in access.kernels:
            found.add((bundles[access.array], "written" if access.writes else "read"))
    return found


def overlay_areas(board: Board, overlay: str) -> dict[str, Area]:
    """What each kernel of an overlay takes, and all that connects them."""
    kernels = board.overlays[overlay]
    areas = {kernel: kernel_area(kernel) for kernel in kernels}
    connections = sum(1 + len(load_interface(kernel).bundles) for kernel in kernels)
    areas[INTERCONNECT] = CONNECTION.times(connections).plus(RESET)
    return areas


def total(areas: Iterable[Area]) -> Area:
    """The sum of some areas."""
    return reduce(Area.plus, areas, Area())


def parts_of(kernel: str) -> list[tuple[str, Area]]:
    """What the kernel's pieces of arithmetic take, and its memories; one copy of each."""
    return [*_pieces(kernel), *_arrays(kernel)]


def _pieces(kernel: str) -> list[tuple[str, Area]]:
    tile = constants()
    return [
        (part.name, PIECES[part.piece].times(part.count(tile)))
        for part in all_costs().parts
        if kernel in part.kernels
    ]


def _arrays(kernel: str) -> list[tuple[str, Area]]:
    return [
        (f"{row.file}: {row.declaration.rstrip(';')}", array_area(row))
        for row in all_costs().arrays
        if kernel in row.kernels
    ]
