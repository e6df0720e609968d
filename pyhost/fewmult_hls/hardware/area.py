# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A model of what the kernels take of the fabric: no report.

Arithmetic is counted in pieces, each written in Verilog (``tests/hardware/rtl/area``) and
synthesized by Yosys, which tests repeat. Memories follow from the arrays' declarations in the
sources. What stands around both is an allowance, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .board import Board
from .interfaces import load_interface
from .sources import constants, evaluate, source_root


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
    "logit": Area(lut=138),
    "perturbed": Area(lut=33),
    "rounding": Area(lut=226),
    "sample": Area(lut=100),
    "saturate": Area(lut=33),
    "select64": Area(lut=27),
    "shift_left": Area(lut=89),
    "shifted_pair": Area(lut=48),
    "signed_pair": Area(lut=16),
    "threefry": Area(lut=833, ff=512),
}

# Vitis HLS reports 512 to 725 FF, 580 to 823 LUT and 4 BRAM_18K for m_axi ports of 32 bits, and 150
# to 290 FF and 230 to 490 LUT for control ports of one to three pointers (public csynth.rpt of
# 2022 and later). Ours are wider, and have more registers.
MEMORY_PORT = Area(lut=1000, ff=1000, bram18=4)
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
_BITS = {"int": 32, "Word": 64, "Weight": 16}

Tile = Mapping[str, int]
Count = Callable[[Tile], int]


@dataclass(frozen=True)
class Part:
    """Some pieces of arithmetic in a kernel.

    Attributes:
        kernel: of which.
        name: for people.
        piece: one of ``PIECES``.
        count: of them; a piece for another size counts as its share.
    """

    kernel: str
    name: str
    piece: str
    count: Callable[[Tile], float]


@dataclass(frozen=True)
class Memory:
    """An array of the kernels.

    Attributes:
        kernels: that have it.
        file: where it is declared.
        declaration: the text, from which its size is read.
        banks: into which it is partitioned; 0 if completely, into registers.
        copies: of the array.
        bits: of an element, if less than its type has are ever different.
        depth: of the stream that passes it on, if one does.
    """

    kernels: tuple[str, ...]
    file: str
    declaration: str
    banks: Count
    copies: Count = lambda t: 1
    bits: int = 0
    depth: int = 0


def _four(t: Tile) -> float:
    """Weights a cycle: a draw has a half for each."""
    return 4


_LAYER, _GRADIENT, _SAMPLE = "layer", "shift_gradient", "sample_weights"
_PRODUCT = ("layer", "binary_matmul")


def _each(
    kernels: tuple[str, ...], name: str, piece: str, count: Callable[[Tile], float]
) -> tuple[Part, ...]:
    return tuple(Part(kernel, name, piece, count) for kernel in kernels)


def _tree(terms: int, bits: int) -> float:
    """Additions of 32 bits that a tree comes to, each taken at the width of its sum.

    Args:
        terms: of the tree, whose pairs are summed already.
        bits: of the sum of a pair.
    """
    wide, pairs = 0, terms // 2
    while pairs > 1:
        pairs, bits = pairs // 2, bits + 1
        wide += pairs * bits
    return wide / 32


def _one(t: Tile) -> int:
    return 1


def _eight(t: Tile) -> int:
    return 8


def _port(t: Tile) -> int:
    return t["kPortBytes"]


def _times(number: int, count: Count) -> Count:
    return lambda t: number * count(t)


def _finish_parts(kernel: str, lanes: Count, logits: Count, loops: int) -> tuple[Part, ...]:
    """What stands behind a product.

    Args:
        kernel: of which.
        lanes: samples a cycle of a hidden layer.
        logits: samples a cycle of the output layer.
        loops: with shifters of their own, for activations and deltas.
    """
    pieces: tuple[tuple[str, str, Count], ...] = (
        ("means", "add32", _times(2, lanes)),  # of 64 bits
        ("gates", "gate", lanes),
        ("sums of what passes", "add32", lanes),
        ("less the means, and biases", "add32", _times(2, lanes)),
        ("rounding", "rounding", _times(loops, lanes)),
        ("saturation", "saturate", _times(loops, lanes)),
        ("logits", "logit", _times(2, logits)),
        ("hinge", "hinge", logits),
        ("adversarial inputs", "perturbed", lanes),
        ("random generator", "threefry", _one),
        ("biases", "logit", _times(2, _one)),
    )
    return tuple(Part(kernel, f"finish: {name}", piece, count) for name, piece, count in pieces)


