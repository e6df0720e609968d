# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from typing import Any

import pytest

from command import assert_one_line, fewmult
from fewmult_hls.contract.method_names import METHODS
from fewmult_hls.contract.stages import Stage


def ops(*options: str) -> str:
    process = fewmult("ops", *options)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout


def report(*options: str) -> dict[str, Any]:
    return json.loads(ops("--json", *options))


def test_by_default_the_paper_s_mnist_net_is_counted_readably() -> None:
    text = ops()
    assert max(map(len, text.splitlines())) <= 80
    assert "the paper, ternary-qbp with batch norm, batch 200\n" in text
    assert "fewmult-hls, ternary weights, batch 256 (its means are shifts" in text
    for number in ("1.7480e9", "1.8492e6", "1.7535e9", "7.4245e6"):
        assert number in text
    rows = [line.split() for line in text.splitlines()]
    assert ["float", "200", "1,747,974,000", "1.7480e9", "1,753,549,338", "1.7535e9"] in rows
    assert ["fewmult-hls", "256", "0", "0"] in rows


@pytest.mark.parametrize("method", METHODS)
def test_json_has_every_stage_and_the_stages_add_up(method: str) -> None:
    found = report("--net", "64-30-10", "--batch", "32", "--method", method)
    assert (found["net"], found["method"], found["batch_norm"]) == ("64-30-10", method, True)
    for side in (found["paper"], found["ours"]):
        assert side["batch"] == 32
        assert list(side["stages"]) == [stage.value for stage in Stage]
        for kind, count in side["all"].items():
            assert count == sum(stage[kind] for stage in side["stages"].values())
    assert found["ours"]["all"]["multiplications"] == 0
    assert found["ours"]["weights"] == ("binary" if method.startswith("binary") else "ternary")
    here = found["multiplications"][method]
    assert found["paper"]["all"]["multiplications"] == here["batch_norm"] > here["no_batch_norm"]


def test_without_batch_norm_the_paper_s_step_has_less() -> None:
    found = report("--no-batch-norm")
    assert found["paper"]["all"]["multiplications"] == 1_849_200
    assert found["multiplications"]["ternary-qbp"]["no_batch_norm"] == 1_849_200


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--net", "784"], ["two widths"]),
        (["--net", "784-x"], ["784-x", "joined by dashes"]),
        (["--net", "784-1000"], ["256 outputs"]),
        (["--batch", "0"], ["--batch", "0"]),
        (["--method", "qbp"], ["--method", "ternary-qbp"]),
    ],
)
def test_bad_options_are_one_line(options: list[str], parts: list[str]) -> None:
    process = fewmult("ops", *options)
    assert process.returncode == 2
    assert process.stdout == ""
    assert_one_line(process.stderr, *parts)
