# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The Python API, as docs/api.md shows it and beyond."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import fewmult_hls
from command import SMALL, content, summary
from fewmult_hls import FewmultError, datasets, load, train
from fewmult_hls.api import Options
from fewmult_hls.cli.commands import run
from fewmult_hls.config import RunConfig
from fewmult_hls.datasets import Dataset, from_arrays
from fewmult_hls.errors import UsageError

DOCS = Path(__file__).parent.parent / "docs"
DIGITS = datasets.load("digits")
TINY: Any = {"net": "64-16-10", "epochs": 1}


def test_examples_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(DOCS / "api.md"), module_relative=False, encoding="utf-8")
    assert results.attempted > 10
    assert results.failed == 0


def test_names_are_there_and_no_others() -> None:
    for name in fewmult_hls.__all__:
        assert getattr(fewmult_hls, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = fewmult_hls.lode


def test_options_are_those_of_a_run() -> None:
    fields = {name.replace("rate_exponent", "rate") for name in RunConfig.__dataclass_fields__}
    assert set(get_type_hints(Options)) == fields - {"dataset"}


def test_the_command_and_python_leave_the_same_run(tmp_path: Path) -> None:
    assert run(["train", *SMALL, "--seed", "7", "--out", str(tmp_path / "command")]) == 0
    net = train("digits", out=tmp_path / "python", seed=7, **TINY)
    one, other = content(tmp_path / "command"), content(tmp_path / "python")
    assert set(one) == set(other)
    assert one["config.toml"] == other["config.toml"]
    assert one["model.npz"].count(net.fingerprint.encode("utf-32-le")) == 1
    assert net.summary == summary(tmp_path / "python")


def test_without_out_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    net = train("digits", **TINY)
    assert net.predict(DIGITS.test.images).shape == (359,)
    assert list(tmp_path.iterdir()) == []


def test_evaluate_is_the_error_of_the_run(tmp_path: Path) -> None:
    net = train("digits", out=tmp_path / "run", **TINY)
    error = net.evaluate(DIGITS.test.images, DIGITS.test.labels)
    assert error == net.summary["test_error_ternary"]
    with load(tmp_path / "run", precision="8-bit", backend="numpy") as eight_bit:
        error = eight_bit.evaluate(DIGITS.test.images[:20], DIGITS.test.labels[:20])
    with load(tmp_path / "run" / "model.npz", precision="8-bit", threads=1) as eight_bit:
        assert error == eight_bit.evaluate(DIGITS.test.images[:20], DIGITS.test.labels[:20])
        assert eight_bit.evaluate(*vars(DIGITS.test).values()) == net.summary["test_error"]


def test_answers_follow_from_the_logits() -> None:
    net = train("digits", **TINY)
    images = DIGITS.test.images.reshape(-1, 8, 8)
    logits, labels = net.logits(images), net.predict(images)
    assert np.array_equal(logits, net.logits(DIGITS.test.images))
    rows = np.arange(len(logits))
    others = logits.copy()
    others[rows, labels] = -(2**31)
    assert np.array_equal(net.margins(images) * 64, logits[rows, labels] - others.max(axis=1))
    assert (net.margins(images) >= 0).all()
    ties = labels[net.margins(images) == 0]
    assert all(logits[k, : labels[k]].max(initial=-(2**31)) < logits[k, labels[k]] for k in rows)
    assert len(ties) > 0, "no image has equal logits: the test shows nothing"


def test_no_images_have_no_answers() -> None:
    net = train("digits", **TINY)
    assert net.predict(DIGITS.test.images[:0]).shape == (0,)
    with pytest.raises(UsageError, match="there are no images"):
        net.evaluate(DIGITS.test.images[:0], [])


def test_a_net_with_one_class_has_no_margin() -> None:
    part = (DIGITS.train.images[:32], np.zeros(32, np.uint8))
    one = datasets.dataset.make_split(*part)
    data = Dataset("one", 1, (8, 8), one, one, one)
    net = train(data, net="64-8-1", epochs=1, batch=16)
    assert net.predict(part[0]).tolist() == net.margins(part[0]).tolist() == [0] * 32


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 64)), "images are float64: give uint8"),
        (np.zeros(64, np.uint8), r"shape \(64,\): give \(N, rows, columns\)"),
        (np.zeros((2, 9, 9), np.uint8), "each is 9x9 and the net takes 8x8 pixels"),
        (np.zeros((2, 4, 16), np.uint8), "each is 4x16 and the net takes 8x8 pixels"),
        (np.zeros((2, 63), np.uint8), "each is 1x63 and the net takes 8x8 pixels"),
        ([["a"]], "images are <U1"),
    ],
)
def test_wrong_images(images: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("digits", **TINY).predict(images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1], "give 2 integers"),
        ([0.5, 1.0], "labels are float64"),
        ([0, 10], "label 10 is beyond 10 classes"),
        ([0, -1], "labels must be 0 to 255"),
        ([0, 256], "labels must be 0 to 255"),
    ],
)
def test_wrong_labels(labels: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train("digits", **TINY).evaluate(DIGITS.test.images[:2], labels)


def test_wrong_options() -> None:
    with pytest.raises(TypeError, match="no option 'epoch'; it has net, method"):
        train("digits", epoch=3)  # type: ignore[call-arg]
    for name, value in {"epochs": "3", "net": 64, "seed": 1.0, "batch": True}.items():
        with pytest.raises(UsageError, match=f"'{name}' must be of type"):
            train("digits", **{name: value})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="did you mean digits"):
        train("digit")
    with pytest.raises(UsageError, match="no folder or file nowhere"):
        load("nowhere")


