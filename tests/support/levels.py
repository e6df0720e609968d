# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Every instruction set level that this machine has, and threads, for tests of the kernels."""

import pytest

from fewmult_hls._kernels import levels
from fewmult_hls.backends.emu import EmuBackend

# Three threads: shares of unequal size, and one that an odd number of rows leaves empty.
SETTINGS = [*((level, 1) for level in levels()), ("portable", 3), (levels()[-1], 3)]
NAMES = [f"{level}-{threads}" for level, threads in SETTINGS]
EMU = EmuBackend()


@pytest.fixture(scope="module", autouse=True, params=SETTINGS, ids=NAMES)
def emu_setting(request: pytest.FixtureRequest) -> None:
    """Runs every test of a module that imports it with EMU at each setting."""
    level, threads = request.param
    EMU.__init__(threads, level)  # type: ignore[misc]
