# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The formulas of docs/operations.md against executed steps: equal, stage by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from effort import calls_of, deep_net
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.method_names import METHODS
from fewmult_hls.contract.stages import Stage
from fewmult_hls.counting.executed import Ledger, count_stages, tally
from fewmult_hls.counting.formulas import Tally, our_batch, our_step, paper_step, total
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer
from fewmult_hls.proof.speed import random_split
from paper_step import PaperStep

MNIST = Plan.read("784-1024-1024-1024-10")


@pytest.mark.parametrize(
    ("method", "batch_norm", "multiplications", "printed"),
    [
        ("float", False, 1_747_974_000, "1.7480e+09"),
        ("float", True, 1_753_549_338, "1.7535e+09"),
        ("binary-qbp", False, 1_849_200, "1.8492e+06"),
        ("binary-qbp", True, 7_424_538, "7.4245e+06"),
        ("ternary-qbp", False, 1_849_200, "1.8492e+06"),
        ("ternary-qbp", True, 7_424_538, "7.4245e+06"),
    ],
)
def test_the_paper_s_own_numbers_come_out(
    method: str, batch_norm: bool, multiplications: int, printed: str
) -> None:
    step = total(paper_step(MNIST, 200, method, batch_norm).values())
    assert step.multiplications == multiplications
    assert f"{step.multiplications:.4e}" == printed


def test_the_paper_s_convolutional_net() -> None:
    """The terms of a dense net, 3 B W + 12 B U + 9 C, with its own W, U and C."""
    applied = [3456 * 900, 147456 * 784, 131072 * 169, 262144 * 144, 524288 * 25, 1048576 * 16]
    products = sum(applied) + 2048 * 1024 + 1024 * 1024 + 10240
    units = 128 * (900 + 196) + 256 * (169 + 36) + 512 * (25 + 4) + 2058
    channels = 2 * (128 + 256 + 512) + 2058
    plan = Plan.read(
        "3x32x32-128C3-128C3-P2-256C2-256C2-P2-512C2-512C2-P2-1024-1024-10",
    )
    exact, ternary = (
        total(paper_step(plan, 100, method, True).values()).multiplications
        for method in ("float", "ternary-qbp")
    )
    assert exact == 300 * products + 1200 * units + 9 * channels
    assert ternary == 1200 * units + 9 * channels
    assert (f"{exact:.4e}", f"{ternary:.4e}") == ("6.3749e+10", "2.5164e+08")  # the page has them


def in_the_paper_s_terms(tally_: Tally) -> tuple[int, int, int]:
    return tally_.multiplications, tally_.additions, tally_.shifts


@pytest.mark.parametrize("widths", [(7, 3), (12, 9, 5), (70, 16, 33, 10)])
@pytest.mark.parametrize("batch", [1, 20])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_paper_s_formulas_count_an_executed_step(
    widths: tuple[int, ...], batch: int, method: str, batch_norm: bool
) -> None:
    ledger = Ledger()
    step = PaperStep(widths, batch, method, batch_norm, ledger.enter, ledger.stage)
    step.run()
    nonzeros = [int(np.count_nonzero(sample)) for sample in step.samples]
    formula = paper_step(Plan.read("-".join(map(str, widths))), batch, method, batch_norm, nonzeros)
    for stage in Stage:
        counted = in_the_paper_s_terms(tally(ledger.stages[stage]))
        assert in_the_paper_s_terms(formula[stage]) == counted, stage


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_counted_step_descends_along_the_gradient(batch_norm: bool) -> None:
    def loss() -> float:
        y = step.forward()
        return float((np.maximum(1 - np.where(step.target, y, -y), 0) ** 2).sum() / 2)

    def slope(values: np.ndarray, place: Any, by: float = 1e-5) -> float:
        here = values[place]
        values[place] = here + by
        up = loss()
        values[place] = here - by
        down = loss()
        values[place] = here
        return (up - down) / (2 * by)

    step = PaperStep((6, 5, 4), 8, "float", batch_norm)
    before = [[a.copy() for a in kind] for kind in (step.weights, step.biases, step.gains)]
    step.run()
    after = (step.weights, step.biases, step.gains)
    step.samples, step.biases, step.gains = before
    for old, new in list(zip(before, after, strict=True))[: 2 + batch_norm]:  # gains last
        for array, stepped in zip(old, new, strict=True):
            for place in np.ndindex(array.shape):
                descent = (array[place] - stepped[place]) / step.rate
                assert descent == pytest.approx(slope(array, place), abs=1e-6)


@pytest.mark.parametrize("net", ["64-10", "20-3", "150-70-33-10"])
@pytest.mark.parametrize("kind", ["ternary", "binary"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("batch", "rate"), [(16, 3), (64, -8), (256, 8)])
def test_our_formulas_count_an_executed_step(
    net: str, kind: Any, bits: int, batch: int, rate: int
) -> None:
    spec = NetworkSpec.parse(net, weights=kind, master_bits=bits, batch=batch)
    network = Network.initial(spec, 1)
    memory = Trainer(OracleBackend(), network, seed=1)._memory
    masks = [memory.array(f"mask_{k}") for k in range(len(spec.layers))]
    nonzeros = [sum(int(word).bit_count() for word in mask.ravel()) for mask in masks]
    split = random_split(batch, spec.widths[0], spec.widths[-1])
    counted = count_stages(network, split, seed=1, rate=rate)
    formula = our_step(spec, rate, nonzeros)
    for stage in Stage:
        assert formula[stage] == tally(counted[stage]), stage
    assert total(formula.values()).multiplications == 0


def test_without_a_sample_the_fabric_s_additions_count() -> None:
    spec = NetworkSpec.parse("64-30-10", batch=16)
    full = [64 * 30, 30 * 10]
    assert our_step(spec, 2) == our_step(spec, 2, full)
    assert our_step(spec, 2)[Stage.FORWARD] == Tally(additions=(64 * 30 + 300 + 30 + 10) * 16)
    half = our_step(spec, 2, [n // 2 for n in full])
    assert half[Stage.FORWARD].additions < our_step(spec, 2)[Stage.FORWARD].additions


def test_our_batch_is_a_power_of_two_not_smaller_than_the_paper_s() -> None:
    assert [our_batch(n) for n in (1, 16, 17, 128, 200, 256, 1000)] == [
        16, 16, 32, 128, 256, 256, 256,
    ]  # fmt: skip


def test_the_work_of_counting_grows_with_the_layers_and_stays_small() -> None:
    def count(layers: int) -> None:
        spec = NetworkSpec.parse(deep_net(layers))
        our_step(spec, 2)
        for method in METHODS:
            paper_step(spec.plan, 200, method, True)

    short, long = (calls_of(lambda layers=layers: count(layers)) for layers in (100, 400))
    assert long < 4.5 * short
    assert long < 400 * 2000
