# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fabric_gradient.hpp: the array of a gradient, its codes, and the update behind it."""

from __future__ import annotations

from functools import partial

from ....contract.layouts import WORD_BITS
from ..rows import (
    GENERATOR,
    TREE,
    Costs,
    KernelArray,
    Loop,
    Part,
    Process,
    adder_tree,
    one,
    registers,
)
from ..sizes import WORD, Sizes, always, parts, power_of_two
from . import packed_words

_FILE, _KERNELS, _SAMPLES = "fabric_gradient.hpp", ("shift_gradient",), ("sample_weights",)
_loop = partial(Loop, _FILE, _KERNELS)
_array = partial(KernelArray, _FILE, _KERNELS)
_part = partial(Part, _KERNELS)
_first_loop = partial(Loop, _FILE, _SAMPLES)  # of the first sample


def _is_at_places(s: Sizes) -> bool:
    """Whether a gradient is summed over several visits of places."""
    return s.visits > 1


def _tiles(s: Sizes) -> list[int]:
    """Rows of each tile of outputs."""
    return parts(s.outputs, s.tile["kPlaceRows" if _is_at_places(s) else "kGradientRows"])


def _columns(s: Sizes) -> int:
    """Word columns that are swept, over all tiles."""
    return len(_tiles(s)) * s.words


def _turns(s: Sizes) -> int:
    """The same, in all visits of places."""
    return _columns(s) * s.visits


def _walks(s: Sizes) -> int:
    """How often all places are walked over."""
    return len(_tiles(s)) * s.visits // s.places


def _is_full(s: Sizes) -> bool:
    """Whether codes leave no part of a row as it was."""
    return s.batch >= s.tile["kGradientLanes"]


