# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The floating-point methods: gradients, draws, runs that go on, and what they refuse."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from command import RUN_FILES, assert_one_line, content, fewmult, names, read_until, start, summary
from fewmult_hls import datasets, load, train
from fewmult_hls.cli.commands import run
from fewmult_hls.counting.formulas import paper_step, total
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.methods.floating.draws import sample_binary, uniform
from fewmult_hls.methods.floating.network import FloatNetwork
from fewmult_hls.methods.floating.normalization import EPSILON
from fewmult_hls.methods.floating.schedule import FloatSchedule
from fewmult_hls.methods.floating.spec import FloatSpec
from fewmult_hls.methods.floating.trainer import FloatTrainer
from fewmult_hls.models.classifier import read_model
from fewmult_hls.runs.plan import plan_run
from fewmult_hls.system.errors import FewmultError

DIGITS = datasets.load("digits")
SPEC = FloatSpec("64-7-5-10", batch=12)
METHODS = ("float", "binary")
Floats = npt.NDArray[Any]


def network_of_doubles(spec: FloatSpec) -> FloatNetwork:
    """A random net for numerical derivatives, its gains and biases not those of the start."""
    generator = np.random.default_rng(3)
    network = FloatNetwork.initial(spec, 3)
    tensors = {name: array.astype(np.float64) for name, array in network.tensors().items()}
    for name, array in tensors.items():
        if not name.startswith("weights"):
            array += generator.uniform(-0.3, 0.3, array.shape)
    return FloatNetwork.of_tensors(spec, tensors)


def squared_hinge(tensors: dict[str, Floats], images: Floats, labels: Floats) -> float:
    """The mean squared hinge of a batch, as docs/methods.md has it."""
    x, layers = images / 255, len(tensors) // 3
    for k in range(layers):
        z = x @ tensors[f"weights_{k}"].T
        normal = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON)
        y = tensors[f"gain_{k}"] * normal + tensors[f"bias_{k}"]
        x = np.maximum(y, 0)
    target = np.where(np.arange(y.shape[1]) == labels[:, None], 1, -1)
    return float((np.maximum(1 - target * y, 0) ** 2).sum()) / len(labels)


@pytest.mark.parametrize("method", METHODS)
def test_a_step_follows_the_derivative(method: Any) -> None:
    spec = FloatSpec(SPEC.net, method, SPEC.batch)
    network = network_of_doubles(spec)
    trainer = FloatTrainer(network, seed=1)
    chosen, rate = np.arange(5, 5 + spec.batch), 2.0**-12
    images = DIGITS.train.images[chosen].astype(np.float64)
    labels = DIGITS.train.labels[chosen]
    trainer.step(DIGITS.train, chosen, math.log2(rate))
    after = trainer.network().tensors()
    # Straight through: the derivative by the sampled weight steps the real one.
    used = {**network.tensors(), **{f"weights_{k}": w for k, w in enumerate(trainer._used)}}
    if method == "float":
        used = network.tensors()
    generator = np.random.default_rng(1)
    for name, before in network.tensors().items():
        for at in generator.choice(before.size, min(before.size, 12), replace=False):
            stepped = (before.flat[at] - after[name].flat[at]) / rate
            expected = derivative(used, name, int(at), images, labels)
            bound = spec.bound(int(name[-1])) if name.startswith("weights") else math.inf
            if method == "float" or abs(after[name].flat[at]) < bound:
                assert stepped == pytest.approx(expected, rel=1e-4, abs=1e-6), (name, at)
            assert abs(after[name].flat[at]) <= bound or method == "float"


def derivative(
    tensors: dict[str, Floats], name: str, at: int, images: Floats, labels: Floats
) -> float:
    values = []
    for change in (1e-6, -1e-6):
        moved = tensors[name].copy()
        moved.flat[at] += change
        values.append(squared_hinge({**tensors, name: moved}, images, labels))
    return (values[0] - values[1]) / 2e-6


