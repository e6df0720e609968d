# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of images as data sets: how they are split, and what is wrong with them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import SMALL, assert_one_line, content, fewmult, limited, make_socket, summary
from fewmult_hls import datasets
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import Dataset, Split
from fewmult_hls.datasets.splitting import every, spread
from fewmult_hls.system.errors import FewmultError
from images import grey, png_bytes, raw_png, translucent, write_png

CLASSES = ("cat", "dog", "emu")
COUNTS = {"cat": 60, "dog": 31, "emu": 7}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FEWMULT_DATA", raising=False)
    monkeypatch.setenv("FEWMULT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_class(folder: Path, count: int, value: int, side: int = 4) -> None:
    """Image k is all of the grey value ``value + k``."""
    for k in range(count):
        write_png(folder / f"{k:03}.png", grey(side, value + k))


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """60 cats from value 0, 31 dogs from 100, 7 emus from 200."""
    for value, name in zip((0, 100, 200), CLASSES, strict=True):
        write_class(tmp_path / "pets" / name, COUNTS[name], value)
    return tmp_path / "pets"


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """train with 20 and 10 images, test with 3 and 2."""
    root = tmp_path / "parts"
    write_class(root / "train" / "cat", 20, 0)
    write_class(root / "train" / "dog", 10, 100)
    write_class(root / "test" / "cat", 3, 50)
    write_class(root / "test" / "dog", 2, 150)
    return root


def values(split: Split) -> list[int]:
    assert (split.images == split.images[:, :1]).all()
    return [int(value) for value in split.images[:, 0]]


def same(one: Dataset, other: Dataset) -> bool:
    return (
        (one.classes, one.image_shape, one.class_names)
        == (other.classes, other.image_shape, other.class_names)
    ) and all(
        np.array_equal(getattr(getattr(one, split), name), getattr(getattr(other, split), name))
        for split in ("train", "validation", "test")
        for name in ("images", "labels")
    )


# --- the split ---


def test_classes_alone_are_split_by_the_documented_rule(pets: Path) -> None:
    data = datasets.load(str(pets))
    assert (data.name, data.classes, data.class_names) == ("pets", 3, CLASSES)
    assert (data.image_shape, data.features) == ((4, 4), 16)
    expected: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for start, name in zip((0, 100, 200), CLASSES, strict=True):
        left = []
        for k in range(COUNTS[name]):
            (expected["test"] if k % 5 == 4 else left).append(start + k)
        for k, value in enumerate(left):
            expected["validation" if k % 6 == 5 else "train"].append(value)
    for name, wanted in expected.items():
        split = getattr(data, name)
        assert sorted(values(split)) == sorted(wanted)
        assert set(split.labels) == {0, 1, 2}
        assert [value // 100 for value in values(split)] == split.labels.tolist()


def test_training_images_of_each_class_lie_evenly(pets: Path) -> None:
    train = datasets.load(str(pets)).train
    assert [value for value in values(train) if value >= 200] == [200, 201, 202, 203, 205]
    quarter = len(train.labels) // 4
    for k in range(4):
        cats, dogs, emus = np.bincount(train.labels[k * quarter :][:quarter], minlength=3)
        assert 9 <= cats <= 11
        assert 4 <= dogs <= 6
        assert 1 <= emus <= 2


def test_spread_and_every_on_small_labels() -> None:
    labels = np.array([1, 1, 1, 1, 0, 0], np.uint8)
    # Places 1/8, 3/8, 5/8, 7/8 of class 1, and 1/4, 3/4 of class 0.
    assert spread(labels).tolist() == [0, 4, 1, 2, 5, 3]
    assert spread(np.array([1, 0, 2], np.uint8)).tolist() == [1, 0, 2]
    assert every(2, labels).tolist() == [False, True, False, True, False, True]
    assert spread(labels[:0]).tolist() == []


def test_parts_of_their_own(parts: Path) -> None:
    data = datasets.load(str(parts))
    assert data.class_names == ("cat", "dog")
    assert values(data.validation) == [5, 11, 17, 105]
    assert values(data.test) == [50, 51, 52, 150, 151]
    assert data.test.labels.tolist() == [0, 0, 0, 1, 1]
    assert sorted(values(data.train) + values(data.validation)) == [*range(20), *range(100, 110)]

    write_class(parts / "validation" / "dog", 1, 160)
    data = datasets.load(str(parts))
    assert (values(data.validation), data.validation.labels.tolist()) == ([160], [1])
    assert sorted(values(data.train)) == [*range(20), *range(100, 110)]


def test_a_class_may_be_named_train(tmp_path: Path) -> None:
    for name in ("bus", "test", "train"):
        write_class(tmp_path / "set" / name, 7, 10)
    assert datasets.load(str(tmp_path / "set")).class_names == ("bus", "test", "train")


def test_the_order_of_the_file_system_does_not_matter(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = datasets.load(str(pets))
    listed = Path.iterdir

    def backward(path: Path) -> Iterator[Path]:
        return iter(sorted(listed(path), reverse=True))

    monkeypatch.setattr(Path, "iterdir", backward)
    assert same(datasets.load(str(pets)), forward)


def test_hidden_files_are_ignored(pets: Path) -> None:
    before = datasets.load(str(pets))
    (pets / ".DS_Store").write_bytes(b"")
    (pets / "cat" / ".thumbs").write_bytes(b"")
    (pets / ".git").mkdir()
    assert same(datasets.load(str(pets)), before)


# --- the commands ---


def write_bars(folder: Path, count: int, row: int) -> None:
    """Images with one bright row."""
    for k in range(count):
        image = grey(4, k)
        image[row] = 200 + k
        write_png(folder / f"{k}.png", image)


@pytest.mark.slow
def test_train_evaluate_predict(tmp_path: Path) -> None:
    for row, name in enumerate(CLASSES):
        write_bars(tmp_path / "pets" / name, 20, row)
    net = ["--net", "16-64-3", "--batch", "16", "--epochs", "20"]
    done = fewmult("train", "--dataset", "pets", *net, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "runs" / "pets"
    found = summary(folder)
    assert found["dataset"] == str(tmp_path / "pets")
    assert found["test_error_ternary"] == 0
    assert f"fingerprint  {found['fingerprint']}" in fewmult("evaluate", folder).stdout
    # Emus alone to test with, and as class 1 of 2: the names decide.
    others = tmp_path / "others"
    for row, part in ((1, "train/dog"), (2, "train/emu"), (2, "test/emu")):
        write_bars(others / part, 6, row)
    done = fewmult("evaluate", folder, "--dataset", others)
    assert "0.00 % (0 of 6), ternary weights" in done.stdout
    write_bars(others / "train" / "fox", 6, 3)
    done = fewmult("evaluate", folder, "--dataset", others)
    assert done.returncode == 2
    assert_one_line(done.stderr, "knows no class 'fox' of others: its classes are cat, dog, emu")
    # A packed file keeps the names too.
    fewmult("export", folder, "--format", "packed", "--out", tmp_path / "packed")
    for model in (folder, tmp_path / "packed"):
        done = fewmult("predict", model, others / "test" / "emu" / "3.png")
        assert done.stdout.splitlines()[1].split()[1] == "emu"


def test_an_imported_copy_is_the_same_set(
    pets: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original = datasets.load(str(pets))
    assert run(["data", "import", "animals", "--from", str(pets)]) == 0
    shutil.rmtree(pets)
    assert same(datasets.load("animals"), original)
    capsys.readouterr()
    assert run(["data", "list"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "animals" in line)
    assert row.split() == ["animals", "3", "4x4", "66", "13", "19", str(cache / "animals")]
    # It can be imported from there, as a set of IDX files.
    assert run(["data", "import", "again", "--from", str(cache / "animals")]) == 0
    assert same(datasets.load("again"), original)
    (cache / "again" / "classes.json").write_text('["a", "b"]')
    assert run(["data", "info", "again"]) == 1
    assert "classes.json does not match its SHA-256" in capsys.readouterr().err


def test_info(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "info", str(pets)]) == 0
    out = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["emu", "5", "1", "1"] in out
    assert ["images", "4x4,", "16", "values", "0..206,", "uint8"] in out


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ('["a", "b"]', "label 2 at index 6 is beyond the 2 classes"),
        ('["a", "a", "b"]', "two classes are named a"),
        ('{"a": 1}', "must be of type list"),
        ('["a", 2, "b"]', "must be of type str"),
        ("[" * 100_000, "does not name the classes"),
        ("\xff", "does not name the classes"),
        (str([f"{k}" for k in range(257)]).replace("'", '"'), "256 at most"),
    ],
)
def test_damaged_class_names(names: str, part: str, pets: Path, cache: Path) -> None:
    assert run(["data", "import", "animals", "--from", str(pets)]) == 0
    (cache / "animals" / "checksums.json").unlink()
    (cache / "animals" / "classes.json").write_bytes(names.encode("latin-1"))
    with pytest.raises(FewmultError, match=part):
        datasets.load("animals")


def test_half_a_pair_of_validation_files(pets: Path, cache: Path) -> None:
    assert run(["data", "import", "animals", "--from", str(pets)]) == 0
    (cache / "animals" / "validation-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FewmultError, match="has only one of validation-images-idx3-ubyte and"):
        datasets.load("animals")


# --- what is wrong with a folder ---


def no_class(root: Path) -> None:
    shutil.rmtree(root / "cat")
    shutil.rmtree(root / "dog")


def many_classes(root: Path) -> None:
    for k in range(257):
        (root / f"class{k}").mkdir()


def unnamed(root: Path) -> None:
    (root / "cat").rename(root / "ca\nt")


def not_text(root: Path) -> None:
    os.rename(root / "cat", os.fsencode(root) + b"/ca\xfft")  # noqa: PTH104


def empty_class(root: Path) -> None:
    (root / "fox").mkdir()


def hidden_only(root: Path) -> None:
    (root / "fox").mkdir()
    (root / "fox" / ".png").write_bytes(png_bytes(grey(4, 1)))


def add(name: str, data: bytes) -> Callable[[Path], Any]:
    return lambda root: (root / name).write_bytes(data)


def put(name: str, make: Callable[[Path], Any]) -> Callable[[Path], Any]:
    return lambda root: make(root / name)


def link(target: str) -> Callable[[Path], Any]:
    return lambda path: path.symlink_to(target)


def grow(path: Path) -> None:
    """A good image, and then zeros that the disk does not have."""
    path.write_bytes(png_bytes(grey(4, 1)))
    os.truncate(path, 1 << 33)


FAULTS: list[tuple[Callable[[Path], Any], str]] = [
    (empty_class, "the class folder {root}/fox is empty: add images, or remove it"),
    (hidden_only, "the class folder {root}/fox is empty"),
    (lambda root: (root / "cat" / "x").mkdir(), "{root}/cat/x is a folder among images"),
    (add("cat/x.png", b""), "{root}/cat/x.png is no PNG, JPEG, BMP or WebP image: convert it"),
    (add("cat/x.png", png_bytes(grey(5, 1))), "{root}/cat/x.png has 5x5 pixels (rows x columns)"),
    (
        add("cat/x.png", png_bytes(grey(5, 1))),
        "and {root}/cat/000.png has 4x4: add --resize, such as",
    ),
    (add("cat/x.png", raw_png(translucent(4))), "{root}/cat/x.png (RGBA) has transparent pixels"),
    (add("cat/x.png", png_bytes(grey(4, 1))[:-20]), "{root}/cat/x.png is a damaged PNG image"),
    (add("x.png", png_bytes(grey(4, 1))), "{root}/x.png is a file among class folders"),
    (lambda root: (root / "emu/000.png").unlink(), "holds 6 image(s), and 7 are needed"),
    (no_class, "{root} has 1 class folder(s): there must be 2 to 256"),
    (many_classes, "{root} has 260 class folder(s)"),
    (unnamed, "'ca\\nt' cannot name a class: rename the folder"),
    (put("cat/x.png", os.mkfifo), "cannot read {root}/cat/x.png: it is no regular file"),
    (put("cat/x.png", link("/dev/zero")), "cannot read {root}/cat/x.png: it is no regular file"),
    (put("cat/x.png", link("nowhere")), "cannot read {root}/cat/x.png: No such file or directory"),
    (put("cat/x.png", link("x.png")), "cannot read {root}/cat/x.png: Too many levels of symbolic"),
    (put("cat/x.png", make_socket), "cannot read {root}/cat/x.png: No such device or address"),
    (put("cat/x.png", link("../dog")), "{root}/cat/x.png is a folder among images"),
    (put("fox", link("nowhere")), "{root}/fox is a file among class folders"),
    (put("fox", link("fox")), "{root}/fox is a file among class folders"),
    (put("fox", os.mkfifo), "{root}/fox is a file among class folders"),
    (put("cat/x.png", grow), "cannot read {root}/cat/x.png: it has more than 67,108,864 bytes"),
    (not_text, "cannot name a class: rename the folder"),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_faults_are_named(
    spoil: Callable[[Path], Any],
    message: str,
    pets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(pets)
    out = tmp_path / "run"
    assert run(["train", "--dataset", str(pets), *SMALL, "--out", str(out)]) == 1
    assert_one_line(capsys.readouterr().err, message.format(root=pets))
    assert not out.exists()


def empty_test_class(root: Path) -> None:
    shutil.rmtree(root / "test" / "dog")
    (root / "test" / "dog").mkdir()


def empty_test(root: Path) -> None:
    shutil.rmtree(root / "test")
    (root / "test").mkdir()


PART_FAULTS: list[tuple[Callable[[Path], Any], str]] = [
    (empty_test_class, "the class folder {root}/test/dog is empty"),
    (empty_test, "{root}/test has no class folders: add them, as in train"),
    (lambda root: shutil.rmtree(root / "test"), "{root} has a folder train but none named test"),
    (lambda root: (root / "val").mkdir(), "{root}/val is beside {root}/train, where only"),
    (lambda root: (root / "test" / "fox").mkdir(), "{root}/test/fox is of a class that"),
    (lambda root: shutil.rmtree(root / "train" / "dog"), "has 1 class folder(s)"),
    (add("test/cat/x.png", png_bytes(grey(5, 1))), "{root}/test/cat/x.png has 5x5 pixels"),
    (lambda root: [path.unlink() for path in (root / "train/dog").glob("00[0-4].png")], "6 are"),
]


@pytest.mark.parametrize(("spoil", "message"), PART_FAULTS)
def test_faults_of_parts_are_named(
    spoil: Callable[[Path], Any], message: str, parts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(parts)
    assert run(["data", "info", str(parts)]) == 1
    assert_one_line(capsys.readouterr().err, message.format(root=parts))


def test_images_that_no_net_takes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_class(tmp_path / "set" / name, 7, 1, side=257)
    with pytest.raises(FewmultError, match="257x257 pixels, and a net takes at most 65,536"):
        datasets.load(str(tmp_path / "set"))


def test_images_that_memory_does_not_hold(tmp_path: Path) -> None:
    """A few MB on the disk: links to one image."""
    image = write_png(tmp_path / "image.png", grey(256, 1))
    for name in ("a", "b"):
        folder = tmp_path / "set" / name
        folder.mkdir(parents=True)
        for k in range(1500):
            (folder / f"{k}.png").hardlink_to(image)
    done = fewmult("data", "info", tmp_path / "set", before=limited(400 << 20))
    assert done.returncode == 1
    assert_one_line(done.stderr, f"the images in {tmp_path}/set needs about 375 MiB of memory")


def test_images_without_class_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_class(tmp_path / "set", 7, 1)
    assert run(["data", "info", str(tmp_path / "set")]) == 1
    assert_one_line(
        capsys.readouterr().err, "holds images and no class folders: put those of each class"
    )


def test_an_import_that_fails_leaves_nothing(pets: Path, cache: Path) -> None:
    (pets / "cat" / "000.png").write_bytes(b"")
    assert run(["data", "import", "animals", "--from", str(pets)]) == 1
    assert content(cache) == {}
