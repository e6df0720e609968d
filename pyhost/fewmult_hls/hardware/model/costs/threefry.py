# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""threefry.hpp: random bytes for a unit over the batch."""

from __future__ import annotations

from ....contract.calls import Pass
from ..rows import GENERATOR, Costs, Loop
from ..sizes import units
from .finish_unit import KERNELS

COSTS = Costs(
    loops=(
        Loop(
            "threefry.hpp",
            KERNELS,
            "draw_bytes",
            units,
            lambda s: s.elements // 8,
            depth=GENERATOR,
            passes=(Pass.BACKWARD,),
        ),
    )
)