def test_the_first_clip_of_binary_weights() -> None:
    spec = FloatSpec(SPEC.net, "binary", SPEC.batch)
    trainer = FloatTrainer(FloatNetwork.initial(spec, 1), 1)
    trainer.step(DIGITS.train, np.arange(spec.batch), -4)
    for k, weights in enumerate(trainer.network().weights):
        # Drawn within twice the bound: about half of them lie on an edge at once.
        assert 0.3 < (np.abs(weights) == np.float32(spec.bound(k))).mean() < 0.7


def test_binary_draws() -> None:
    bound = 0.25
    weights = np.repeat(np.linspace(-1.2 * bound, 1.2 * bound, 25), 20_000).reshape(25, -1)
    drawn = np.empty(weights.shape, np.float32)
    sample_binary(weights.astype(np.float32), bound, 1, 0, 7, out=drawn)
    assert set(np.unique(drawn)) == {-bound, bound}
    expected = np.clip((1 + weights[:, 0] / bound) / 2, 0, 1)
    found = (drawn > 0).mean(axis=1)
    assert np.abs(found - expected).max() < 5 * 0.5 / math.sqrt(20_000)
    assert found[0] == 0
    assert found[-1] == 1


def test_draws_depend_on_seed_layer_and_step_alone() -> None:
    weights = np.zeros((9, 11), np.float32)

    def draw(*place: int) -> bytes:
        out = np.empty_like(weights)
        sample_binary(weights, 1.0, *place, out=out)
        return out.tobytes()

    places = [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)]
    assert len({draw(*place) for place in places}) == len(places)
    assert [draw(*place) for place in places] == [draw(*place) for place in places]
    start_values = uniform((200, 300), 0.5, 1, 0)
    assert np.abs(start_values).max() <= 0.5
    assert abs(start_values.mean()) < 0.01
    assert start_values.std() == pytest.approx(0.5 / math.sqrt(3), rel=0.02)


def test_the_rate_falls_in_equal_ratios() -> None:
    schedule = FloatSchedule(10, shift=1)
    rates = [2 ** schedule.rate(epoch) for epoch in range(11)]
    assert rates[0] == pytest.approx(0.6)
    assert rates[10] == pytest.approx(0.02)
    assert np.ptp(np.diff(np.log(rates))) < 1e-9


def test_numbers_that_overflow_end_the_run() -> None:
    network = FloatNetwork.initial(SPEC, 1)
    network.weights[1][2, 3] = np.nan
    trainer = FloatTrainer(network, 1)
    with pytest.raises(FewmultError, match="overflowed before step 1: take a smaller --rate"):
        trainer.step(DIGITS.train, np.arange(SPEC.batch), 0)
    with pytest.raises(FewmultError, match="take a smaller --rate"):
        trainer.network()


# --- runs ---