def _array_cycles(s: Sizes) -> int:
    """Of the array, for one word column at a place, over all tiles."""
    lanes, inputs = s.tile["kGradientLanes"], s.tile["kGradientInputs"]
    passes = -(-s.batch // lanes) * (WORD_BITS // inputs)
    return passes * sum(power_of_two(rows, inputs) for rows in _tiles(s))


def _process(name: str) -> Process:
    return Process(name, lambda s: s.words * s.visits)


_ENCODE, _GRADIENT = _process("encode"), _process("gradient")


def _quads(s: Sizes) -> int:
    """Groups of four weights."""
    return s.packed * s.tile["kQuads"]


def _weight_words(s: Sizes) -> int:
    """Words of master weights in memory."""
    return s.packed * WORD_BITS * s.master_bytes // 8


def _packed(s: Sizes) -> int:
    return s.packed


COSTS = Costs(
    loops=(
        packed_words.find_columns(_KERNELS, always(1)),
        _loop(
            "load_deltas",
            lambda s: _turns(s) if _is_at_places(s) else len(_tiles(s)),
            lambda s: (
                (s.words * s.visits if _is_at_places(s) else 1)
                * s.outputs
                * s.batch
                // s.tile["kPortBytes"]
            ),
            reads={"deltas": WORD},
            process=_ENCODE,
            joins_at_places=True,
        ),
        _loop(
            "clear_codes",
            lambda s: _walks(s) * s.walks.clears(_is_full(s)),
            lambda s: (
                _walks(s)
                * s.walks.rows_cleared(_is_full(s))
                * max(s.batch, s.tile["kGradientLanes"])
                // 8
            ),
            process=_ENCODE,
        ),
        _loop(
            "draw_codes",
            lambda s: _walks(s) * s.walks.loads,
            lambda s: _walks(s) * s.walks.rows_there * s.batch // s.tile["kPortBytes"],
            depth=GENERATOR,
            reads={"x": WORD},
            process=_ENCODE,
        ),
        _loop(
            "shift_accumulate",
            _turns,
            lambda s: _turns(s) * s.tile["kGradientInputs"],
            process=_GRADIENT,
        ),
        _loop(
            "shift_accumulate",
            _turns,
            lambda s: s.words * s.visits * _array_cycles(s),
            number=1,
            depth=TREE,
            process=_GRADIENT,
        ),
        _loop("update", _columns, _quads, depth=GENERATOR, process=_process("update")),
        _loop(
            "load_weights",
            _columns,
            _weight_words,
            reads={"weights": WORD},
            process=_process("load"),
        ),
        _loop(
            "store_weights",
            _columns,
            _weight_words,
            writes={"updated": WORD},
            process=_process("store"),
        ),
        packed_words.store_rows(_KERNELS, _columns, _packed, _process("samples")),
        _first_loop("load_weights", _columns, _weight_words, reads={"weights": WORD}),
        _first_loop("draw", _columns, _quads, depth=GENERATOR),
        packed_words.store_rows(_SAMPLES, _columns, _packed, None),
    ),
    parts=(
        _part(
            "gradient: shifted pairs",
            "shifted_pair",
            lambda t: t["kGradientInputs"] * t["kGradientLanes"] / 2,
        ),
        _part(
            "gradient: their sums",
            "add32",
            lambda t: t["kGradientInputs"] * (1 + adder_tree(t["kGradientLanes"], 16)),
        ),
        # Where activations are below 0, they are subtracted.
        _part("gradient: negated sums", "add32", lambda t: t["kGradientInputs"]),
        _part("codes", "code", lambda t: t["kPortBytes"]),
        _part("codes: sizes", "add32", lambda t: t["kPortBytes"] / 4),
        _part("random generators", "threefry", lambda t: 2),
        # Four weights a cycle: a draw has a half for each.
        *(
            _part(name, piece, lambda t: 4)
            for name, piece in (
                ("update: rounding", "rounding"),
                ("update: left shift", "shift_left"),
                ("update: difference", "add32"),
                ("update: clipping", "saturate"),
                ("update: samples", "sample"),
            )
        ),
        Part(_SAMPLES, "random generator", "threefry", one),
        Part(_SAMPLES, "samples", "sample", lambda t: 4),
    ),
    arrays=(
        *packed_words.arrays(_KERNELS),
        _array(
            "using Codes = std::uint32_t[kWordBits][kGradientSweeps][kGradientGroups];",
            lambda t: t["kGradientGroups"],
            copies=2,
        ),
        _array(
            "using Deltas = Word[kGradientRows][kGradientSweeps][kGradientGroups];",
            lambda t: t["kGradientGroups"],
        ),
        _array(
            "using Gradient = std::int32_t[kGradientRows][kGradientParts][kPartQuads][4];",
            lambda t: t["kGradientInputs"],
            copies=2,
        ),
        # Of a place: filled while that of another is used; and the sums over those that passed.
        _array(
            "using PlaceDeltas = Word[kPlaceRows][kGradientSweeps][kGradientGroups];",
            lambda t: t["kGradientGroups"],
            copies=2,
        ),
        _array(
            "using PlaceGradient = std::int32_t[kPlaceRows][kGradientParts][kPartQuads][4];",
            lambda t: t["kGradientInputs"],
        ),
        # Before the update and after it, signs and masks: each filled while it is used.
        _array("using Weights = Word[kFours];", copies=4),
        _array("using Samples = Word[kGradientRows];", copies=4),
        KernelArray(_FILE, _SAMPLES, "using Weights = Word[kFours];"),
        KernelArray(_FILE, _SAMPLES, "using Samples = Word[kGradientRows];", copies=2),
        *(
            _array(f"std::int16_t {array}[kGradientInputs][kGradientLanes];", registers, bits=3)
            for array in ("shift", "next")
        ),
        _array("std::int16_t d[kGradientLanes];", registers, bits=8),
        _array("Word eights[kGradientGroups];", registers),
        _array("std::int32_t sums[kPartQuads][4];", registers),
    ),
)
