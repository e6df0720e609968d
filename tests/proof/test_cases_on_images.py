# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Random calls on images: the oracle takes them all, and those of one place are dense ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.backend import executed
from fewmult_hls.contract.calls import Layer, Pass, ShiftGradient
from fewmult_hls.contract.window import Window
from fewmult_hls.proof.cases import CallMaker, random_calls

BACKEND = OracleBackend()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kernel", ["layer", "shift_gradient", "pool"])
def test_the_oracle_takes_random_calls(kernel: str, seed: int) -> None:
    for call in random_calls(kernel, np.random.default_rng(seed)):
        written = executed(BACKEND, call)
        shapes = call.shapes()
        assert {name: array.shape for name, array in written.items()} == {
            name: shapes[name] for name in call.access.writes
        }


def as_dense(call: Any, kind: Any) -> Any:
    """The call without its window."""
    names = {field.name for field in fields(kind)} - {field.name for field in fields(Window)}
    return kind(**{name: getattr(call, name) for name in names})


@pytest.mark.parametrize("pass_", [Pass.HIDDEN, Pass.HIDDEN_MEAN, Pass.BACKWARD, Pass.PERTURB])
@pytest.mark.parametrize("sides", [(1, 1), (3, 2)])
def test_a_window_of_the_whole_image_is_a_dense_pass(pass_: Pass, sides: tuple[int, int]) -> None:
    """But for the bias of what it sends back, which all places of a channel share."""
    make = CallMaker(np.random.default_rng(3))
    window = Window(5, *sides, *sides)
    call = make.layer(pass_, window.fan_in, 9, 16, 3, -1, window=window)
    wanted = as_dense(call, Layer)
    is_shared = pass_ is Pass.BACKWARD and sides != (1, 1)
    if is_shared:
        wanted = wanted.with_arrays({"bias": np.zeros(30, np.int32)})
    found, plain = executed(BACKEND, call), executed(BACKEND, wanted)
    for name in found.keys() - ({"bias"} if is_shared else set()):
        assert np.array_equal(found[name], plain[name]), name


@pytest.mark.parametrize("bits", [8, 16])
def test_a_window_of_the_whole_image_is_a_dense_update(bits: int) -> None:
    make = CallMaker(np.random.default_rng(4))
    call = make.shift_gradient(30, 9, 16, 3, bits, False, window=Window(5, 3, 2, 3, 2))
    found, plain = (executed(BACKEND, c) for c in (call, as_dense(call, ShiftGradient)))
    assert all(np.array_equal(found[name], plain[name]) for name in found)