@pytest.fixture(scope="module", params=METHODS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("floating") / request.param
    options = ["--method", request.param, "--epochs", "12", "--net", "64-64-10"]
    assert run(["train", *options, "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_run_learns_and_says_what_it_is(trained: Path) -> None:
    found = summary(trained)
    method = trained.name
    assert names(trained) == RUN_FILES
    assert (found["method"], found["backend"]) == (method, "numpy")
    errors = [name for name in found if name.startswith("test_error")]
    assert errors == ["test_error", *(["test_error_binary"] if method == "binary" else [])]
    assert all(found[name] < 8 for name in [*errors, "validation_error"])
    expected = total(paper_step(Plan.read("64-64-10"), 128, method, batch_norm=True).values())
    assert found["multiplications_per_step"] == expected.multiplications > 0


@pytest.mark.slow
def test_evaluate_predict_and_python_agree(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = summary(trained)
    assert run(["evaluate", str(trained)]) == 0
    output = capsys.readouterr().out
    assert f"{found['test_error']:.2f} % (" in output
    assert "real-valued weights" in output
    np.save(tmp_path / "images.npy", DIGITS.test.images)
    assert run(["predict", str(trained), str(tmp_path / "images.npy"), "--json"]) == 0
    labels = [answer["label"] for answer in json.loads(capsys.readouterr().out)]
    with load(trained) as net:
        assert net.predict(DIGITS.test.images).tolist() == labels
        assert net.evaluate(DIGITS.test.images, DIGITS.test.labels) == found["test_error"]
        assert net.logits(DIGITS.test.images[:1]).dtype == np.float32
        assert net.fingerprint == found["best_fingerprint"]
    if trained.name == "binary":
        with load(trained, precision="binary") as net:
            error = net.evaluate(DIGITS.test.images, DIGITS.test.labels)
        assert error == found["test_error_binary"]
    with train(DIGITS, method=trained.name, epochs=12, net="64-64-10") as net:
        assert net.summary["fingerprint"] == found["fingerprint"]


@pytest.mark.slow
def test_packing_is_refused(trained: Path, tmp_path: Path) -> None:
    done = fewmult("export", trained, "--format", "packed", "--out", tmp_path / "packed")
    assert done.returncode == 2
    assert_one_line(done.stderr, "computes in floating point: only -qbp methods can be exported")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_goes_on_to_the_same_fingerprint(method: str, tmp_path: Path) -> None:
    options = ["--method", method, "--epochs", "60", "--net", "64-200-10", "--seed", "4"]
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    done = fewmult("train", *options, "--out", unbroken)
    assert done.returncode == 0, done.stderr
    process = start("train", *options, "--checkpoint-every", "5", "--out", broken)
    read_until(process, "epoch 14/")
    process.kill()
    process.communicate()
    done = fewmult("train", "--resume", broken)
    assert done.returncode == 0, done.stderr
    assert summary(broken)["fingerprint"] == summary(unbroken)["fingerprint"]
    done = fewmult("compare", unbroken, broken)
    assert done.returncode == 0, done.stdout


def test_a_preset_leaves_out_what_the_method_does_not_know(tmp_path: Path) -> None:
    plan = plan_run({"method": "float"}, dataset=DIGITS, preset="digits", out=tmp_path)
    assert (plan.config.rate_exponent, plan.config.backend) == (0, "numpy")
    assert (plan.config.net, plan.config.epochs) == ("64-256-256-10", 100)


# --- damaged models ---


def test_any_cut_of_a_model(trained: Path, tmp_path: Path) -> None:
    good = (trained / "model.npz").read_bytes()
    path = tmp_path / "model.npz"
    for size in range(0, len(good), max(1, len(good) // 97)):
        path.write_bytes(good[:size])
        with pytest.raises(FewmultError, match="damaged"):
            read_model(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a["weights_0"].__setitem__((0, 0), np.nan), "not finite"),
        (lambda a: a["weights_0"].__setitem__((0, 0), 0.125), "fingerprint"),
        (lambda a: a.update(gain_0=a["gain_0"][1:]), "gain_0 is float32"),
        (lambda a: a.update(bias_1=a["bias_1"].astype(np.float64)), "bias_1 is float64"),
        (lambda a: a["variance_real-valued_0"].__setitem__(0, -1), "negative"),
        (lambda a: a.update(float_format=np.int32(9)), "format 9 is not known"),
        (lambda a: a.update(method=np.array("double")), "float or binary"),
        (lambda a: a.pop("mean_real-valued_1"), "mean_real-valued_1"),
    ],
)
def test_odd_models(
    change: Callable[[Any], Any], reason: str, trained: Path, tmp_path: Path
) -> None:
    with np.load(trained / "model.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(tmp_path / "model.npz", **arrays)
    with pytest.raises(FewmultError, match=reason):
        read_model(tmp_path / "model.npz")
    done = fewmult("evaluate", tmp_path / "model.npz", "--dataset", "digits")
    assert (done.returncode, content(tmp_path).keys()) == (1, {"model.npz"})
    assert_one_line(done.stderr, reason)
