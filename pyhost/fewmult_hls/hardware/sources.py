# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the C++ sources of kernels and testbenches are: in the package, or in its checkout."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import FewmultError

_PACKAGE = Path(__file__).resolve().parents[1]


def source_root() -> Path:
    """The folder that holds ``kernels/`` and ``testbench/``.

    Raises:
        FewmultError: this installation has none, as on a board.
    """
    for root in (_PACKAGE / "sources", _PACKAGE.parents[1]):
        if (root / "kernels" / "tops.hpp").is_file():
            return root
    raise FewmultError(
        "the kernels' sources are not in this installation: "
        "use the wheel that is built with them, or a checkout"
    )


def tile_constants() -> dict[str, int]:
    """The sizes of the fabric's array of processing elements, by their names in C++."""
    text = (source_root() / "kernels" / "fabric_tile.hpp").read_text(encoding="utf-8")
    found = re.findall(r"static constexpr int (k\w+) = (\d+);", text)
    return {name: int(value) for name, value in found}
