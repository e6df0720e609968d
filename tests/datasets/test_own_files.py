# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Tables and arrays in files: what is read of them, and what is wrong with others."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import assert_one_line, summary
from fewmult_hls import datasets, load
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import from_arrays
from fewmult_hls.datasets.scale import Scale
from fewmult_hls.datasets.tables import read_table
from fewmult_hls.system.errors import FewmultError

DIGITS = datasets.load("digits")
IMAGES, LABELS = DIGITS.train.images[:300], DIGITS.train.labels[:300]
NAMES = np.array(["nought", "one", "two", "three", "four", "five", "six", "7", "8", "9"])


def write_table(path: Path, lines: Any, delimiter: str = ",") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return path


def digits_table(path: Path, labels: Any = LABELS, header: bool = True) -> Path:
    """As MNIST is on Kaggle: labels first, and then a column a pixel."""
    head = [["label", *(f"pixel{k}" for k in range(64))]] if header else []
    lines = ([label, *image] for label, image in zip(labels, IMAGES.tolist(), strict=True))
    return write_table(path, [*head, *lines])


# --- tables ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_its_arrays(delimiter: str, tmp_path: Path) -> None:
    lines = [["a", "b", "class"], *([k, 2 * k, k % 3] for k in range(60))]
    data = datasets.load(write_table(tmp_path / "mine.csv", lines, delimiter))
    values = np.array([[k, 2 * k] for k in range(60)])
    wanted = from_arrays((values, np.arange(60) % 3))
    assert (data.name, data.digest, data.classes) == ("mine", wanted.digest, 3)


def test_kaggles_mnist(tmp_path: Path) -> None:
    wanted = from_arrays((IMAGES, LABELS))
    assert datasets.load(digits_table(tmp_path / "a.csv")).digest == wanted.digest
    bare = digits_table(tmp_path / "b.csv", header=False)
    with pytest.raises(FewmultError, match="does not say which column has the labels: add --label"):
        datasets.load(bare)
    assert datasets.load(bare, label="1").digest == wanted.digest


def test_names_as_labels(tmp_path: Path) -> None:
    data = datasets.load(digits_table(tmp_path / "a.csv", NAMES[LABELS], header=False))
    assert data.class_names == tuple(sorted(NAMES))
    shown = np.array(data.class_names)[data.test.labels]
    wanted = from_arrays((IMAGES, NAMES[LABELS]))
    assert shown.tolist() == np.array(wanted.class_names)[wanted.test.labels].tolist()


def test_line_numbers_are_left_out(tmp_path: Path) -> None:
    lines = [["", "a", "b", "y"], *([k, k % 7, k % 5, k % 2] for k in range(40))]
    data = datasets.load(write_table(tmp_path / "t.csv", lines))
    assert data.features == 2
    assert data.notes[0].startswith(f"column 1 of {tmp_path / 't.csv'} has no name")


def flowers(count: int = 90) -> list[list[Any]]:
    random = np.random.default_rng(4)
    lines: list[list[Any]] = [["sepal length", "sepal width", "petal length", "species"]]
    for k in range(count):
        middle = np.array([[5.0, 3.4, 1.5], [5.9, 2.8, 4.3], [6.6, 3.0, 5.6]])[k % 3]
        values = middle + random.normal(0, 0.15, 3)
        lines.append([*(f"{value:.2f}" for value in values), ["red", "blue", "white"][k % 3]])
    return lines