PARTS: tuple[Part, ...] = (
    *_each(
        _PRODUCT, "product: signed pairs", "signed_pair", lambda t: t["kLanes"] * t["kInputs"] / 2
    ),
    *_each(
        _PRODUCT, "product: their sums", "add32", lambda t: t["kLanes"] * _tree(t["kInputs"], 9)
    ),
    *_each(_PRODUCT, "product: onto the sums", "add32", lambda t: 1.5 * t["kLanes"]),
    *_each(_PRODUCT, "product: transposition", "select64", lambda t: 2 * t["kInputs"]),
    *_finish_parts(_LAYER, _port, _one, 1),
    *_finish_parts("normalize", _eight, _eight, 2),
    Part(
        _GRADIENT,
        "gradient: shifted pairs",
        "shifted_pair",
        lambda t: t["kGradientInputs"] * t["kGradientLanes"] / 2,
    ),
    Part(
        _GRADIENT,
        "gradient: their sums",
        "add32",
        lambda t: t["kGradientInputs"] * (1 + _tree(t["kGradientLanes"], 16)),
    ),
    Part(_GRADIENT, "codes", "code", lambda t: t["kPortBytes"]),
    Part(_GRADIENT, "random generators", "threefry", lambda t: 2),
    Part(_GRADIENT, "update: rounding", "rounding", _four),
    Part(_GRADIENT, "update: left shift", "shift_left", _four),
    Part(_GRADIENT, "update: difference", "add32", _four),
    Part(_GRADIENT, "update: clipping", "saturate", _four),
    Part(_GRADIENT, "update: samples", "sample", _four),
    Part(_SAMPLE, "random generator", "threefry", lambda t: 1),
    Part(_SAMPLE, "samples", "sample", _four),
)


def _registers(t: Tile) -> int:
    return 0


def _blocks(t: Tile) -> int:
    """While one is used the next is filled."""
    return 2


def _quarters(t: Tile) -> int:
    return 4


def _three(t: Tile) -> int:
    return 3


MEMORIES: tuple[Memory, ...] = (
    Memory(
        _PRODUCT, "fabric_product.hpp", "std::int32_t z[kRows][kMaxBatch];", lambda t: t["kLanes"]
    ),
    Memory(
        _PRODUCT, "fabric_product.hpp", "Word eight[kWordBits][kBatchWords];", _quarters, _blocks
    ),
    *(
        Memory((*_PRODUCT, _GRADIENT), "packed_words.hpp", f"Word {array}[kRows];", _one, _blocks)
        for array in ("sign", "mask")
    ),
    Memory((*_PRODUCT, _GRADIENT), "packed_words.hpp", "int first[kMaxColumns];", _one),
    *(
        Memory(
            _PRODUCT,
            "fabric_product.hpp",
            f"std::int16_t {array}[kInputs][kLanes];",
            _registers,
            bits=8,
        )
        for array in ("x", "next")
    ),
    Memory(_PRODUCT, "fabric_product.hpp", "std::int16_t sum[kLanes];", _registers),
    *(
        Memory(
            _PRODUCT,
            "fabric_product.hpp",
            f"Word {array}[kInputs];",
            _registers,
            _blocks,  # held, and next
        )
        for array in ("sign", "mask")
    ),
    Memory((_LAYER,), "fabric_finish.hpp", "std::int32_t of[kRows];", _one, _three),
    Memory((_LAYER,), "fabric_finish.hpp", "std::uint8_t label[kMaxBatch];", _one),
    Memory(("normalize",), "normalize.hpp", "std::int32_t open[kMaxBatch];", _eight),
    Memory(("normalize",), "normalize.hpp", "std::uint8_t bytes[kMaxBatch];", _eight),
    Memory(("normalize",), "normalize_top.cpp", "std::int32_t sums[kMaxBatch];", _eight),
    Memory(
        (_GRADIENT,),
        "fabric_gradient.hpp",
        "std::uint32_t eight[kWordBits][kBatchWords];",
        _quarters,
        _blocks,
    ),
    Memory(
        (_GRADIENT,), "fabric_gradient.hpp", "Word eight[kGradientRows][kBatchWords];", _quarters
    ),
    Memory(
        (_GRADIENT,),
        "fabric_gradient.hpp",
        "std::int32_t g[kGradientRows][kQuads][4];",
        lambda t: 16,
        _blocks,
    ),
    *(
        Memory(
            (_GRADIENT,),
            "fabric_gradient.hpp",
            f"std::int16_t {array}[kGradientInputs][kGradientLanes];",
            _registers,
            bits=3,
        )
        for array in ("shift", "next")
    ),
    Memory((_GRADIENT,), "fabric_gradient.hpp", "Word four[kFours];", _one, _blocks, depth=16),
    Memory(
        (_GRADIENT,), "fabric_gradient.hpp", "std::int16_t d[kGradientLanes];", _registers, bits=8
    ),
)

