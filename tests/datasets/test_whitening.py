# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's preprocessing, GCN and ZCA, in integers that every machine finds alike."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fewmult_hls
from command import assert_one_line
from fewmult_hls.cli.commands import run
from fewmult_hls.counting.executed import MULTIPLICATIONS, CountedArray
from fewmult_hls.datasets import from_arrays, load, whitening
from fewmult_hls.datasets.whitening import Whitening, normalized
from fewmult_hls.models.classifier import read_model
from fewmult_hls.runs.plan import plan_to_go_on

NET = "1x8x8-4C3p-P2-10"
IMAGES = load("digits").train.images
TRAIN = ["train", "--net", NET, "--whiten", "--epochs", "2", "--threads", "1", "--out"]


def root_in_floating_point(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance + 0.1 * np.eye(len(covariance)))
    return (vectors / np.sqrt(values)) @ vectors.T


def test_contrast_is_normalized_image_by_image() -> None:
    images = np.array([[0, 0, 255, 255], [9, 9, 9, 9], [1, 2, 3, 4]], np.uint8)
    found = normalized(images)
    high = 55 * 64 / 2
    assert found[0].tolist() == [-high, -high, high, high]
    assert found[1].tolist() == [0] * 4
    exact = np.array([-1.5, -0.5, 0.5, 1.5]) * 55 * 64 / 5**0.5
    assert np.abs(found[2] - exact).max() <= 0.5


def test_values_are_uncorrelated_as_zca_makes_them() -> None:
    found = Whitening.of(IMAGES)
    values = normalized(IMAGES) / 64
    wanted = root_in_floating_point(np.cov(values.T, bias=True))
    np.testing.assert_allclose(found.matrix / 8192, wanted, atol=2e-4)
    np.testing.assert_array_equal(found.matrix, found.matrix.T)
    whitened = found.images(IMAGES).astype(float) - 128
    exact = ((values - values.mean(axis=0)) @ wanted * 64).clip(-128, 127)
    assert np.abs(whitened - exact).max() < 4
    assert np.abs(whitened - exact).mean() < 0.5


def test_no_sum_depends_on_an_order() -> None:
    """Nor, then, on a BLAS or on threads: with other rows and columns it would round otherwise."""
    found, random = Whitening.of(IMAGES), np.random.default_rng(1)
    images, values = random.permutation(len(IMAGES)), random.permutation(64)
    other = Whitening.of(np.ascontiguousarray(IMAGES[images][:, values]))
    np.testing.assert_array_equal(other.mean, found.mean[values])
    np.testing.assert_array_equal(other.matrix, found.matrix[np.ix_(values, values)])


@pytest.mark.parametrize("spread", [0, 1, 1000])
def test_no_product_of_the_root_rounds(spread: float) -> None:
    """The same in Python's integers, of covariances from flat to steep."""
    random = np.random.default_rng(2)
    basis, _ = np.linalg.qr(random.normal(size=(12, 12)))
    values = spread * random.random(12) ** 8
    values[0] = 3.0 * spread
    covariance = (basis * values) @ basis.T

    class Exact(np.ndarray):
        def __matmul__(self, other: np.ndarray) -> np.ndarray:
            whole = [np.vectorize(int, otypes=[object])(np.asarray(m)) for m in (self, other)]
            return (whole[0] @ whole[1]).astype(np.float64).view(Exact)

    found = whitening._inverse_root(covariance)
    np.testing.assert_array_equal(
        np.asarray(whitening._inverse_root(covariance.view(Exact))), found
    )
    wanted = root_in_floating_point(covariance) * 64
    np.testing.assert_allclose(found, wanted, atol=0.02)


def test_multiplications_are_those_that_are_executed() -> None:
    counter: Counter[str] = Counter()

    def counted() -> np.ndarray:
        array = IMAGES[:100].copy().view(CountedArray)
        array.counter = counter
        return array

    found = Whitening.of(counted())
    found.images(counted())
    executed = sum(counter[name] for name in MULTIPLICATIONS)
    assert executed == sum(whitening.multiplications(64, 100, 0).values())


