# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What each source of the kernels costs: a module for each, which has its name.

A module has ``COSTS``, of its header's or its top's loops, accesses, arithmetic and arrays, or,
where these depend on who includes it, functions for those who do. It is found by its name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ...source.reading import kernel_sources
from ..rows import Costs


@cache
def all_costs() -> Costs:
    """The costs of all sources, each after those that it includes."""
    there = {module.name for module in iter_modules(__path__)}
    names = (name.partition(".")[0] for name in kernel_sources().order)
    modules = [import_module(f"{__name__}.{name}") for name in names if name in there]
    found = [module.COSTS for module in modules if hasattr(module, "COSTS")]
    return Costs(
        tuple(loop for costs in found for loop in costs.loops),
        tuple(access for costs in found for access in costs.accesses),
        tuple(part for costs in found for part in costs.parts),
        tuple(array for costs in found for array in costs.arrays),
    )
