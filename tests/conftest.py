# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import gc
import os
import sys
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
