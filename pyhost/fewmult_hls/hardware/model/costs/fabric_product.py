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
    """Rows of each tile of a place's units."""
    return parts(s.of_place, s.tile["kRows"])


def number_of_tiles(s: Sizes) -> int:
    """How many tiles of units there are."""
    return len(tiles(s))


def tiles_at_places(s: Sizes) -> int:
    """How often a tile meets a place."""
    return number_of_tiles(s) * s.places


def _planes(s: Sizes) -> int:
    """Of the weights; a transposed product has one."""
    return 1 if s.product.sends_back else s.product.planes


def _all_blocks(s: Sizes) -> int:
    """Of all places, for one plane of a tile."""
    return s.walks.blocks.total()


def _blocks(s: Sizes) -> int:
    """Steps of one plane of a tile at a place."""
    return max(1, _all_blocks(s) // s.places)


def _sweeps(s: Sizes) -> int:
    """How often all that is seen is swept: for every tile and plane."""
    return number_of_tiles(s) * _planes(s)


def _beats(s: Sizes) -> int:
    """Groups of examples that the array takes at once."""
    return -(-s.batch // s.tile["kLanes"])


def _array_cycles(s: Sizes) -> int:
    """Of the array over a block of a plane, in all tiles."""
    passes = _beats(s) * (WORD_BITS // s.tile["kInputs"])
    return passes * sum(power_of_two(rows, s.tile["kInputs"]) for rows in tiles(s))


def _is_full(s: Sizes) -> bool:
    """Whether loads leave no part of a row as it was."""
    return s.batch >= s.tile["kLanes"]


def _clears(s: Sizes) -> int:
    """How often rows of a panel are cleared."""
    return _sweeps(s) * s.walks.clears(_is_full(s))


def _rows_cleared(s: Sizes) -> int:
    return _sweeps(s) * s.walks.rows_cleared(_is_full(s))


def _words_of(s: Sizes, kind: str) -> tuple[int, int]:
    """Bursts of packed words, of signs as of masks, and their words.

    Args:
        s: the sizes.
        kind: "whole" words, or the "upper" or "lower" parts of those that begin within one.
    """
    if not s.product.sends_back:
        if kind != "whole":
            return 0, 0
        blocks = _planes(s) * _all_blocks(s)
        return number_of_tiles(s) * blocks, s.of_place * blocks
    bursts = words = 0
    for bit, (pieces, rows) in s.walks.pieces_by_bit.items():
        for tile in tiles(s):
            for there in parts(tile, WORD_BITS):
                is_met = {
                    "whole": bit == 0,
                    "upper": bit > 0,
                    "lower": bit > 0 and there + bit > WORD_BITS,
                }[kind]
                bursts += pieces * is_met
                words += rows * is_met
    return bursts, words


def _pairs(s: Sizes) -> int:
    """Words of sums in memory."""
    return s.elements // 2


_LOAD, _ACCUMULATE = Process("load", _blocks), Process("accumulate", _blocks)


COSTS = Costs(
    loops=(
        packed_words.find_columns(KERNELS, number_of_tiles),
        _loop("clear", tiles_at_places, lambda s: s.units * _beats(s)),
        _loop(
            "twice",
            lambda s: tiles_at_places(s) * (_planes(s) - 1),
            lambda s: s.units * (_planes(s) - 1) * _beats(s),
        ),
        _loop(
            "clear_panel",
            _clears,
            lambda s: _rows_cleared(s) * _beats(s) * s.tile["kLanes"] // 8,
            process=_LOAD,
        ),
        _loop(
            "load_panel",
            lambda s: _sweeps(s) * s.walks.loads,
            lambda s: _sweeps(s) * s.walks.rows_there * s.batch // s.tile["kPortBytes"],
            reads={"source": WORD},
            process=_LOAD,
        ),
        *packed_words.load_rows(KERNELS, _words_of, _LOAD),
        _loop(
            "accumulate",
            lambda s: _sweeps(s) * _all_blocks(s),
            lambda s: _sweeps(s) * _all_blocks(s) * s.tile["kInputs"],
            process=_ACCUMULATE,
        ),
        _loop(
            "accumulate",
            lambda s: _sweeps(s) * _all_blocks(s),
            lambda s: _planes(s) * _all_blocks(s) * _array_cycles(s),
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
