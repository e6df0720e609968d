# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of layers: their words, and that nobody else knows them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewmult_hls
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.backend import Backend, check_kernels
from fewmult_hls.contract.calls import Access, BinaryMatmul, HostCall
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.contract.stages import Stage
from fewmult_hls.layers.base import Image
from fewmult_hls.layers.kinds import KINDS, Plan
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.system.errors import UsageError

PACKAGE = Path(fewmult_hls.__file__).parent
BACKENDS = pytest.mark.parametrize(
    "backend", [EmuBackend(2), OracleBackend()], ids=["emu", "numpy"]
)


def files_that_import(module: str) -> set[str]:
    """Files of the package outside of layers/ that import ``layers.module``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = node.module if isinstance(node, ast.ImportFrom) else None
            if named in (f"layers.{module}", module) and path.parent.name != "layers":
                found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_nobody_else_knows_which_kinds_there_are() -> None:
    files = {Path(kind.__module__.replace(".", "/")).name for kind in KINDS}
    assert "dense" in files
    assert {name: files_that_import(name) for name in files} == {name: set() for name in files}


def test_a_text_is_written_in_one_way() -> None:
    assert Plan.read("064-007-10").name == "64-7-10"
    assert NetworkSpec("064-10") == NetworkSpec("64-10")
    assert Plan.read("64-7-10").source == Image(64)


@pytest.mark.parametrize("text", ["64-x", "x-10", "64-10-", "-10", "64 -10", "64-P", "3x-10"])
def test_what_is_no_net(text: str) -> None:
    with pytest.raises(UsageError, match="is not widths joined by dashes"):
        Plan.read(text)


@dataclass(frozen=True, kw_only=True, eq=False)
class Negate(HostCall):
    """Changes signs: work of the host between kernels."""

    kernel = "negate"
    stage = Stage.FORWARD
    access = Access(("z", "source"), ("source",))

    z: Any = None
    source: Any = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": self.z.shape, "source": self.source.shape}

    def execute(self, enter: Any = None) -> None:
        self.source[...] = np.clip(-self.z, -127, 127)


@BACKENDS
def test_the_host_works_between_kernels(backend: Backend) -> None:
    random = np.random.default_rng(1)
    sample = random.integers(-1, 2, (20, 20))
    sign, mask = (words[None] for words in pack_ternary(sample))
    source = random.integers(-3, 4, (20, 16)).astype(np.int8)
    z, first = np.zeros((20, 16), np.int32), source.astype(np.int64)
    product = BinaryMatmul(
        source=source, sign=sign, mask=mask, z=z, transposed=False, inputs=20, outputs=20,
        log2_batch=4,
    )  # fmt: skip
    turn = Negate(z=z, source=source)
    backend.prepare([product, turn, product]).run(7)
    assert np.array_equal(z, sample @ np.clip(-(sample @ first), -127, 127))
    backend.run(turn)
    assert np.array_equal(source, np.clip(-z, -127, 127))


@BACKENDS
def test_a_backend_without_a_kernel_says_so(backend: Backend) -> None:
    class Unknown(BinaryMatmul):
        kernel = "unheard_of"

    product = Unknown(transposed=False, inputs=20, outputs=20, log2_batch=4)
    check_kernels(backend, [Negate()])
    with pytest.raises(UsageError, match=r"has no kernel unheard_of.*take --backend numpy"):
        check_kernels(backend, [Negate(), product])
