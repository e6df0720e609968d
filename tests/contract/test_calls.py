# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Records of calls, in Python and in C++, against the kernels' tops."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from fewmult_hls.contract.calls import CALLS, EPILOGUES, Layer, Normalize, Pass, Pool
from fewmult_hls.hardware.source.interfaces import Argument
from fewmult_hls.hardware.source.reading import kernel_names, kernel_sources, load_interface
from kernel_calls import of_sizes

KERNELS = pytest.mark.parametrize("kernel", kernel_names())


def recorded(argument: Argument) -> str:
    """A call's name of an argument: weights are updated in place."""
    return "weights" if argument.name == "updated" else argument.name


def arguments(kernel: str) -> list[Argument]:
    return [a for a in load_interface(kernel).arguments if a.kind != "status"]


def test_every_kernel_has_a_record() -> None:
    assert sorted(CALLS) == kernel_names()


@KERNELS
def test_a_record_has_the_arguments_of_its_top(kernel: str) -> None:
    names = [recorded(argument) for argument in arguments(kernel)]
    record = [field.name.rstrip("_") for field in fields(CALLS[kernel])]  # type: ignore[arg-type]
    assert record == list(dict.fromkeys(names))


@KERNELS
def test_the_record_in_cpp_is_the_top_s_signature(kernel: str) -> None:
    sources = kernel_sources()
    found = sources.structs[CALLS[kernel].__name__]
    *wanted, last = sources.tops[kernel].parameters
    assert last.name == "build_id"
    assert found == tuple(wanted)


@KERNELS
def test_arrays_lie_in_the_words_of_the_top(kernel: str) -> None:
    call = of_sizes(kernel, 70, 30, 16, Pass.HIDDEN if "pass_" in _names(kernel) else None)
    for argument in arguments(kernel):
        if argument.kind == "memory":
            assert argument.dtype == "uint64", argument.name
            assert 8 % call.dtype(recorded(argument)).itemsize == 0, argument.name


def _names(kernel: str) -> set[str]:
    return {field.name for field in fields(CALLS[kernel])}  # type: ignore[arg-type]


@KERNELS
def test_what_a_top_may_write_some_call_writes(kernel: str) -> None:
    passes = list(Pass) if "pass_" in _names(kernel) else [None]
    calls = [of_sizes(kernel, 70, 30, 16, pass_) for pass_ in passes]
    calls += [replace(call, back=True) for call in calls if isinstance(call, Pool)]
    written = {name for call in calls for name in call.access.writes}
    memory = [a for a in arguments(kernel) if a.kind == "memory"]
    changing = {recorded(a) for a in memory if not a.is_const}
    assert written == changing
    touched = {name for call in calls for name in call.access.names}
    assert touched == {recorded(a) for a in memory}


def test_every_pass_has_an_epilogue() -> None:
    assert list(EPILOGUES) == list(Pass)
    for pass_, (reads, writes) in EPILOGUES.items():
        assert ("bias" in reads) == (pass_ is not Pass.PERTURB)
        assert ("result" in writes) == (pass_ is not Pass.LOGITS)


@pytest.mark.parametrize("pass_", Pass)
def test_a_layer_is_its_two_parts(pass_: Pass) -> None:
    layer = of_sizes("layer", 70, 30, 16, pass_, planes=1 if pass_.sends_back else 3)
    assert isinstance(layer, Layer)
    product, behind = layer.parts()
    assert product.transposed == pass_.sends_back
    assert (product.units, product.terms) == (layer.units, layer.terms)
    assert isinstance(behind, Normalize)
    assert {*product.access.names, *behind.access.names} == {*layer.access.names, "z"}


def test_a_later_step_has_other_draws_and_wraps() -> None:
    call: Any = of_sizes("shift_gradient", 70, 30, 16)
    assert call.at(5).step == 5
    assert call.at(2**32 - 1).at(3).step == 2
    product = of_sizes("binary_matmul", 70, 30, 16)
    assert product.at(7) is product


def wrong(call: Any, **changes: Any) -> Any:
    arrays = {name: np.zeros(shape, call.dtype(name)) for name, shape in call.shapes().items()}
    return call.with_arrays({**arrays, **changes})


def test_arrays_that_are_not_what_they_should_be() -> None:
    call = of_sizes("layer", 70, 30, 16, Pass.BACKWARD)
    wrong(call).check()
    wrong(call, mean=None, labels=None).check()  # which this pass does not touch
    with pytest.raises(TypeError, match="this call needs the array gate"):
        wrong(call, gate=None).check()
    with pytest.raises(TypeError, match="bias must be int32, not int64"):
        wrong(call, bias=np.zeros(70, np.int64)).check()
    with pytest.raises(ValueError, match=r"result must have shape \(70, 16\), not \(30, 16\)"):
        wrong(call, result=np.zeros((30, 16), np.int8)).check()
