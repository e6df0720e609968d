# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""binary_matmul_top.cpp: the sums of a product go to memory."""

from __future__ import annotations

from ..rows import Costs, Loop
from ..sizes import INT, elements, units

COSTS = Costs(
    loops=(
        Loop(
            "binary_matmul_top.cpp",
            ("binary_matmul",),
            "write_sums",
            units,
            elements,
            writes={"z": INT},
        ),
    )
)