def test_train_and_predict_on_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Values of any range by columns, whose ranges the model keeps."""
    path = write_table(tmp_path / "flowers.csv", flowers())
    out = tmp_path / "run"
    common = ["train", "--dataset", str(path), "--net", "3-64-3", "--epochs", "60"]
    assert run([*common, "--out", str(out)]) == 2
    assert_one_line(capsys.readouterr().err, "train: values are fractions from 1.")
    assert run([*common, "--scale", "columns", "--out", str(out)]) == 0
    found = summary(out)
    assert (found["dataset"], found["scale"], found["batch"]) == (str(path), "columns", 32)
    assert found["test_error"] == 0
    capsys.readouterr()
    assert run(["evaluate", str(out)]) == 0
    assert "0.00 % (0 of 18), 8-bit weights" in capsys.readouterr().out
    new = write_table(tmp_path / "new.csv", [["6.6", "3.1", "5.7"], ["5.0", "3.4", "1.4"]])
    assert run(["predict", str(out), str(new)]) == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:]] == [
        *("white", "red")
    ]
    with load(out) as net:
        assert net.domain.preprocessing.scale.kind == "columns"
        labels = net.predict([[6.6, 3.1, 5.7], [5.0, 3.4, 1.4]])
        assert [net.domain.class_names[label] for label in labels] == ["white", "red"]
    wide = write_table(tmp_path / "wide.csv", [["1", "2"], ["3", "4"]])
    assert run(["predict", str(out), str(wide)]) == 1
    assert_one_line(capsys.readouterr().err, "has 2 columns of values and the model takes 3")


def test_a_folder_of_tables(tmp_path: Path) -> None:
    lines = flowers()
    write_table(tmp_path / "train.csv", lines[:61])
    write_table(tmp_path / "test.csv", [lines[0], *lines[61:]])
    data = datasets.load(tmp_path, scale="columns")
    assert [len(split.labels) for split in data.splits] == [51, 9, 30]
    assert data.class_names == ("blue", "red", "white")
    write_table(tmp_path / "test.csv", [line[1:] for line in [lines[0], *lines[61:]]])
    with pytest.raises(FewmultError, match=r"test.csv has 2 columns of values and .*train.csv 3"):
        datasets.load(tmp_path, scale="columns")


BAD_TABLES: list[tuple[bytes, dict[str, str], str]] = [
    (b"", {}, "has no lines of values: give a larger table"),
    (b"a,b,y\n", {}, "has no lines of values"),
    (b"a,b,y\n1,2,0\n1,2\n", {}, "line 3 has 2 columns and the first has 3: correct it"),
    (b"a,b,y\n1,2,0\n1,two,0\n", {}, "line 3 has 'two' in column 2, which is no number"),
    (b"a,b,y\n1,2,0\n1,,0\n", {}, "line 3 has '' in column 2, which is no number"),
    (b"a,b,y\n" + b"1,nan,0\n1,2,1\n" * 9, {}, "no finite numbers"),
    (b"a,b,y\n" + b"1,-2,0\n1,2,1\n" * 9, {}, "values are whole numbers from -2 to 2: scale them"),
    (b"a,b,y\n" + b"1,2,cat\n" * 20, {}, "there must be 2 to 256 classes, not 1"),
    (b"a,b,y\n" + b"1,2,0.5\n1,2,1\n" * 9, {}, "label 0.5 is no whole number"),
    (b"a,b,y\n" + b"1,2,0\n1,2,-1\n" * 9, {}, "labels must be 0 to 255"),
    (b"a,b,c\n1,2,0\n", {}, "does not say which column has the labels"),
    (b"a,b,c\n1,2,0\n", {"label": "d"}, "has no column 'd' for labels: its columns are a, b, c"),
    (b"a,b,c\n1,2,0\n", {"label": "4"}, "has no column '4'"),
    (b"1,2\n1,2\n", {"label": "9" * 50}, "for labels: its columns are 1 to 2"),
    (b"y\n1\n2\n", {}, "has 0 columns of values"),
    (b"a,b,y\n1,\xff\xfe,0\n", {}, "is no table in UTF-8"),
    (b'a,b,y\n1,"2,0\n', {}, "is no table in UTF-8"),
    (b"a,b,y\n1,2,0\0\n", {}, "is no table in UTF-8|is no number|labels|classes"),
    (b"PK\3\4" + bytes(100), {}, "has no lines of values|is no table|no number|which column"),
    (b"a,b,y\n" + b"1,2,0\n1,2,1\n" * 9, {"resize": "2x2"}, "rows of values cannot be scaled"),
]


@pytest.mark.parametrize(("content", "options", "message"), BAD_TABLES, ids=range(len(BAD_TABLES)))
def test_tables_that_are_refused(
    content: bytes, options: dict[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(FewmultError, match=message) as error:
        datasets.load(tmp_path / "t.csv", **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_many_lines_are_in_their_order(tmp_path: Path) -> None:
    lines = [["x", "y"], *([k, k % 2] for k in range(2500))]
    table = read_table(write_table(tmp_path / "t.csv", lines))
    assert table.values[:, 0].tolist() == list(range(2500))
    assert table.labels is not None
    assert table.labels.tolist() == [k % 2 for k in range(2500)]


# --- arrays ---


def npz(path: Path, compressed: bool = True, **arrays: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
    ],
)
def test_arrays_by_the_names_that_people_give(
    names: tuple[str, ...], compressed: bool, tmp_path: Path
) -> None:
    test = DIGITS.test.images / 255, DIGITS.test.labels.astype(np.int64)
    arrays = dict(zip(names, (IMAGES / 255, LABELS, *test), strict=True))
    data = datasets.load(npz(tmp_path / "mine.npz", compressed, **arrays))
    assert data.digest == from_arrays((IMAGES / 255, LABELS), test).digest
    assert (data.name, data.preprocessing.scale) == ("mine", Scale("unit"))


def test_validation_names_and_others(tmp_path: Path) -> None:
    arrays = {"train_images": IMAGES, "train_labels": LABELS[:, None], "val_images": IMAGES[:40]}
    arrays |= {"val_labels": LABELS[:40], "test_images": IMAGES, "test_labels": LABELS}
    data = datasets.load(
        npz(tmp_path / "a.npz", **arrays, class_names=np.array([*"abcdefghij"]), more=np.zeros(3))
    )
    assert len(data.validation.labels) == 40
    assert data.class_names == tuple("abcdefghij")
    assert data.notes == (
        f"arrays of {tmp_path / 'a.npz'} that are no images or labels were left out: more",
    )
    one = datasets.load(npz(tmp_path / "b.npz", images=IMAGES, labels=LABELS))
    assert one.digest == from_arrays((IMAGES, LABELS)).digest


def changed_zip(content: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert old in content
    return content.replace(old, new)


def test_arrays_that_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = npz(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    good = path.read_bytes()
    size = (IMAGES.nbytes + 128).to_bytes(4, "little")
    pickled = io.BytesIO()
    np.savez(pickled, images=np.array([{}]), labels=LABELS)
    nothing = io.BytesIO()
    with zipfile.ZipFile(nothing, "w"):
        pass
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("images.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("images.npy", b"")
    for content, message in (
        (good[:-30], "is damaged, or no .npz file of numbers and texts"),
        (b"", "is damaged, or no .npz file"),
        (changed_zip(good, size, (1 << 20).to_bytes(4, "little")), "is damaged, or no .npz file"),
        (changed_zip(good, size, (3_000_000_000).to_bytes(4, "little")), ""),
        (changed_zip(good, size, (1000).to_bytes(4, "little")), "is damaged, or no .npz file"),
        (pickled.getvalue(), "is damaged, or no .npz file of numbers"),
        (nothing.getvalue(), "has nothing: name its arrays images and labels, or x_train"),
        (twice.getvalue(), "has two arrays of one name"),
    ):
        path.write_bytes(content)
        assert run(["data", "info", str(path)]) == 1
        assert_one_line(capsys.readouterr().err, message)
    for arrays, message in (
        ({"images": IMAGES}, "has images: name its arrays images and labels"),
        ({"x_test": IMAGES, "y_test": LABELS}, "has x_test, y_test: name its arrays"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.zeros(10)}, "no row of texts"),
    ):
        npz(path, **arrays)
        assert run(["data", "info", str(path)]) == 1
        assert_one_line(capsys.readouterr().err, message)
    colours = np.zeros((20, 3, 8, 8), np.uint8)
    npz(path, images=colours, labels=np.arange(20) % 2)
    assert run(["data", "info", str(path)]) == 2
    assert_one_line(capsys.readouterr().err, "their channels in front: give images.transpose(0, 2")


def test_an_empty_folder_and_a_missing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--dataset", str(tmp_path)]) == 1
    assert_one_line(capsys.readouterr().err, f"{tmp_path} is empty: a data set has a folder of")
    assert run(["train", "--dataset", f"{tmp_path}/none.csv"]) == 2
    assert_one_line(capsys.readouterr().err, f"there is no file {tmp_path}/none.csv")


def test_other_sets_are_made_grey_and_scaled_as_well() -> None:
    data = datasets.load("digits", resize="4x4")
    assert (data.image_shape, data.features) == ((4, 4), 16)
    square = DIGITS.train.images.reshape(-1, 4, 2, 4, 2).astype(int).sum(axis=(2, 4))
    assert np.array_equal(data.train.images, ((square + 2) // 4).reshape(-1, 16))
