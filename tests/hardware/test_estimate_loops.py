# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The estimate's table of loops against the kernels: every loop is in it, and counts as it says."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, replace

import pytest

from fewmult_hls.contract.calls import Call, Pass, Pool
from fewmult_hls.contract.window import Window
from fewmult_hls.hardware.model.costs import all_costs
from fewmult_hls.hardware.model.sizes import sizes_of
from fewmult_hls.hardware.source.constants import constants
from fewmult_hls.hardware.source.reading import kernel_names, kernel_sources, source_root
from kernel_calls import log2, of_sizes
from loop_counts import CountedKernels

COSTS = all_costs()

# Inputs, outputs, batch: single, whole words, more than a tile, a group and a block of rows.
SHAPES = [(1, 1, 16), (64, 64, 32), (70, 300, 16), (530, 70, 64), (300, 17, 128), (130, 33, 256)]


def calls(kernel: str) -> list[Call]:
    """A call of every kind for every shape."""
    found = with_windows(kernel) if kernel in ("layer", "shift_gradient") else []
    for inputs, outputs, batch in SHAPES:
        if kernel in ("layer", "normalize"):
            found += [of_sizes(kernel, inputs, outputs, batch, pass_) for pass_ in Pass]
        if kernel == "layer":
            found += [
                of_sizes(kernel, inputs, outputs, batch, pass_, planes=7)
                for pass_ in (Pass.HIDDEN, Pass.HIDDEN_MEAN, Pass.LOGITS)
            ]
        if kernel == "binary_matmul":
            found += [of_sizes(kernel, inputs, outputs, batch, transposed=t) for t in (False, True)]
            found.append(of_sizes(kernel, inputs, outputs, batch, planes=7))
        if kernel == "pool":
            found += pools(outputs, batch)
        if kernel in ("sample_weights", "shift_gradient"):
            sizes = (inputs, outputs, batch)
            found += [of_sizes(kernel, *sizes, master_bits=bits) for bits in (8, 16)]
    return found


def at_places() -> list[Window]:
    """Windows on images: padded, with a stride, on whole rows, of runs that blocks cut."""
    return [
        Window(3, 5, 4, 3, 3, 1, True),
        Window(20, 4, 5, 3, 3, 2, True),
        Window(70, 3, 4, 2, 2, 1, False),
        Window(7, 5, 6, 3, 3, 2, False),
        Window(33, 3, 3, 3, 3, 1, False),
        Window(9, 4, 3, 2, 3, 1, False),
        Window(1, 6, 6, 5, 5, 1, True),
    ]


def with_windows(kernel: str) -> list[Call]:
    """The calls of a layer at places."""
    found: list[Call] = []
    passes = [Pass.HIDDEN, Pass.HIDDEN_MEAN, Pass.BACKWARD, Pass.PERTURB]
    for window in at_places():
        for outputs, batch in ((5, 16), (70, 32), (131, 64)):
            for pass_ in passes if kernel == "layer" else [None]:
                call = of_sizes(kernel, window.fan_in, outputs, batch, pass_)
                found.append(replace(call, **asdict(window)))  # type: ignore[type-var]
    if kernel == "shift_gradient":
        whole = of_sizes(kernel, 530, 131, 64)
        found += [replace(call, signed_inputs=True) for call in [*found, whole]]  # type: ignore[type-var]
    return found


def pools(channels: int, batch: int) -> list[Call]:
    """Both directions over images that windows cover, and that they do not; arrays fit theirs."""
    images = [(2, 2, 2), (4, 6, 2), (5, 3, 2), (3, 4, 3)]
    return [
        Pool(back=back, channels=channels, rows=r, columns=c, size=size, log2_batch=log2(batch))
        for back in (False, True)
        for r, c, size in images
    ]


@pytest.fixture(scope="session")
def counted(tmp_path_factory: pytest.TempPathFactory) -> CountedKernels:
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    return CountedKernels(tmp_path_factory.mktemp("counted") / "copy", COSTS.accesses)


def test_every_pipelined_loop_is_in_the_table_once() -> None:
    keys = [(kernel, loop.key) for loop in COSTS.loops for kernel in loop.kernels]
    assert len(set(keys)) == len(keys)
    assert {key for _, key in keys} == set(kernel_sources().pipelined)


def test_every_pragma_belongs_to_a_loop_that_was_found() -> None:
    folder = source_root() / "kernels"
    asked = sum(
        len(re.findall("#pragma HLS PIPELINE", path.read_text()))
        for path in folder.glob("*.[ch]pp")
    )
    assert asked == len(kernel_sources().pipelined)


def test_constants_are_those_of_the_sources() -> None:
    found = constants()
    assert (found["kLanes"], found["kInputs"]) == (32, 16)
    assert (found["kMaxBatch"], found["kMaxColumns"]) == (256, 1024)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernel_names())
def test_table_counts_as_the_kernels_do(counted: CountedKernels, kernel: str) -> None:
    for call in calls(kernel):
        sizes = sizes_of(call)
        loops, accesses = counted.run(call)
        rows = {loop.key: loop for loop in COSTS.loops if loop.when(call)}
        for key, real in loops.items():
            expected = (rows[key].entries(sizes), rows[key].trips(sizes)) if key in rows else (0, 0)
            # A loop that never turns may be entered: it costs nothing here.
            assert expected == real or (expected == (0, 0) and real[1] == 0), (key, call)
        for access in COSTS.accesses:
            expected_count = access.count(sizes) if access.when(call) else 0
            place = (access.file, access.text, access.number)
            assert accesses[place] == expected_count, (place, call)


def test_accesses_of_one_unit_are_all_in_the_table() -> None:
    known = {(access.file, access.text, access.number) for access in COSTS.accesses}
    pattern = r"call\.\w+\[unit\]|\*call\.loss|\*(?:sign|mask)\+\+"
    for path in (source_root() / "kernels").glob("*.hpp"):
        found: dict[str, int] = {}
        for text in re.findall(pattern, path.read_text()):
            number = found.get(text, 0)
            found[text] = number + 1
            assert (path.name, text, number) in known
