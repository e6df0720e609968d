# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""`fewmult-hls estimate`: the model's numbers, its output, and what is reported beside it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from checkout import DOCS
from command import assert_one_line, fewmult
from effort import calls_of, deep_net
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.calls import Call, LoadBatch, Pass
from fewmult_hls.datasets import Split
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.model import area
from fewmult_hls.hardware.model.costs import all_costs
from fewmult_hls.hardware.model.estimate import cost_of, estimate, evaluation_calls
from fewmult_hls.hardware.source.reading import kernel_sources
from fewmult_hls.nets.evaluator import evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer
from kernel_calls import of_sizes
from rtl_area import measure

Z2 = load_board("pynq-z2")
MNIST = NetworkSpec.parse("784-1024-1024-1024-10")
SMALL = ["--net", "64-30-10", "--samples", "1438", "--validation", "180"]
BUILD = {
    "format": 1,
    "board": "pynq-z2",
    "kernels": {
        "layer": {
            "from": "synthesis",
            "lut": 12345,
            "ff": 23456,
            "bram18": 77,
            "dsp": 0,
            "wns_ns": 0.4,
        }
    },
    "routed": {"lut": 34567, "ff": 45678, "bram18": 161, "dsp": 0, "wns_ns": 0.1},
}
PAGE = DOCS / "hardware" / "estimate.md"


class Recorder(OracleBackend):
    """A backend that notes the calls and does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def run(self, call: Call) -> None:
        if not isinstance(call, LoadBatch):
            self.calls.append(call)


def split(images: int) -> Split:
    return Split(np.zeros((images, 70), np.uint8), np.zeros(images, np.uint8))


def sizes(call: Call) -> tuple[str, list[int | None]]:
    """What decides a call's cost: calls of one size are priced once."""
    names = ("pass", "inputs", "outputs", "log2_batch", "planes", "master_bits")
    return call.kernel, [call.numbers().get(name) for name in names]


@pytest.mark.parametrize("net", ["70-40-30-10", "7x5x2-6C2-10", "2x7x5-4C3p-P2-9C2s2-10"])
@pytest.mark.parametrize(("perturb", "bits"), [(False, 8), (True, 16)])
def test_calls_of_a_step_are_the_trainer_s(perturb: bool, bits: int, net: str) -> None:
    spec = NetworkSpec(net, master_bits=bits, batch=16)
    backend = Recorder()
    trainer = Trainer(backend, Network.initial(spec, 1), 1, perturbation=int(perturb))
    priced = estimate(spec, Z2, 16, 0, perturb)
    assert [sizes(cost.call) for cost in priced.sampling] == list(map(sizes, backend.calls))
    backend.calls.clear()
    trainer.step(split(16), np.arange(16), rate=2)
    assert [sizes(cost.call) for _, cost in priced.step] == list(map(sizes, backend.calls))


def test_calls_of_a_validation_are_the_evaluator_s() -> None:
    spec = NetworkSpec("70-40-30-10", batch=16)
    backend = Recorder()
    judge, _ = evaluator(backend, Network.initial(spec, 1), "ternary", split(100).images)
    judge.error(split(50))
    expected = [
        call
        for times, call in evaluation_calls(spec, examples=100, images=50)
        for _ in range(times)
    ]
    assert sorted(map(str, map(sizes, backend.calls))) == sorted(map(str, map(sizes, expected)))


def run(*options: str) -> str:
    process = fewmult("estimate", *options)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout


def test_first_line_says_that_it_is_a_model() -> None:
    text = run()
    lines = text.splitlines()
    assert lines[0].startswith("A model, not a measurement")
    assert max(map(len, lines)) <= 100
    assert "784-1024-1024-1024-10, batch 128, ternary-qbp, 16-bit masters, perturb 0" in lines[1]
    assert "390 steps of 50,000 images" in text
    for kernel in ("layer", "shift_gradient", "interconnect"):
        assert re.search(rf"^{kernel} +\d", text, re.MULTILINE)


