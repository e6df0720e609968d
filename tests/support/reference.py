# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a device of pynq is compared with."""

from __future__ import annotations

from fewmult_hls.backends import open_backend
from fewmult_hls.backends.emu import has_kernels
from fewmult_hls.contract.backend import Backend


def reference() -> Backend:
    """The compiled kernels; where nothing is compiled, as on a board, the oracle."""
    return open_backend("emu" if has_kernels() else "numpy")
