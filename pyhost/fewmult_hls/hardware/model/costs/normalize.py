# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""normalize.hpp: what stands behind a product, for one unit over the batch."""

from __future__ import annotations

from functools import partial

from ....contract.calls import Pass
from ..rows import TREE, Costs, KernelArray
from ..sizes import BYTE, INT
from .finish_unit import ACTIVATES, KERNELS, LOGITS, over_batch

_FILE = "normalize.hpp"
_loop = partial(over_batch, _FILE)
_BACKWARD = (Pass.BACKWARD,)

COSTS = Costs(
    loops=(
        _loop("batch_mean", passes=(Pass.HIDDEN,), depth=TREE),
        _loop("normalize_forward", passes=ACTIVATES, writes={"result": BYTE}),
        _loop("normalize_output", passes=LOGITS, writes={"logits": INT}),
        _loop("normalize_backward", passes=_BACKWARD, depth=TREE, reads={"gate": BYTE}),
        _loop("normalize_backward", number=1, passes=_BACKWARD, writes={"result": BYTE}),
    ),
    arrays=tuple(
        KernelArray(_FILE, KERNELS, declaration, lambda t: 8)
        for declaration in ("std::int32_t open[kMaxBatch];", "std::uint8_t bytes[kMaxBatch];")
    ),
)
