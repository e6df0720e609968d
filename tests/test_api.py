# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The Python API, as docs/api.md shows it and beyond."""

from __future__ import annotations

import doctest
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fewmult_hls
from checkout import DOCS
from command import SMALL, content, summary, write_set
from fewmult_hls import FewmultError, datasets, load, train
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import Dataset, Split, from_arrays
from fewmult_hls.models.classifier import Classifier
from fewmult_hls.system.errors import UsageError

DIGITS = datasets.load("digits")
TINY: Any = {"net": "64-16-10", "epochs": 1}


@pytest.fixture(scope="module")
def net() -> Iterator[Classifier]:
    with train("digits", **TINY) as trained:
        yield trained


@pytest.mark.parametrize(("page", "least"), [("api.md", 10), ("sweeps.md", 3)])
def test_examples_of_the_documentation(
    page: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert results.attempted > least
    assert results.failed == 0


def test_names_are_there_and_no_others() -> None:
    for name in fewmult_hls.__all__:
        assert getattr(fewmult_hls, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = fewmult_hls.lode


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
        (np.full((2, 64), 0.5), "values such as 0.5 are no whole numbers 0 to 255: scale them"),
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
        ([1], "give 2 whole numbers or names"),
        ([0.5, 1.0], "label 0.5 is no whole number"),
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
        ({"class_names": [*map(str, range(257))]}, "2 to 256 classes, not 257"),
        ({"train": (np.zeros((7, 64), np.uint8), [0] * 7)}, "2 to 256 classes, not 1"),
        (
            {"train": (np.zeros((20, 64), np.uint8), [*range(10)] * 2)},
            "no class has 6 training images",
        ),
        ({"train": (np.zeros((2, 0, 8), np.uint8), [0, 1])}, r"shape \(2, 0, 8\)"),
        (
            {"train": (DIGITS.train.images, np.append(DIGITS.train.labels[1:], 99))},
            "label 99 makes 100 classes, and 89 of them, such as 10, have no training image: .*"
            "classes=100",
        ),
        (
            {"train": (DIGITS.train.images, DIGITS.train.labels // 9 * 9)},
            "label 9 makes 10 classes, and 8 of them, such as 1, have",
        ),
        ({"test": (np.zeros((1, 64), np.uint8), [11]), "classes": 11}, "label 11 is beyond the 11"),
        ({"classes": 9}, "train: label 9 is beyond the 9 classes"),
        ({"classes": 11, "class_names": [*"abcdefghij"]}, "is 11, and there are 10 class_names"),
        ({"classes": 10.0}, "'classes' must be of type int, not 10.0"),
        ({"classes": True}, "'classes' must be of type int, not True"),
        ({"classes": 1 << 70}, "'classes' is beyond 64 bits"),
        ({"classes": 257}, "2 to 256 classes, not 257"),
        ({"class_names": "abcdefghij"}, "class_names: give a list of names, not one text"),
        ({"class_names": [*range(10)]}, "class_names: 0 cannot name a class"),
        ({"class_names": 10}, "class_names: .*not iterable"),
        ({"class_names": {"a": 0, "b": 1}}, "train: label 9 is beyond the 2 classes"),
        ({"name": ""}, "name: '' cannot name a data set"),
        ({"name": b"digits"}, "'name' must be of type str, not b'digits'"),
        ({"name": "a\nb"}, "cannot name a data set: give a line of text"),
        (
            {"train": (np.broadcast_to(np.uint8(0), (1 << 40, 64)), [0])},
            "a copy of the images needs",
        ),
        ({"train": (np.zeros((2, 300, 300), np.uint8), [0, 1])}, "a net takes 65,536 values"),
    ],
)
def test_arrays_that_are_no_data_set(change: dict[str, Any], message: str) -> None:
    train_part, test_part = halves()
    with pytest.raises(FewmultError, match=message):
        from_arrays(**{"train": train_part, "test": test_part, **change})


def test_classes_without_images_that_were_asked_for() -> None:
    data = from_arrays(*halves(), classes=12)
    assert (data.classes, data.class_names) == (12, ())
    assert from_arrays(*halves(), classes=np.int64(10)).digest == from_arrays(*halves()).digest
    named = from_arrays(*halves(), class_names=np.array([*"abcdefghijkl"]))
    assert (named.classes, set(map(type, named.class_names))) == (12, {str})
    assert train(data, net="64-16-12", epochs=1).classes == 12


class Contrary:
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no\narray")


def masked(shape: Any, dtype: Any = np.uint8) -> Any:
    return np.ma.masked_array(np.zeros(shape, dtype), np.arange(np.prod(shape)).reshape(shape) == 1)


NO_IMAGES: list[tuple[Any, str]] = [
    ([[0, 1], [2]], "this makes no array: .*inhomogeneous|images are object"),
    ([np.zeros((8, 8), np.uint8), np.zeros((7, 8), np.uint8)], "this makes no array|are object"),
    (Contrary(), "this makes no array: no$"),
    (None, "images are object"),
    ("eight", "images are <U5"),
    (b"eight", r"images are \|S5"),
    (7, r"images of shape \(\)"),
    ([[1, 2], [3, 400]], "values are .*from 1 to 400"),
    ([[1 << 70]], "values are .*from 1.18059e\\+21"),
    (np.full((2, 64), -0.5), "values are .*from -0.5 to -0.5"),
    (np.full((2, 64), -1, np.int8), "values are .*from -1 to -1"),
    (np.zeros((2, 64), np.complex64), "images are complex64"),
    (np.full((2, 64), np.nan), "no finite numbers"),
    (np.zeros((2, 64), "u1,u1"), "images are "),
    (np.zeros((2, 64), "M8[s]"), r"images are datetime64\[s\]"),
    (np.zeros((), np.uint8), r"shape \(\)"),
    (np.zeros((1, 2, 8, 8, 1), np.uint8), r"shape \(1, 2, 8, 8, 1\)"),
    (np.zeros((2, 0), np.uint8), r"shape \(2, 0\)"),
    ([], r"images of shape \(0,\)"),
    ({}, "images are object"),
    (masked((2, 64)), "some values are masked"),
    ([masked(64), np.zeros(64, np.uint8)], "some values are masked"),
    ([Image.new("P", (8, 8))] * 2, "an image has a palette"),
    (Image.new("P", (8, 8)), "an image has a palette"),
    ([Image.new("RGB", (8, 8))] * 2, r"8x8x3 and the net takes 8x8 pixels|\(8, 8, 3\)"),
    ([[0.5] * 64, [np.inf] * 64], "no finite numbers"),
]


@pytest.mark.parametrize(("images", "message"), NO_IMAGES, ids=range(len(NO_IMAGES)))
def test_what_is_no_image(images: Any, message: str, net: Classifier) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (
            lambda: net.predict(images),
            lambda: net.evaluate(images, [0, 1]),
            lambda: from_arrays((images, [0, 1]), halves()[1]),
            lambda: from_arrays(halves()[0], halves()[1], (images, [0, 1])),
        ):
            with pytest.raises(UsageError, match=message) as error:
                call()
            assert "\n" not in str(error.value)


NO_LABELS: list[tuple[Any, str]] = [
    ([0, [1]], "this makes no array|labels are object"),
    ([0], "give 2 whole numbers"),
    ([[0, 1]], "give 2 whole numbers"),
    (0, "give 2 whole numbers"),
    ([0.0, 1.5], "label 1.5 is no whole number"),
    ([0, np.nan], "label nan is no whole number"),
    ([0, 1j], "labels are complex128"),
    (["0", None], "label None (among names )?is none|there must be 2 to 256"),
    ([0, None], "label nan is no whole number"),
    ([0, object()], "labels are neither numbers nor names"),
    ([0, 1 << 70], "is no whole number"),
    ([[1, 0], [1, 1]], "have one 1 and zeros, and row 1 is otherwise"),
    ([[1, 0], [0.5, 0.5]], "have one 1 and zeros, and row 1 is otherwise"),
    (["a", "b\n"], "cannot name a class|is none of the classes|beyond"),
    ([0, -1], "labels must be 0 to 255"),
    ([0, 256], "labels must be 0 to 255"),
    (np.array([0, 2**64 - 1], np.uint64), "labels must be 0 to 255"),
    (masked(2, np.int64), "some values are masked"),
]


@pytest.mark.parametrize(("labels", "message"), NO_LABELS, ids=range(len(NO_LABELS)))
def test_what_is_no_label(labels: Any, message: str, net: Classifier) -> None:
    two = DIGITS.test.images[:2]
    for call in (
        lambda: net.evaluate(two, labels),
        lambda: from_arrays((two, labels), halves()[1]),
        lambda: from_arrays(halves()[0], (two, labels)),
    ):
        with pytest.raises(UsageError, match=message) as error:
            call()
        assert "\n" not in str(error.value)


def test_lists_of_images_are_arrays(net: Classifier) -> None:
    wanted = net.predict(DIGITS.test.images[:3])
    square = DIGITS.test.images[:3].reshape(-1, 8, 8)
    for images in (
        tuple(square),
        np.ma.masked_array(square),
        np.asfortranarray(square),
        square[:, ::-1, ::-1][:, ::-1, ::-1],
    ):
        assert np.array_equal(net.predict(images), wanted)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 64), np.float32), np.zeros(2, np.uint8)),
        (np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.uint8)),
        (np.zeros((2, 63), np.uint8), np.zeros(2, np.uint8)),
        (np.zeros((2, 64), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((2, 64), np.uint8), np.zeros((2, 1), np.uint8)),
        (np.zeros((2, 64), np.uint8), np.zeros(2, np.int64)),
        (np.zeros((2, 64), np.uint8), np.full(2, 10, np.uint8)),
        (np.zeros((0, 64), np.uint8), np.zeros(0, np.uint8)),
    ],
)
def test_a_data_set_made_by_hand_is_checked(images: Any, labels: Any) -> None:
    with pytest.raises(UsageError, match="test: a data set holds uint8 images"):
        Dataset("mine", 10, (8, 8), DIGITS.train, DIGITS.test, Split(images, labels))


def test_other_things_than_splits_and_names() -> None:
    for odd in (None, (DIGITS.test.images, DIGITS.test.labels), Split([[1]], None), Split(3, 4)):  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="test: a data set holds uint8 images"):
            Dataset("mine", 10, (8, 8), DIGITS.train, DIGITS.test, odd)  # type: ignore[arg-type]
    for name in (None, 7, b"digits", ["digits"], DIGITS):
        with pytest.raises(UsageError, match="a data set has a name or a path, not"):
            datasets.load(name)  # type: ignore[arg-type]


def test_a_path_is_a_name(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    assert datasets.load(folder).digest == datasets.load(str(folder)).digest