def test_json_adds_up() -> None:
    found = json.loads(run("--json", *SMALL))
    step = found["step"]
    assert found["model"].startswith("A model")
    busy = sum(call["cycles"] for call in step["calls"])
    assert step["busy_cycles"] == pytest.approx(busy, abs=9)
    assert step["cycles"] <= step["busy_cycles"]
    assert step["seconds"] == pytest.approx(step["cycles"] / 1e8, rel=1e-3)
    assert found["epoch_seconds"] == pytest.approx(11 * step["seconds"])
    assert found["area"]["all"]["lut"] == pytest.approx(
        sum(found["area"][name]["lut"] for name in found["area"] if name != "all"), abs=4
    )
    assert found["area"]["all"]["dsp"] == 0
    assert found["reported"] == {}


def test_every_net_that_can_be_trained_has_an_estimate() -> None:
    for net, batch, bits in (("1-1", 16, 8), ("3000-65-256", 256, 16), ("17-129-2", 32, 16)):
        spec = NetworkSpec.parse(net, batch=batch, master_bits=bits)
        found = estimate(spec, Z2, 256, 1)
        assert 0 < found.work_cycles <= found.busy_cycles >= found.step_cycles


def seconds(spec: NetworkSpec, perturbed: bool = False) -> float:
    return estimate(spec, Z2, 1000, 0, perturbed).step_seconds


def test_updates_hide_behind_products() -> None:
    found = estimate(MNIST, Z2, 1000, 0)
    cycles = [cost.cycles for _, cost in found.step]
    forward, backward, update = cycles[:4], cycles[4:10:2], [*cycles[5:10:2], cycles[10]]
    # The first update beside the second product, and the third product beside the second update.
    beside = max(backward[1], update[0]) + max(backward[2], update[1])
    assert found.step_cycles == pytest.approx(
        sum(forward) + backward[0] + beside + update[2] + update[3]
    )


def test_more_of_anything_takes_longer() -> None:
    small = NetworkSpec("100-50-10", batch=64)
    assert seconds(NetworkSpec("200-50-10", batch=64)) > seconds(small)
    assert seconds(NetworkSpec("100-90-10", batch=64)) > seconds(small)
    assert seconds(NetworkSpec("100-50-50-10", batch=64)) > seconds(small)
    assert seconds(NetworkSpec("100-50-10", batch=128)) > seconds(small)
    assert seconds(small, perturbed=True) > 2 * seconds(small)


@pytest.mark.parametrize("kernel", ["layer", "shift_gradient"])
def test_no_call_is_faster_than_memory(kernel: str) -> None:
    pass_ = Pass.HIDDEN if kernel == "layer" else None
    cost = cost_of(of_sizes(kernel, 1024, 1024, 16, pass_), Z2)
    assert cost.cycles / 1e8 >= (cost.read + cost.written) / Z2.ddr.bytes_per_second


def test_a_weight_is_read_and_written_once() -> None:
    cost = cost_of(of_sizes("shift_gradient", 1024, 1024, 128), Z2)
    weights = 1024 * 1024 * 2
    assert weights < cost.read < 1.7 * weights  # and the activations for each tile
    assert weights < cost.written < 1.2 * weights


@pytest.mark.parametrize(
    ("depth", "width", "bram18", "lut"),
    [
        (32, 32, 0, 24),
        (33, 32, 1, 0),
        (512, 36, 1, 0),
        (512, 37, 2, 0),
        (1024, 18, 1, 0),
        (2048, 8, 1, 0),
        (2048, 32, 4, 0),
        (16384, 1, 1, 0),
    ],
)
def test_memories_by_the_rules_of_the_part(depth: int, width: int, bram18: int, lut: int) -> None:
    assert area.bank_area(depth, width) == area.Area(lut=lut, bram18=bram18)