DECLARATION = re.compile(r"^ *((?:std::)?\w+ \w+(?:\[\w+\])+;)", re.MULTILINE)
_ARRAY = re.compile(r"(?:std::)?(\w+) (\w+)((?:\[\w+\])+);")


def memory_area(memory: Memory) -> Area:
    """What an array takes, with all its copies.

    Raises:
        ValueError: the sources do not declare it so.
    """
    tile = constants()
    text = (source_root() / "kernels" / memory.file).read_text(encoding="utf-8")
    found = _ARRAY.fullmatch(memory.declaration)
    if not found or memory.declaration not in text:
        raise ValueError(f"{memory.file} has no '{memory.declaration}'")
    bits = memory.bits or _bits(found[1])
    elements = 1
    for dimension in re.findall(r"\w+", found[3]):
        elements *= evaluate(dimension, tile) or 0
    elements = memory.depth or elements
    banks, copies = memory.banks(tile), memory.copies(tile)
    if not banks:
        return Area(ff=elements * bits * copies)
    return bank_area(-(-elements // banks), bits).times(banks * copies)


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


def copies_of(kernel: str) -> int:
    """How often its top calls the template: a call for each type is hardware for each type."""
    text = (source_root() / "kernels" / f"{kernel}_top.cpp").read_text(encoding="utf-8")
    return max(1, len(re.findall(rf"\b{kernel}<\w+>\(", text)))


def kernel_area(kernel: str) -> Area:
    """What a kernel takes."""
    tile = constants()
    logic = Area()
    for part in PARTS:
        if part.kernel == kernel:
            logic = logic.plus(PIECES[part.piece].times(part.count(tile)))
    body = logic.plus(Area(lut=STEERING * logic.lut, ff=STAGES * logic.lut))
    for memory in MEMORIES:
        if kernel in memory.kernels:
            body = body.plus(memory_area(memory))
    interface = load_interface(kernel)
    ports = MEMORY_PORT.times(len(interface.bundles)).plus(CONTROL_PORT)
    ports = ports.plus(CONTROL_REGISTER.times(len(interface.arguments)))
    return body.times(copies_of(kernel)).plus(ports)


def overlay_areas(board: Board, overlay: str) -> dict[str, Area]:
    """What each kernel of an overlay takes, and all that connects them."""
    kernels = board.overlays[overlay]
    areas = {kernel: kernel_area(kernel) for kernel in kernels}
    connections = sum(1 + len(load_interface(kernel).bundles) for kernel in kernels)
    areas[INTERCONNECT] = CONNECTION.times(connections).plus(RESET)
    return areas


def total(areas: Mapping[str, Area]) -> Area:
    """Of all."""
    found = Area()
    for area in areas.values():
        found = found.plus(area)
    return found


def parts_of(kernel: str) -> list[tuple[str, Area]]:
    """What the kernel's pieces of arithmetic take, and its memories; one copy of each."""
    tile = constants()
    pieces = [
        (part.name, PIECES[part.piece].times(part.count(tile)))
        for part in PARTS
        if part.kernel == kernel
    ]
    memories = [
        (f"{memory.file}: {memory.declaration.rstrip(';')}", memory_area(memory))
        for memory in MEMORIES
        if kernel in memory.kernels
    ]
    return pieces + memories
