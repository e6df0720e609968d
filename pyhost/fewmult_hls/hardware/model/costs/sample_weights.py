# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""sample_weights.hpp: the first sample of a layer's weights."""

from __future__ import annotations

from functools import partial

from ..rows import GENERATOR, Access, Costs, Loop, Part, one
from ..sizes import four_weights

_FILE, _KERNELS = "sample_weights.hpp", ("sample_weights",)
_part = partial(Part, _KERNELS)

COSTS = Costs(
    loops=(
        Loop(
            _FILE,
            _KERNELS,
            "draw_word",
            lambda s: s.packed,
            lambda s: s.packed * s.tile["kQuads"],
            depth=GENERATOR,
            reads={"weights": four_weights},
        ),
    ),
    accesses=tuple(
        Access(_FILE, _KERNELS, f"*{array}++", 0, lambda s: s.packed, array, 8, writes=True)
        for array in ("sign", "mask")
    ),
    parts=(
        _part("random generator", "threefry", one),
        _part("samples", "sample", lambda t: 4),
    ),
)
