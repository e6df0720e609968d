# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""normalize_top.cpp: the sums of a unit come from memory."""

from __future__ import annotations

from ..rows import Costs, KernelArray, Loop
from ..sizes import INT, elements, units

_FILE, _KERNELS = "normalize_top.cpp", ("normalize",)

COSTS = Costs(
    loops=(Loop(_FILE, _KERNELS, "normalize_top", units, elements, reads={"z": INT}),),
    arrays=(KernelArray(_FILE, _KERNELS, "std::int32_t sums[kMaxBatch];", lambda t: 8),),
)