def test_every_array_of_the_kernels_is_counted() -> None:
    arrays = all_costs().arrays
    assert {(array.file, array.declaration) for array in arrays} == {*kernel_sources().arrays}
    for array in arrays:
        assert area.array_area(array) != area.Area()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("yosys") is None, reason="needs Yosys: the package yosys")
def test_pieces_are_what_yosys_makes_of_them() -> None:
    found = measure()
    assert {piece: (a.lut, a.ff, a.dsp) for piece, a in area.PIECES.items()} == found
    assert {part.piece for part in all_costs().parts} == set(area.PIECES)


def test_a_preset_says_what_no_option_does() -> None:
    second = run("--preset", "digits").splitlines()[1]
    assert second.startswith("64-256-256-10, batch 128, ternary-qbp, 16-bit masters, perturb 0")
    second = run("--batch", "16", "--preset", "digits", "--master-bits", "8").splitlines()[1]
    assert second.startswith("64-256-256-10, batch 16, ternary-qbp, 8-bit masters, perturb 0")


@pytest.mark.parametrize(("mhz", "bound"), [("100", "the kernels"), ("500", "memory")])
def test_what_bounds_a_step(mhz: str, bound: str) -> None:
    text, step = run("--mhz", mhz), json.loads(run("--mhz", mhz, "--json"))["step"]
    assert re.search(rf"^bound by +{bound};", text, re.MULTILINE)
    assert (step["cycles"] == step["memory_cycles"]) == (bound == "memory")


@pytest.mark.parametrize(
    ("overlay", "most"), [("fewmult", Z2.limits.lut_percent), ("fewmult_places", 90)]
)
def test_overlays_that_train_fit_the_part_as_the_page_says(overlay: str, most: int) -> None:
    found = area.total(area.overlay_areas(Z2, overlay).values())
    row = rf"^\| `{overlay}` \| .* \| (\d+) % \| (\d+) of 140 \|"
    shown = re.search(row, PAGE.read_text(), re.MULTILINE)
    assert shown
    lut = 100 * found.lut / Z2.resources.lut
    assert [*map(int, shown.groups())] == [round(lut), found.bram18 / 2]
    assert (lut <= most, found.bram18 / 2 < Z2.resources.bram36, found.dsp) == (True, True, 0)


def test_a_net_that_pools_is_priced_with_the_overlay_that_pools() -> None:
    found = json.loads(run("--json", "--net", "3x8x8-8C3p-P2-10", "--batch", "16"))
    assert found["overlay"] == "fewmult_places"
    kernels = [call["kernel"] for call in found["step"]["calls"]]
    assert (kernels.count("pool"), "pool" in found["area"]) == (2, True)
    dense = json.loads(run("--json", "--net", "1x8x8-10", "--batch", "16"))
    assert (dense["overlay"], "pool" in dense["area"]) == ("fewmult", False)


def test_what_places_cost() -> None:
    """Twice as many places take twice as long; weights are read and written once all the same."""
    few, many = (
        estimate(NetworkSpec(f"3x{rows}x8-32C3p-32C3p-10"), Z2, 1000, 0) for rows in (8, 16)
    )
    for part in ("forward", "update"):
        one, two = (
            sum(
                cost.work
                for (p, cost), k in zip(e.step, e.layers, strict=True)
                if (p, k) == (part, 1)
            )
            for e in (few, many)
        )
        assert 1.9 < two / one < 2.15
    written = [sum(c.written for p, c in e.step if p == "update") for e in (few, many)]
    dense = 2 * 10 * 32 * 8 * 8 * (2 + 0.25)  # of the last layer, which has twice as many weights
    assert written[1] - written[0] == pytest.approx(dense / 2, rel=0.01)


