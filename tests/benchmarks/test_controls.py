# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The controls in PyTorch: the paper's algorithm in floating point, and plain nets."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import controls  # noqa: E402
import torch_nets  # noqa: E402
from torch_nets import Inputs, Learner, Style, build, deployed, powers_of_two  # noqa: E402

from fewmult_hls.datasets import load  # noqa: E402
from fewmult_hls.layers.augmentation import Augmentation  # noqa: E402
from fewmult_hls.layers.kinds import Plan  # noqa: E402
from fewmult_hls.nets.network import NetworkSpec  # noqa: E402
from fewmult_hls.presets import load_preset  # noqa: E402

NET = "1x8x8-6C3p-P2-8C2-10"
SETUP = controls.Setup("ternary-qbp", NET, "digits", epochs=2, batch=64, crop=1)
STYLES = {name: Style.of_method(name) for name in controls.METHODS}


torch.set_num_threads(1)  # these nets are too small for more


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+ s$", "", line) for line in lines]


def test_powers_of_two_are_next_to_each_value_and_unbiased() -> None:
    torch.manual_seed(1)
    values = torch.tensor([0.0, 1.0, -0.25, 1.25, -3.0, 0.7])
    many = torch.stack([powers_of_two(values) for _ in range(20_000)])
    for value, found in zip(values.tolist(), many.T, strict=True):
        low = 0.0 if value == 0 else 2.0 ** np.floor(np.log2(abs(value)))
        assert set(found.abs().tolist()) <= {low, 2 * low}
        assert found.mean().item() == pytest.approx(value, abs=0.02)
    assert torch.equal(many[:, 0].unique(), torch.zeros(1))


@pytest.mark.parametrize("net", ["1x8x8-6C3p-10", "1x8x8-6C2ps2-8C3s2-10", "64-16-10"])
def test_gradients_are_exact_where_inputs_are_powers_of_two(net: str) -> None:
    torch.manual_seed(1)
    plan = Plan.read(net)
    x = torch.exp2(torch.randint(-3, 3, (32, *([1, 8, 8] if plan.pixels.signed else [64]))))
    found = []
    for powers in (False, True):
        torch.manual_seed(2)
        module = build(plan, Style("ternary", powers))[:2]
        module[-1].precision = "ternary"
        inputs = x.float().requires_grad_()
        module(inputs).square().sum().backward()
        found.append((inputs.grad, next(module.parameters()).grad))
    for exact, quantized in zip(*found, strict=True):
        torch.testing.assert_close(exact, quantized)


def test_weights_of_a_test_are_the_package_s() -> None:
    weight = torch.tensor([-1.0, -0.5, -0.51, 0.0, 0.5, 0.75])
    assert deployed(weight, "ternary").tolist() == [-1, 0, -1, 0, 0, 1]
    assert deployed(weight, "binary").tolist() == [-1, -1, -1, 1, 1, 1]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("net", ["3x9x9-5C2p-P2-4C3ps2-P2-7-3", "27-6-5-3"])
def test_nets_have_the_weights_and_outputs_of_the_package_s(net: str, style: Style) -> None:
    spec = NetworkSpec.parse(net, batch=16)
    built = build(spec.plan, style)
    sizes = [p.numel() for p in built.parameters() if p.dim() > 1]
    assert sizes == [size for size in spec.layer_sizes if size]
    image = spec.plan.pixels.image
    shape = (image.channels, image.rows, image.columns) if spec.plan.pixels.signed else (27,)
    assert built(torch.rand(4, *shape)).shape == (4, 3)


def test_the_paper_s_nets_pool_in_front_of_batch_norm() -> None:
    plan = Plan.read(load_preset("cifar10-small").values["net"])
    for style, order in (
        (STYLES["ternary-qbp"], ["Sampled", "MaxPool2d", "BatchNorm2d", "ReLU"]),
        (STYLES["float"], ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]),
    ):
        assert [type(module).__name__ for module in build(plan, style)][3:7] == order


def test_images_are_moved_as_the_package_moves_them() -> None:
    plan, train, chosen = Plan.read("1x8x8-10"), load("digits").train, np.arange(64)
    still = Inputs(plan, train).batch(train, chosen)
    moving = Inputs(plan, train, 1, Augmentation(flip=True, crop=2))
    assert torch.equal(moving.batch(train, chosen), still)
    moved = moving.batch(train, chosen, step=3)
    assert torch.equal(moved, moving.batch(train, chosen, step=3))
    assert not torch.equal(moved, moving.batch(train, chosen, step=4))
    assert moved.mean().abs() < 0.1  # what comes in from outside is the mean


@pytest.mark.parametrize("method", ["float", "ternary-qbp"])
def test_a_control_that_goes_on_ends_as_one_that_was_not_stopped(
    method: str, tmp_path: Path
) -> None:
    setup = replace(SETUP, method=method, rate=0.03, recipe=torch_nets.Recipe(momentum=0.5))
    whole = controls.Control(setup, load("digits"), tmp_path / "whole")
    assert whole.run(math.inf)
    whole.finish()
    broken = controls.Control(setup, load("digits"), tmp_path / "broken")
    for _ in range(3):
        broken._step(controls.shuffle(1, 0, len(broken.train.labels)))
    broken.save()
    goes_on = controls.Control(setup, load("digits"), tmp_path / "broken")
    assert goes_on.batch == 3
    assert goes_on.run(math.inf)
    goes_on.finish()
    assert without_times(goes_on.lines) == without_times(whole.lines)
    assert whole.lines[-1].startswith("best epoch")


def test_a_control_learns(tmp_path: Path) -> None:
    setup = replace(SETUP, net="64-64-10", crop=0, epochs=5)
    control = controls.Control(setup, load("digits"), tmp_path)
    assert control.run(math.inf)
    assert control.best["error"] < 12
    learner = control.learner
    assert isinstance(learner, Learner)
    assert all(w.abs().max() <= 1 for w in learner.net.parameters() if w.dim() > 1)


def test_it_stops_in_time_and_refuses_another_setup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", "digits", "--net", NET, "--epochs", "1", "--out", str(tmp_path)]
    assert controls.main([*words, "--minutes", "0"]) == 0
    assert "stopped after 0 of" in capsys.readouterr().out
    assert controls.main([*words, "--rate", "0.5"]) == 2
    assert "began with another rate" in capsys.readouterr().err
    assert controls.main([*words, "--net", "64-10"]) == 2
    other = [*words[:4], "--epochs", "1", "--out", str(tmp_path / "other")]
    assert controls.main([*other, "--examples", "9"]) == 2
    assert "9 images are fewer than a batch of 128" in capsys.readouterr().err
    assert controls.main([*other, "--net", "1x4x16-10"]) == 2
    assert "it must begin with 1x8x8" in capsys.readouterr().err
    assert controls.main(["--out", str(tmp_path), "--net", "3x2x2-10", "--epochs", "1"]) in (1, 2)
