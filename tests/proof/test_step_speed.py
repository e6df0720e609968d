# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What ``bench --net`` says of a step."""

from __future__ import annotations

import json

import pytest

from command import assert_one_line
from fewmult_hls.cli.commands import run
from fewmult_hls.layers.augmentation import Augmentation
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.proof.step_speed import BACKWARD, FORWARD, GRADIENT, REST, measure_step

NET = "3x12x6-4C3p-4C3p-P2-20-20-10"
SPEC = NetworkSpec.parse(NET, batch=16)
# Weights times places, layer by layer.
PRODUCTS = [27 * 4 * 72, 36 * 4 * 72, 72 * 20, 20 * 20, 20 * 10]


def test_parts_of_a_step_are_all_of_its_calls() -> None:
    found = measure_step(SPEC, [1, 2], 3, Augmentation(flip=True))
    assert [step.threads for step in found.steps] == [1, 2]
    for step in found.steps:
        parts = {p: found.together(step.threads, p) for p in (FORWARD, BACKWARD, GRADIENT, REST)}
        assert parts[FORWARD].operations == parts[GRADIENT].operations == 16 * sum(PRODUCTS)
        assert parts[BACKWARD].operations == 16 * sum(PRODUCTS[1:])  # nothing in front of layer 0
        assert parts[REST].operations == 0
        for k, whole in enumerate(step.seconds):
            assert 0 < sum(part.seconds[k] for part in parts.values()) < whole
        names = {(call.name, call.part): call.calls for call in found.of_threads(step.threads)}
        assert names["27 x 4 at 72 places", FORWARD] == names["20 x 20", BACKWARD] == 1
        assert [names[kind, REST] for kind in ("load batch", "augment batch", "pool")] == [1, 1, 2]
    assert len({len(call.seconds) for call in found.calls} | {3}) == 1


def test_memory_of_a_step() -> None:
    """Deltas of every second layer lie in one memory; weights in words of 64."""
    memory = measure_step(SPEC, [1], 1, Augmentation()).memory
    assert memory.activations == 16 * (216 + 288 + 288 + 72 + 20 + 20)
    weights = 64 * (4 + 4 + 2 * 20 + 20 + 10)
    assert memory.weights == 2 * weights + 4 * 58 + 3
    deltas = 16 * (288 + 288)  # of layers 0, 2, 4 and of 1, 3, 5
    means, packed = 4 * (288 + 288 + 20 + 20), 2 * weights // 8
    logits, labels, loss = 16 * 10 * 4, 16, 4
    wanted = memory.activations + memory.weights + deltas + means + packed
    assert memory.arrays == wanted + logits + labels + loss


def test_bench_prints_a_step_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "--net", NET, "--batch", "16", "--crop", "2", "--rounds", "1"]
    assert run([*command, "--threads", "1"]) == 0
    out = capsys.readouterr().out
    for text in ("36 x 4 at 72 places", "augment batch", "together", "a step:", "at its peak"):
        assert text in out
    assert max(map(len, out.splitlines())) <= 100
    assert run([*command, "--threads", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [step["threads"] for step in report["steps"]] == [1, 2]
    assert all(call["ms"] > 0 for step in report["steps"] for call in step["calls"])
    assert report["memory"]["arrays"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--net", "3x4x4-4C5-10"], "layer 1, 4C5: a window of 5x5 does not fit"),
        (["--net", "64-10", "--flip"], "--flip moves images, and a net that begins with 64"),
        (["--flip"], "--flip belongs to --net"),
        (["--preset", "nobody"], "there is no preset 'nobody'"),
    ],
)
def test_what_cannot_be_timed(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bench", *options]) == 2
    assert_one_line(capsys.readouterr().err, message)
