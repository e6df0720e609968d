# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""hinge.hpp: the loss of a unit over the batch, and its deltas."""

from __future__ import annotations

from ....contract.calls import Pass
from ..rows import Costs
from ..sizes import BYTE, INT
from .finish_unit import over_batch

COSTS = Costs(
    loops=(
        over_batch(
            "hinge.hpp",
            "hinge",
            passes=(Pass.OUTPUT,),
            reads={"logits": INT, "labels": BYTE},
            writes={"result": BYTE},
        ),
    )
)
