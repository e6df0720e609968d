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


def _has_mnist() -> bool:
    data = os.environ.get("FEWMULT_DATA")
    return data is not None and any(Path(data, "mnist").glob("train-images*"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _has_mnist():
        return
    skip = pytest.mark.skip(reason="needs the MNIST files in $FEWMULT_DATA/mnist")
    for item in items:
        if item.get_closest_marker("mnist"):
            item.add_marker(skip)
