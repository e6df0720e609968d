# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""binary_matmul.hpp: what a product's array is given."""

from __future__ import annotations

from ..rows import Costs, KernelArray
from .fabric_product import KERNELS

# Signs and masks; while one block of both is used the next is filled.
COSTS = Costs(
    arrays=(
        KernelArray(
            "binary_matmul.hpp",
            KERNELS,
            "using Rows = Word[Tile::kPanelWords][Tile::kRows];",
            copies=4,
        ),
    )
)
