# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""perturb.hpp: the adversarial inputs of a unit over the batch."""

from __future__ import annotations

from ....contract.calls import Pass
from ..rows import Costs
from ..sizes import BYTE
from .finish_unit import over_batch

COSTS = Costs(
    loops=(
        over_batch(
            "perturb.hpp",
            "perturb",
            passes=(Pass.PERTURB,),
            reads={"gate": BYTE},
            writes={"result": BYTE},
        ),
    )
)
