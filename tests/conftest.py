# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine and in every run; slow ones are no reason to fail.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture(autouse=sys.maxsize < 2**32)
def collected() -> Iterator[None]:
    """Nothing of an emulated board stays behind: 32 bits of addresses hold few of them."""
    yield
    gc.collect()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    began = os.environ.get("FEWMULT_TESTS_BEGAN")
    if began is not None:
        minutes, seconds = divmod(round(time.time() - float(began)), 60)
        terminalreporter.write_line(f"make test, with all that it built: {minutes} min {seconds} s")


# Sets that are not ours to give: a marker each, and what there is of it in $FEWMULT_DATA.
_SETS = {"mnist": "train-images*", "cifar10": "cifar-10-*"}


def _is_here(name: str) -> bool:
    data = os.environ.get("FEWMULT_DATA")
    return data is not None and any(Path(data, name).glob(_SETS[name]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for name in _SETS:
        if _is_here(name):
            continue
        skip = pytest.mark.skip(reason=f"needs the files of the set in $FEWMULT_DATA/{name}")
        for item in items:
            if item.get_closest_marker(name):
                item.add_marker(skip)
