# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fabric_finish.hpp: what stands behind a product, for all units of a tile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ....contract.calls import Layer, Pass
from ..rows import GENERATOR, TREE, Access, Costs, KernelArray, Loop, Passes, one
from ..sizes import BYTE, INT, WORD, Count, Sizes, elements, units
from .fabric_product import number_of_tiles
from .finish_unit import ACTIVATES, LOGITS, finish_parts

_FILE, _KERNELS = "fabric_finish.hpp", ("layer",)
_loop = partial(Loop, _FILE, _KERNELS)
_access = partial(Access, _FILE, _KERNELS)
_array = partial(KernelArray, _FILE, _KERNELS)
_OUTPUT = (Pass.OUTPUT,)


def _port_words(s: Sizes) -> int:
    return s.elements // s.tile["kPortBytes"]


def _over_sums(function: str, passes: Passes, trips: Count = _port_words, **more: Any) -> Loop:
    """A loop over all sums of a tile."""
    return _loop(function, number_of_tiles, trips, passes=passes, **more)


def _over_units(function: str, arrays: Callable[[Layer], int], **moved: Any) -> Loop:
    """A loop over a tile's units, for each of some arrays with a number of every unit."""
    return _loop(
        function,
        lambda s: arrays(s.layer) * number_of_tiles(s),
        lambda s: arrays(s.layer) * s.units,
        **moved,
    )


def _read(call: Layer) -> int:
    """How many of a unit's numbers, bias and mean, a pass reads."""
    return len({"bias", "mean"} & {*call.access.reads})


def _written(call: Layer) -> int:
    """How many of a unit's numbers a pass writes."""
    return len({"bias", "mean"} & {*call.access.writes})


COSTS = Costs(
    loops=(
        _over_units("load_numbers", _read, reads={"bias": INT}),
        _over_sums("find_means", (Pass.HIDDEN,), depth=TREE),
        _over_sums("open_gates", (Pass.BACKWARD,), depth=TREE, reads={"gate": WORD}),
        _over_sums(
            "write_hidden", (*ACTIVATES, Pass.BACKWARD), depth=GENERATOR, writes={"result": WORD}
        ),
        _over_sums("write_logits", LOGITS, elements, depth=TREE, writes={"logits": INT}),
        _over_sums(
            "write_hinge", _OUTPUT, lambda s: number_of_tiles(s) * s.batch, reads={"labels": BYTE}
        ),
        _over_sums("write_hinge", _OUTPUT, elements, number=1, depth=TREE, writes={"result": BYTE}),
        _over_sums("write_moved", (Pass.PERTURB,), reads={"gate": WORD}, writes={"result": WORD}),
        _over_sums("step_biases", (*_OUTPUT, Pass.BACKWARD), units),
        _over_units("store_numbers", _written, writes={"bias": INT}),
    ),
    accesses=(
        _access("*call.loss", 0, number_of_tiles, "loss", 4, passes=_OUTPUT),
        _access("*call.loss", 0, number_of_tiles, "loss", 4, True, passes=_OUTPUT),
    ),
    parts=finish_parts(_KERNELS, lambda t: t["kPortBytes"], one, 1),
    arrays=(
        _array("std::int32_t of[kRows];", copies=3),
        _array("std::uint8_t label[kMaxBatch];"),
    ),
)