def test_a_run_of_whitened_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert run([*TRAIN, str(out)]) == 0
    assert "multiplications on the host" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    data = load("digits")
    parts = whitening.multiplications(64, len(IMAGES), len(data.validation.labels) + 359)
    assert summary["host_multiplications"] == sum(parts.values())
    assert summary["multiplications_per_step"] == 0
    packed = tmp_path / "net.packed"
    assert run(["export", str(out), "--format", "packed", "--out", str(packed)]) == 0
    for path in (out, packed):
        model = read_model(path)
        made = model.domain.preprocessing.whitening
        assert made is not None
        np.testing.assert_array_equal(made.matrix, Whitening.of(IMAGES).matrix)
        with fewmult_hls.load(path) as net:
            error = net.evaluate(data.test.images.reshape(-1, 8, 8), data.test.labels)
            assert error == summary["test_error"]
            assert net.evaluate(data.test.images, data.test.labels) == error
            labels = net.predict(data.test.images).tolist()
        shapes = {"images.npy": (-1, 8, 8), "rows.npy": (-1, 64)}
        for name, shape in shapes.items():
            np.save(tmp_path / name, data.test.images.reshape(shape))
            capsys.readouterr()
            assert run(["predict", str(path), str(tmp_path / name), "--json"]) == 0
            assert [row["label"] for row in json.loads(capsys.readouterr().out)] == labels
    capsys.readouterr()
    assert run(["evaluate", str(packed), "--dataset", "digits"]) == 0
    assert f"{summary['test_error']:.2f} %" in capsys.readouterr().out
    assert run(["export", str(out), "--format", "c", "--out", str(tmp_path / "net.h")]) == 2
    assert_one_line(capsys.readouterr().err, "--format c has no words for: take --format packed")


def test_it_goes_on_to_the_same_bits_with_other_threads(tmp_path: Path) -> None:
    """The transform is found again, by a process of its own with another BLAS setting."""
    prints = set()
    for threads in ("1", "2"):
        out = tmp_path / threads
        done = subprocess.run(
            [sys.executable, "-m", "fewmult_hls", *TRAIN, str(out)],
            env={"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
        )
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        assert done.returncode == 0, done.stderr
        prints.add(summary["fingerprint"])
    assert len(prints) == 1
    assert plan_to_go_on(tmp_path / "1", {"epochs": 3}).dataset.preprocessing.whitening is not None


def test_arrays_of_python_are_whitened_too(tmp_path: Path) -> None:
    images = IMAGES[:640].reshape(-1, 8, 8, 1)
    data = from_arrays((images, load("digits").train.labels[:640]))
    with fewmult_hls.train(data, net=NET, whiten=True, epochs=1, out=tmp_path / "run") as net:
        assert net.domain.preprocessing.steps == (Whitening.text,)
        assert net.predict(images).shape == (640,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "digits"], "--whiten makes values around 0, and a net that begins with 64"),
        (["--method", "float"], "method float knows no whiten"),
    ],
)
def test_what_cannot_be_whitened(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(["train", "--whiten", *options, "--out", str(out)]) == 2
    assert_one_line(capsys.readouterr().err, message)
    assert not out.exists()


def test_images_are_whitened_once() -> None:
    once = load("digits").whitened()
    with pytest.raises(fewmult_hls.FewmultError, match="digits are whitened already"):
        once.whitened()


def test_large_images_are_not_whitened() -> None:
    with pytest.raises(fewmult_hls.FewmultError, match="4,096 values, and these have 5,000"):
        whitening.check_features(5000)


def test_a_damaged_transform_is_told(tmp_path: Path) -> None:
    made = Whitening.of(IMAGES)
    arrays = made.arrays()
    found = whitening.read_whitening(arrays)  # type: ignore[arg-type]
    assert found is not None
    np.testing.assert_array_equal(found.matrix, made.matrix)
    for name, array in (
        ("whitening_matrix", arrays["whitening_matrix"][1:]),
        ("whitening_matrix", arrays["whitening_matrix"].astype(np.int32)),
        ("whitening_mean", np.full(64, 9999, np.int16)),
    ):
        with pytest.raises(ValueError, match=name):
            whitening.read_whitening({**arrays, name: array})  # type: ignore[arg-type]