def test_numpy_integers_and_none_are_options() -> None:
    net = train("digits", net="64-16-10", epochs=np.int64(1), seed=np.uint8(7), rate=None)  # type: ignore[arg-type]
    assert net.fingerprint == train("digits", seed=7, **TINY).fingerprint
    assert type(net.summary["seed"]) is int


# --- data in memory ---


def halves() -> tuple[Any, Any]:
    return (DIGITS.train.images, DIGITS.train.labels), (DIGITS.test.images, DIGITS.test.labels)


def test_a_dataset_is_what_its_name_loads() -> None:
    assert train(DIGITS, **TINY).fingerprint == train("digits", **TINY).fingerprint


def test_arrays_are_copied_and_left_alone() -> None:
    images, labels = DIGITS.train.images.copy(), DIGITS.train.labels.copy()
    data = from_arrays((images, labels), (images, labels), (images, labels))
    images[:] = 0
    labels[:] = 0
    assert data.test.images.any()
    assert data.test.labels.any()
    assert np.array_equal(data.validation.labels, DIGITS.train.labels)


def test_arrays_in_any_order_lie_evenly() -> None:
    (images, labels), test = halves()
    order = np.argsort(labels, kind="stable")
    data = from_arrays((images[order], labels[order]), test)
    every = [np.bincount(data.train.labels[k : k + 100], minlength=10) for k in range(0, 900, 100)]
    assert np.min(every) >= 8
    assert np.max(every) <= 12
    share = np.bincount(data.validation.labels) / np.bincount(labels)
    assert np.allclose(share, 1 / 6, atol=0.01)
    kept = np.concatenate([data.train.images, data.validation.images])
    assert sorted(map(bytes, kept)) == sorted(map(bytes, images))


def test_a_run_on_arrays_says_that_they_are_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(from_arrays(*halves()), out=tmp_path / "run", **TINY)
    assert run(["evaluate", str(tmp_path / "run")]) == 2
    assert "learned from arrays in memory: give data with --dataset" in capsys.readouterr().err
    assert run(["evaluate", str(tmp_path / "run"), "--dataset", "digits"]) == 0


def test_rows_of_values_take_images_of_as_many_pixels() -> None:
    net = train(from_arrays(*halves()), **TINY)
    assert net.domain.image_shape is None
    flat = DIGITS.test.images
    assert np.array_equal(net.logits(flat), net.logits(flat.reshape(-1, 4, 16)))
    with pytest.raises(UsageError, match="each is 9x9 and the net takes 64 values"):
        net.predict(np.zeros((1, 9, 9), np.uint8))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": 3}, "train: give a pair"),
        ({"train": (np.zeros((0, 64), np.uint8), [])}, "train: there are no images"),
        ({"test": (np.zeros((1, 65), np.uint8), [0])}, r"test: images are \(1, 65\) and those"),
        ({"test": (np.zeros((1, 64), np.uint8), [10])}, "test: label 10 is beyond the 10"),
        ({"class_names": ["a", "b"]}, "train: label 9 is beyond the 2 classes"),
        ({"class_names": ["a"] * 10}, "class_names: two classes are named a"),
        ({"class_names": ["a\n", *"bcdefghij"]}, "cannot name a class"),
        ({"class_names": ["a"] * 257}, "2 to 256 classes, not 257"),
        ({"train": (np.zeros((7, 64), np.uint8), [0] * 7)}, "2 to 256 classes, not 1"),
        (
            {"train": (np.zeros((18, 64), np.uint8), [*range(1, 10)] * 2)},
            "no class has 6 training images",
        ),
        ({"train": (np.zeros((2, 0, 8), np.uint8), [0, 1])}, r"shape \(2, 0, 8\)"),
        ({"train": (np.zeros((2, 300, 300), np.uint8), [0, 1])}, "a net takes 65,536 values"),
    ],
)
def test_arrays_that_are_no_data_set(change: dict[str, Any], message: str) -> None:
    train_part, test_part = halves()
    with pytest.raises(FewmultError, match=message):
        from_arrays(**{"train": train_part, "test": test_part, **change})
