# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fabric_product.hpp: the array of a product, and what brings its operands."""

from __future__ import annotations

from functools import partial

from ....contract.layouts import WORD_BITS
from ..rows import TREE, Costs, KernelArray, Loop, Part, Process, adder_tree, registers
from ..sizes import WORD, Sizes, parts, power_of_two
from . import packed_words

KERNELS = ("layer", "binary_matmul")
_FILE = "fabric_product.hpp"
_loop = partial(Loop, _FILE, KERNELS)
_array = partial(KernelArray, _FILE, KERNELS)
_part = partial(Part, KERNELS)


def tiles(s: Sizes) -> list[int]:
    """Rows of each tile of units."""
    return parts(s.units, s.tile["kRows"])


def number_of_tiles(s: Sizes) -> int:
    """How many tiles of units there are."""
    return len(tiles(s))


def _planes(s: Sizes) -> int:
    """Of the weights; a transposed product has one."""
    return 1 if s.product.sends_back else s.product.planes


def _columns(s: Sizes) -> list[int]:
    """Terms in each word column."""
    return parts(s.product.terms, WORD_BITS)


def _blocks(s: Sizes) -> int:
    """Steps of one plane of a tile."""
    return -(-len(_columns(s)) // s.tile["kPanelWords"])


def _sweeps(s: Sizes) -> int:
    """How often the terms are swept: for every tile and plane."""
    return len(tiles(s)) * _planes(s)


def _beats(s: Sizes) -> int:
    """Groups of examples that the array takes at once."""
    return -(-s.batch // s.tile["kLanes"])


def _array_cycles(s: Sizes) -> int:
    """Of the array over a block of a plane, in all tiles."""
    passes = _beats(s) * (WORD_BITS // s.tile["kInputs"])
    return passes * sum(power_of_two(rows, s.tile["kInputs"]) for rows in tiles(s))


def _panels_cleared(s: Sizes) -> int:
    """How often a panel is cleared before it is loaded: where it is short."""
    short = s.batch < s.tile["kLanes"]
    return _sweeps(s) * sum(short or terms < WORD_BITS for terms in _columns(s))


def _turned(s: Sizes) -> int:
    """Blocks of 64 rows in a word column of a transposed product, of all tiles."""
    return sum(-(-rows // WORD_BITS) for rows in tiles(s))


def _bursts(s: Sizes) -> int:
    """Of packed words."""
    return (_turned(s) if s.product.sends_back else _sweeps(s)) * len(_columns(s))


def _packed_words(s: Sizes) -> int:
    """That are read, of signs as of masks."""
    if s.product.sends_back:
        return _turned(s) * s.product.terms
    return _planes(s) * len(_columns(s)) * s.units


def _pairs(s: Sizes) -> int:
    """Words of sums in memory."""
    return s.elements // 2


_LOAD, _ACCUMULATE = Process("load", _blocks), Process("accumulate", _blocks)


COSTS = Costs(
    loops=(
        packed_words.find_columns(KERNELS, number_of_tiles),
        _loop("clear", number_of_tiles, lambda s: s.units * _beats(s)),
        _loop(
            "twice",
            lambda s: len(tiles(s)) * (_planes(s) - 1),
            lambda s: s.units * (_planes(s) - 1) * _beats(s),
        ),
        _loop(
            "clear_panel",
            _panels_cleared,
            lambda s: _panels_cleared(s) * WORD_BITS * _beats(s) * s.tile["kLanes"] // 8,
            process=_LOAD,
        ),
        _loop(
            "load_panel",
            lambda s: _sweeps(s) * len(_columns(s)),
            lambda s: _sweeps(s) * s.product.terms * s.batch // s.tile["kPortBytes"],
            reads={"source": WORD},
            process=_LOAD,
        ),
        packed_words.load_rows(KERNELS, _bursts, _packed_words, _LOAD),
        *packed_words.shifted_rows(KERNELS, _LOAD),
        _loop(
            "accumulate",
            lambda s: _sweeps(s) * _blocks(s),
            lambda s: _sweeps(s) * _blocks(s) * s.tile["kInputs"],
            process=_ACCUMULATE,
        ),
        _loop(
            "accumulate",
            lambda s: _sweeps(s) * _blocks(s),
            lambda s: _planes(s) * _blocks(s) * _array_cycles(s),
            number=1,
            depth=TREE,
            process=_ACCUMULATE,
        ),
        Loop(
            _FILE,
            ("normalize",),
            "load_sums",
            number_of_tiles,
            _pairs,
            reads={"z": WORD},
        ),
        Loop(
            _FILE,
            ("binary_matmul",),
            "store_sums",
            number_of_tiles,
            _pairs,
            writes={"z": WORD},
        ),
    ),
    parts=(
        _part("product: signed pairs", "signed_pair", lambda t: t["kLanes"] * t["kInputs"] / 2),
        _part("product: their sums", "add32", lambda t: t["kLanes"] * adder_tree(t["kInputs"], 9)),
        _part("product: onto the sums", "add32", lambda t: 1.5 * t["kLanes"]),
        _part("product: transposition", "select64", lambda t: 2 * t["kInputs"]),
    ),
    arrays=(
        KernelArray(
            _FILE,
            (*KERNELS, "normalize"),
            "using Sums = std::int32_t[kRows][kSweeps][kGroups][kPortBytes];",
            lambda t: t["kLanes"],
        ),
        # While one block is used the next is filled.
        _array(
            "using Panel = Word[kWordBits][kSweeps][kGroups];", lambda t: t["kGroups"], copies=2
        ),
        *packed_words.arrays(KERNELS),
        *(
            _array(f"std::int16_t {array}[kInputs][kLanes];", registers, bits=8)
            for array in ("x", "next")
        ),
        _array("std::int16_t sum[kLanes];", registers),
        *(
            _array(f"Word {when}_{array}[kInputs];", registers)
            for when in ("held", "next")
            for array in ("sign", "mask")
        ),
    ),
)
