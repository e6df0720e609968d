# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fabric_finish.hpp: the epilogue of a product, for all units of a tile."""

from __future__ import annotations

from functools import partial
from typing import Any

from ....contract.calls import Pass
from ..rows import GENERATOR, TREE, Access, Costs, KernelArray, Loop, Part, Passes, TileCount, one
from ..sizes import WORD, Count, Sizes, elements, units
from .fabric_product import number_of_tiles, tiles, tiles_at_places

_FILE, _KERNELS = "fabric_finish.hpp", ("layer", "normalize")
_loop = partial(Loop, _FILE, _KERNELS)
_access = partial(Access, _FILE, _KERNELS)
_array = partial(KernelArray, _FILE, _KERNELS)
_ACTIVATES = (Pass.HIDDEN, Pass.HIDDEN_MEAN)
_LOGITS = (Pass.LOGITS, Pass.OUTPUT)
_OUTPUT = (Pass.OUTPUT,)


def _port_words(s: Sizes) -> int:
    return s.elements // s.tile["kPortBytes"]


def _over_sums(
    function: str,
    passes: Passes,
    trips: Count = _port_words,
    entries: Count = tiles_at_places,
    **more: Any,
) -> Loop:
    """A loop over all sums of a tile."""
    return _loop(function, entries, trips, passes=passes, **more)


def _odd_places(s: Sizes) -> int:
    """Places whose means begin in the middle of a word."""
    return s.places // 2 if s.of_place % 2 else 0


def _bias_pairs(s: Sizes) -> int:
    """Words of all tiles' biases."""
    return sum(-(-rows // 2) for rows in tiles(s))


def _mean_pairs(s: Sizes) -> int:
    """Words of all tiles' means at all places."""
    wider = sum(-(-(rows + 1) // 2) for rows in tiles(s))
    return (s.places - _odd_places(s)) * _bias_pairs(s) + _odd_places(s) * wider


def _has(names: tuple[str, ...], name: str) -> int:
    return int(name in names)


def _reads(s: Sizes) -> int:
    """Bursts of numbers: biases at every place, and means."""
    names = s.call.access.reads
    return tiles_at_places(s) * (_has(names, "bias") + _has(names, "mean"))


def _words_read(s: Sizes) -> int:
    names = s.call.access.reads
    return s.places * _has(names, "bias") * _bias_pairs(s) + _has(names, "mean") * _mean_pairs(s)


def _writes(s: Sizes) -> int:
    """The same: biases at the last place alone."""
    names = s.call.access.writes
    return number_of_tiles(s) * _has(names, "bias") + tiles_at_places(s) * _has(names, "mean")


def _words_written(s: Sizes) -> int:
    names = s.call.access.writes
    return _has(names, "bias") * _bias_pairs(s) + _has(names, "mean") * _mean_pairs(s)


def _words_alone(s: Sizes) -> int:
    """Of the loss; and of means, that two places share: in front and behind."""
    if "loss" in s.call.access.reads:
        return number_of_tiles(s)
    if s.of_place % 2 == 0:
        return 0
    behind = sum((s.places if rows % 2 else s.places - 1) // 2 for rows in tiles(s))
    return number_of_tiles(s) * _odd_places(s) + behind


def _learns(s: Sizes) -> bool:
    """Whether an output layer's deltas are wanted as well as its logits."""
    return "result" in s.call.access.writes


def _port(number: int) -> TileCount:
    """So many for each example that a port brings in a cycle."""
    return lambda t: number * t["kPortBytes"]


COSTS = Costs(
    loops=(
        _loop("load_numbers", _reads, _words_read, reads={"bias": WORD}),
        _over_sums("find_means", (Pass.HIDDEN,), depth=TREE),
        _over_sums("open_gates", (Pass.BACKWARD,), depth=TREE, reads={"gate": WORD}),
        _over_sums(
            "write_hidden", (*_ACTIVATES, Pass.BACKWARD), depth=GENERATOR, writes={"result": WORD}
        ),
        _over_sums(
            "load_row",
            _OUTPUT,
            lambda s: number_of_tiles(s) * s.batch // s.tile["kPortBytes"],
            reads={"labels": WORD},
        ),
        _over_sums("find_outputs", _LOGITS, elements, units, depth=TREE),
        # Logits, two in a word, and deltas.
        _over_sums(
            "store_row",
            _LOGITS,
            lambda s: s.elements // 2 + _learns(s) * _port_words(s),
            lambda s: s.units * (1 + _learns(s)),
            writes={"logits": WORD},
        ),
        _over_sums("write_moved", (Pass.PERTURB,), reads={"gate": WORD}, writes={"result": WORD}),
        _over_sums("step_biases", (*_OUTPUT, Pass.BACKWARD), lambda s: s.of_place, number_of_tiles),
        _loop("store_numbers", _writes, _words_written, writes={"bias": WORD}),
    ),
    accesses=(
        _access("source[0]", 0, _words_alone, "loss", 8, passes=(*_OUTPUT, Pass.HIDDEN)),
        _access("result[0]", 0, number_of_tiles, "loss", 8, True, passes=_OUTPUT),
    ),
    parts=tuple(
        Part(_KERNELS, f"finish: {name}", piece, count)
        for name, piece, count in (
            ("means", "add32", _port(2)),  # of 64 bits
            ("gates", "gate", _port(1)),
            ("sums of what passes", "add32", _port(1)),
            ("and over places", "add32", lambda t: 2),  # of 64 bits
            ("less the means, and biases", "add32", _port(2)),
            ("rounding", "rounding", _port(1)),
            ("saturation", "saturate", _port(1)),
            ("logits", "logit", one),  # of one sample a cycle
            ("hinge", "hinge", one),
            ("adversarial inputs", "perturbed", _port(1)),
            ("random generator", "threefry", one),
            ("biases", "logit", lambda t: 2),
        )
    ),
    arrays=(
        _array("using UnitNumbers = std::int32_t[kRows / 2][2];", lambda t: 2, copies=2),
        _array("using Totals = std::int64_t[kRows / 2][2];", lambda t: 2),
        _array("Word labels[kBatchWords];"),
        _array("Word logits[kMaxPairs];"),
        _array("Word deltas[kBatchWords];"),
    ),
)
