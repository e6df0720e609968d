# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fabric_finish.hpp: the epilogue of a product, for all units of a tile."""

from __future__ import annotations

from functools import partial
from typing import Any

from ....contract.calls import Pass
from ..rows import GENERATOR, TREE, Access, Costs, KernelArray, Loop, Part, Passes, TileCount, one
from ..sizes import WORD, Count, Sizes, elements, units
from .fabric_product import number_of_tiles, tiles

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
    entries: Count = number_of_tiles,
    **more: Any,
) -> Loop:
    """A loop over all sums of a tile."""
    return _loop(function, entries, trips, passes=passes, **more)


def _numbers(s: Sizes, names: tuple[str, ...]) -> int:
    """How many arrays with a number of every unit, bias and mean, are among these."""
    return len({"bias", "mean"} & {*names})


def _read(s: Sizes) -> int:
    return _numbers(s, s.call.access.reads)


def _written(s: Sizes) -> int:
    return _numbers(s, s.call.access.writes)


def _over_pairs(function: str, arrays: Count, **moved: Any) -> Loop:
    """A loop over a tile's units, two in a word, for each of some arrays."""
    return _loop(
        function,
        lambda s: arrays(s) * number_of_tiles(s),
        lambda s: arrays(s) * sum(-(-rows // 2) for rows in tiles(s)),
        **moved,
    )


def _learns(s: Sizes) -> bool:
    """Whether an output layer's deltas are wanted as well as its logits."""
    return "result" in s.call.access.writes


def _port(number: int) -> TileCount:
    """So many for each example that a port brings in a cycle."""
    return lambda t: number * t["kPortBytes"]


COSTS = Costs(
    loops=(
        _over_pairs("load_numbers", _read, reads={"bias": WORD}),
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
        _over_sums("step_biases", (*_OUTPUT, Pass.BACKWARD), units),
        _over_pairs("store_numbers", _written, writes={"bias": WORD}),
    ),
    accesses=(
        _access("source[0]", 0, number_of_tiles, "loss", 8, passes=_OUTPUT),
        _access("result[0]", 0, number_of_tiles, "loss", 8, True, passes=_OUTPUT),
    ),
    parts=tuple(
        Part(_KERNELS, f"finish: {name}", piece, count)
        for name, piece, count in (
            ("means", "add32", _port(2)),  # of 64 bits
            ("gates", "gate", _port(1)),
            ("sums of what passes", "add32", _port(1)),
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
        _array("using UnitNumbers = std::int32_t[kRows / 2][2];", lambda t: 2, copies=3),
        _array("Word labels[kBatchWords];"),
        _array("Word logits[kMaxPairs];"),
        _array("Word deltas[kBatchWords];"),
    ),
)