@pytest.mark.slow
def test_sizes_can_be_tried() -> None:
    plain, wide = (
        json.loads(run("--json", *options)) for options in ((), ("--tile", "kLog2Inputs=5"))
    )
    assert wide["epoch_seconds"] < plain["epoch_seconds"]
    assert wide["area"]["layer"]["lut"] > plain["area"]["layer"]["lut"]
    assert wide["area"]["shift_gradient"] == plain["area"]["shift_gradient"]
    assert "sizes other than in the sources: kLog2Inputs=5" in run("--tile", "kLog2Inputs=5")


@pytest.mark.slow
def test_reports_stand_next_to_the_model(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text(json.dumps(BUILD))
    rows = run("--build", str(tmp_path)).splitlines()
    at = next(k for k, row in enumerate(rows) if re.match(r"layer  +\d+,\d+", row))
    assert rows[at + 1].split() == ["reported:", "synthesis", "12,345", "23,456", "38.5", "0"]
    at = next(k for k, row in enumerate(rows) if re.match(r"all  +\d+,\d+  +\d+,\d+", row))
    assert rows[at + 1].split() == ["reported:", "routed", "34,567", "45,678", "80.5", "0"]
    found = json.loads(run("--json", "--build", str(tmp_path)))
    assert found["reported"]["layer"] == BUILD["kernels"]["layer"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "damaged"),
        ("[]", "must be of type object"),
        ('{"format": 2, "board": "pynq-z2", "kernels": {}}', "'format' must be 1, not 2"),
        ('{"format": 1, "board": "pynq-z2"}', "it lacks 'kernels'"),
        ('{"format": 1, "board": "pynq-z2", "kernels": {"layer": {}}}', "lacks 'kernels.layer."),
        ('{"format": 1, "board": "zybo", "kernels": {}}', "of board zybo"),
    ],
)
def test_a_damaged_build_is_one_line(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "build.json").write_text(text)
    process = fewmult("estimate", "--build", tmp_path)
    assert (process.returncode, process.stdout) == (2, "")
    assert_one_line(process.stderr, "build.json", part)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--board", "zybo"], ["no board 'zybo'", "pynq-z2"]),
        (["--preset", "zybo"], ["no preset 'zybo'", "digits"]),
        (["--net", "784"], ["two widths"]),
        (["--batch", "100"], ["batch 100", "128"]),
        (["--master-bits", "4"], ["--master-bits"]),
        (["--perturb", "3"], ["perturb", "16"]),
        (["--samples", "100"], ["100 images", "batch of 128"]),
        (["--samples", "9" * 400], ["--samples", "not in the range"]),
        (["--validation", "9" * 400], ["--validation", "not in the range"]),
        (["--method", "float"], ["--method"]),
        (["--tile", "kLanes"], ["--tile kLanes", "NAME=N"]),
        (["--tile", "kLanes=" + "9" * 5000], ["NAME=N"]),
        (["--tile", "kWrong=2"], ["no constant kWrong", "kLog2Inputs"]),
        (["--build", "/nowhere"], ["/nowhere/build.json", "run.sh"]),
    ],
)
def test_bad_options_are_one_line(options: list[str], parts: list[str]) -> None:
    process = fewmult("estimate", *options)
    assert (process.returncode, process.stdout) == (2, "")
    assert_one_line(process.stderr, *parts)


def test_the_documented_output_is_the_command_s() -> None:
    shown = re.search(r"\$ fewmult-hls estimate\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown, "the page shows no output"
    assert shown[1] == run()


@pytest.mark.slow
def test_the_work_of_an_estimate_grows_with_the_layers_and_stays_small() -> None:
    def count(net: str) -> int:
        spec = NetworkSpec.parse(net)
        return calls_of(lambda: estimate(spec, Z2, 1000, 100))

    estimate(MNIST, Z2, 1000, 100)  # reads the sources, once
    short, long = count(deep_net(100)), count(deep_net(400))
    assert long < 4.5 * short
    assert long < 400 * 6000
    assert count("-".join(["16"] * 401)) < long / 15, "layers of one shape are priced once"
