# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Data sets: reading, checks, places, import and fetch."""

import functools
import gzip
import hashlib
import json
import os
import re
import resource
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import assert_one_line, fewmult, limited, make_socket
from fewmult_hls import datasets
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import checksums, idx
from fewmult_hls.datasets.fetch import fetch
from fewmult_hls.datasets.folder import STEMS, VALIDATION_STEMS, find_files
from fewmult_hls.datasets.importing import import_set
from fewmult_hls.datasets.published import PUBLISHED
from fewmult_hls.runs.plan import plan_run
from fewmult_hls.system.errors import FewmultError, UsageError
from mirror import closed_port, publish, serving

# Read before the fixture below gives each test folders of its own.
REAL_MNIST = Path(os.environ.get("FEWMULT_DATA", ""), "mnist")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = STEMS


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Folders of the test's own instead of the user's; none exists yet."""
    given, cache = tmp_path / "given", tmp_path / "cache"
    monkeypatch.setenv("FEWMULT_DATA", str(given))
    monkeypatch.setenv("FEWMULT_CACHE", str(cache))
    return given, cache


def images(count: int, rows: int = 4, columns: int = 5, seed: int = 1) -> np.ndarray:
    values = np.random.default_rng(seed).integers(0, 256, (count, rows, columns))
    return values.astype(np.uint8)


def labels(count: int, classes: int = 3) -> np.ndarray:
    return (np.arange(count) % classes).astype(np.uint8)


def write_set(folder: Path, end: str = "", **replaced: np.ndarray) -> Path:
    """A set of 20 training and 6 test images; ``replaced`` is by stem, with ``_`` for ``-``."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = [images(20), labels(20), images(6, seed=2), labels(6)]
    for stem, array in zip(STEMS, arrays, strict=True):
        idx.write(folder / f"{stem}{end}", replaced.get(stem.replace("-", "_"), array))
    return folder


def one_line(error: pytest.ExceptionInfo[FewmultError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def refused(call: Callable[[], Any], *parts: str, kind: type[FewmultError] = FewmultError) -> None:
    with pytest.raises(kind) as error:
        call()
    message = one_line(error)
    assert type(error.value) is kind
    for part in parts:
        assert part in message


# IDX files


@pytest.mark.parametrize("name", ["file", "file.gz"])
@pytest.mark.parametrize("array", [images(7), labels(9), images(0), labels(0)], ids=str)
def test_idx_round_trip(tmp_path: Path, name: str, array: np.ndarray) -> None:
    path = tmp_path / name
    idx.write(path, array)
    read = idx.read_images(path) if array.ndim == 3 else idx.read_labels(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)
    assert idx.is_gzip(path) == name.endswith(".gz")


def test_idx_layout_is_the_published_one(tmp_path: Path) -> None:
    idx.write(tmp_path / "x", np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
    assert (tmp_path / "x").read_bytes() == bytes.fromhex(
        "00000803 00000001 00000002 00000003 000102030405"
    )


def test_gzip_is_told_by_content_and_written_reproducibly(tmp_path: Path) -> None:
    idx.write(tmp_path / "a.gz", labels(9))
    idx.write(tmp_path / "b.gz", labels(9))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    (tmp_path / "a.gz").rename(tmp_path / "plain")
    np.testing.assert_array_equal(idx.read_labels(tmp_path / "plain"), labels(9))


@pytest.mark.parametrize("array", [np.zeros((2, 2), np.uint8), np.zeros(3, np.int32)], ids=str)
def test_write_refuses_other_arrays(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        idx.write(tmp_path / "x", array)


HEADER = struct.pack(">HBBI", 0, 8, 1, 3)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "cut short within its header"),
        (HEADER[:6], "cut short within its header"),
        (HEADER + b"ab", "cut short"),
        (HEADER + b"abcd", "goes on after its 3 bytes"),
        (b"PK\3\4 no idx file", "is no IDX file: it begins with 50 4b 03 04"),
        (struct.pack(">HBBI", 0, 13, 1, 3) + b"abc", "type 0x0d, not unsigned bytes"),
        (struct.pack(">HBB3I", 0, 8, 3, 1, 1, 1) + b"a", "3 dimension(s) where labels"),
        (struct.pack(">HBBI", 0, 8, 1, 2**32 - 1) + b"abc", "cannot hold"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, functools.partial(gzip.compress, mtime=0)])
def test_bad_label_files(
    tmp_path: Path, content: bytes, fault: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "labels"
    path.write_bytes(pack(content))
    refused(lambda: idx.read_labels(path), str(path), fault)


def test_image_file_with_impossible_header_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3))
    refused(lambda: idx.read_images(path), "cannot hold")


def test_gzip_faults(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    idx.write(path, images(50))
    whole = path.read_bytes()
    wrong_sum = bytearray(whole)
    wrong_sum[-8] ^= 1
    for content in (bytes(wrong_sum), whole[:-1], whole + b"more", b"\x1f\x8b\x09" + whole[3:]):
        path.write_bytes(content)
        refused(lambda: idx.read_images(path), str(path), "damaged gzip data", "again")


def test_unreadable_files(tmp_path: Path) -> None:
    refused(lambda: idx.read_images(tmp_path / "none"), "cannot read", "No such file")
    refused(lambda: idx.read_images(tmp_path), "cannot read", "directory")
    refused(lambda: checksums.sha256(tmp_path), "cannot read", "directory")


@pytest.fixture(scope="module", params=["x", "x.gz"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / request.param
    idx.write(path, images(6))
    return path


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_truncation_is_refused(sample: Path, data: st.DataObject) -> None:
    whole = sample.read_bytes()
    path = sample.with_name("cut")
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    refused(lambda: idx.read_images(path), str(path))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_change_is_refused_or_gives_an_array_of_that_size(
    sample: Path, data: st.DataObject
) -> None:
    content = bytearray(sample.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = sample.with_name("changed")
    path.write_bytes(content)
    try:
        read = idx.read_images(path)
    except FewmultError:
        return
    assert read.size == 6 * 4 * 5
    if sample.suffix == ".gz":
        np.testing.assert_array_equal(read, images(6))


# Folders


@pytest.mark.parametrize("end", ["", ".gz"])
def test_load_folder(tmp_path: Path, end: str) -> None:
    dataset = datasets.load(str(write_set(tmp_path / "Mine", end)))
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("Mine", 3, (4, 5))
    assert dataset.features == 20
    all_images = images(20).reshape(20, 20)
    np.testing.assert_array_equal(dataset.train.images, all_images[:17])
    np.testing.assert_array_equal(dataset.train.labels, labels(20)[:17])
    np.testing.assert_array_equal(dataset.validation.images, all_images[17:])
    np.testing.assert_array_equal(dataset.validation.labels, labels(20)[17:])
    np.testing.assert_array_equal(dataset.test.images, images(6, seed=2).reshape(6, 20))
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.images.flags.c_contiguous
        assert not split.images.flags.writeable
        assert not split.labels.flags.writeable


def test_other_spelling_of_the_file_names(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", ".gz")
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert find_files(folder)[STEMS[3]].name == "t10k-labels.idx1-ubyte.gz"
    assert datasets.load(str(folder)).classes == 3


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_folder_of_the_files_name_that_holds_it(tmp_path: Path, end: str) -> None:
    """As archives of MNIST unpack at Kaggle; two spellings may be there at once."""
    folder = write_set(tmp_path / "set", end)
    for path in list(folder.iterdir()):
        path.rename(tmp_path / "file")
        inner = path.name.replace("-idx", ".idx") if "t10k" in path.name else path.name
        path.mkdir()
        (tmp_path / "file").rename(path / inner)
    assert find_files(folder)[STEMS[3]].name == f"t10k-labels.idx1-ubyte{end}"
    assert datasets.load(str(folder)).train.images.shape == (17, 20)
    assert {path.name for path in import_set("mine", folder).iterdir()} == {
        *(f"{stem}{end}" for stem in STEMS),
        "checksums.json",
    }
    empty = folder / TRAIN_LABELS
    shutil.rmtree(folder / f"{TRAIN_LABELS}{end}")
    empty.mkdir()
    refused(lambda: datasets.load(str(folder)), f"lacks {TRAIN_LABELS} ")
    idx.write(folder / f"{TRAIN_LABELS}.gz", labels(20))
    assert datasets.load(str(folder)).classes == 3


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / TRAIN_LABELS).unlink()
    (folder / TEST_IMAGES).unlink()
    refused(lambda: datasets.load(str(folder)), f"lacks {TRAIN_LABELS}, {TEST_IMAGES} ")


@pytest.mark.parametrize(
    ("stem", "array", "parts"),
    [
        (TRAIN_LABELS, labels(19), ["holds 20 images but", TRAIN_LABELS, "19 labels"]),
        (TEST_IMAGES, images(5), ["holds 5 images but", TEST_LABELS, "6 labels"]),
        (TEST_IMAGES, images(6, 5, 4), [TEST_IMAGES, "of 5x4", "training images are 4x5"]),
        (TEST_LABELS, labels(6, 4), [TEST_LABELS, "label 3 at index 3", "the 3 classes (0..2)"]),
        (TRAIN_IMAGES, images(20, 0), [TRAIN_IMAGES, "without pixels"]),
        (TRAIN_IMAGES, images(20, 257, 256), [TRAIN_IMAGES, "of 257x256", "takes at most 65,536"]),
        (TRAIN_LABELS, images(20), [TRAIN_LABELS, "3 dimension(s)", "swapped"]),
    ],
)
def test_sets_that_do_not_fit(
    tmp_path: Path, stem: str, array: np.ndarray, parts: list[str]
) -> None:
    folder = write_set(tmp_path / "set", **{stem.replace("-", "_"): array})
    refused(lambda: datasets.load(str(folder)), *parts)


def test_empty_splits_are_refused(tmp_path: Path) -> None:
    folder = write_set(
        tmp_path / "set", t10k_images_idx3_ubyte=images(0), t10k_labels_idx1_ubyte=labels(0)
    )
    refused(lambda: datasets.load(str(folder)), TEST_IMAGES, "0 image(s)", "at least 1 ")
    idx.write(folder / TRAIN_IMAGES, images(5))
    idx.write(folder / TRAIN_LABELS, labels(5))
    refused(lambda: datasets.load(str(folder)), TRAIN_IMAGES, "5 image(s)", "at least 6 ")


def test_mnist_has_ten_classes_whatever_the_labels(places: tuple[Path, Path]) -> None:
    folder = write_set(places[0] / "mnist")
    assert datasets.load("mnist").classes == 10
    wrong = labels(20)
    wrong[7] = 10
    idx.write(folder / TRAIN_LABELS, wrong)
    path = str(folder / TRAIN_LABELS)
    refused(lambda: datasets.load("mnist"), path, "label 10 at index 7", "the 10 classes")


def with_label(array: np.ndarray, index: int, label: int) -> np.ndarray:
    changed = array.copy()
    changed[index] = label
    return changed


def test_a_class_that_nothing_can_be_learned_of(tmp_path: Path) -> None:
    """Of a wrong label; of one among those that validate; or since it lacks all images."""
    folder = write_set(tmp_path / "set")
    run = {"dataset": str(folder), "batch": 16}
    for wrong, empty in (
        (with_label(labels(20), 3, 99), "label 99 makes 100 classes, and 96 of them, such as 3"),
        (with_label(labels(20), 19, 3), "label 3 makes 4 classes, and 1 of them, such as 3"),
        (labels(20) * np.uint8(2), "label 4 makes 5 classes, and 2 of them, such as 1"),
    ):
        idx.write(folder / TRAIN_LABELS, wrong)
        fault = f"set: {empty}, have no training image"
        refused(lambda: plan_run(run), fault, "classes.json", kind=UsageError)
    # They are enough to test a net on, and who names five classes has them.
    assert datasets.load(str(folder)).classes == 5
    (folder / "classes.json").write_text('["a", "b", "c", "d", "e"]')
    assert plan_run(run).config.net == "20-256-256-5"
    (folder / "classes.json").unlink()
    # Those that validate do not count, but leave all others to learn from.
    idx.write(folder / VALIDATION_STEMS[0], images(5))
    idx.write(folder / VALIDATION_STEMS[1], np.full(5, 3, np.uint8))
    refused(lambda: plan_run(run), "such as 1", kind=UsageError)
    idx.write(folder / TRAIN_LABELS, with_label(labels(20), 19, 3))
    assert plan_run(run).config.net == "20-256-256-4"


ODD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "pipe": (os.mkfifo, "it is no regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    "looping link": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    "socket": (make_socket, "No such device or address"),
}


@pytest.mark.parametrize("kind", ODD_FILES)
@pytest.mark.parametrize("name", [*STEMS, *VALIDATION_STEMS, "classes.json", "checksums.json"])
def test_files_that_are_none(tmp_path: Path, name: str, kind: str) -> None:
    folder = write_set(tmp_path / "set")
    for stem, array in zip(VALIDATION_STEMS, (images(3), labels(3)), strict=True):
        idx.write(folder / stem, array)
    make, fault = ODD_FILES[kind]
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    refused(lambda: datasets.load(str(folder)), f"cannot read {folder / name}: ", fault)


@pytest.mark.slow
def test_a_set_larger_than_memory(tmp_path: Path) -> None:
    """In a process with little: 3,000,000 images of a .gz of 2.3 MB, and a sparse file."""
    folder = write_set(tmp_path / "set")
    header = struct.pack(">HBB3I", 0, 8, 3, 3_000_000, 28, 28)
    with (folder / TRAIN_IMAGES).open("wb") as sparse:
        sparse.write(header)
        sparse.truncate(len(header) + 3_000_000 * 784)
    with (folder / TRAIN_LABELS).open("wb") as sparse:
        sparse.write(struct.pack(">HBBI", 0, 8, 1, 3_000_000))
        sparse.truncate(8 + 3_000_000)
    idx.write(folder / TEST_IMAGES, images(6, 28, 28))
    for pack in (False, True):
        if pack:
            unit = gzip.compress(header, 1) + gzip.compress(bytes(784 * 60_000), 1) * 50
            (folder / TRAIN_IMAGES).unlink()
            (folder / f"{TRAIN_IMAGES}.gz").write_bytes(unit)
        for command in (["data", "info", folder], ["train", "--dataset", folder]):
            done = fewmult(*command, before=limited(400 << 20), cwd=tmp_path)
            assert done.returncode == 1
            assert_one_line(done.stderr, f"the set in {folder} needs about 2.2 GiB of memory, and")
            assert "MiB are free: take fewer images" in done.stderr


# Names and places


def test_given_folder_comes_before_the_cache(places: tuple[Path, Path]) -> None:
    given, cache = places
    write_set(cache / "mine")
    assert datasets.locate("mine") == cache / "mine"
    write_set(given / "mine")
    write_set(given / "Not a name")
    (given / "empty").mkdir()
    assert datasets.locate("mine") == given / "mine"
    assert datasets.available() == {"digits": None, "mine": given / "mine"}
    assert datasets.load("mine").name == "mine"


def test_cache_is_the_users_without_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FEWMULT_DATA")
    monkeypatch.delenv("FEWMULT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write_set(tmp_path / "fewmult-hls" / "mine")
    assert datasets.locate("mine") == tmp_path / "fewmult-hls" / "mine"


@pytest.mark.parametrize("variable", ["FEWMULT_DATA", "FEWMULT_CACHE"])
def test_variables_that_no_shell_has_looked_at(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path / "home" / "sets" / "mine")
    monkeypatch.setenv(variable, "~/sets")
    assert datasets.locate("mine") == tmp_path / "home" / "sets" / "mine"
    monkeypatch.setenv(variable, "home/sets")
    assert datasets.load("mine").classes == 3
    monkeypatch.setenv(variable, "~nobody-has-this-name/sets")
    part = f"{variable} is ~nobody-has-this-name/sets, and there is no such home folder"
    refused(lambda: datasets.load("mine"), part, kind=UsageError)
    for nothing in ("", " "):
        monkeypatch.setenv(variable, nothing)
        refused(lambda: datasets.load("mine"), "there is no data set 'mine'", kind=UsageError)
    assert not [path for path in tmp_path.iterdir() if "~" in path.name]


def test_sets_below_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a config.toml or an option after an equals sign names them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    write_set(tmp_path / "mine")
    assert datasets.locate("~/mine") == tmp_path / "mine"
    assert datasets.load("~/mine").name == "mine"
    refused(lambda: datasets.load("~/none"), "there is no folder ~/none", kind=UsageError)
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path / "~" / "mine")
    assert datasets.locate("~/mine") == Path("~/mine")


def test_nobody_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id that no one has, as containers give it."""
    for name in ("HOME", "XDG_CACHE_HOME", "FEWMULT_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    refused(datasets.available, "you have no home folder: name one", kind=UsageError)
    assert datasets.load("digits").classes == 10


def test_missing_mnist_names_places_and_ways(places: tuple[Path, Path]) -> None:
    looked = [str(root / "mnist") for root in places]
    ways = ["data fetch mnist", "data import mnist"]
    refused(lambda: datasets.load("mnist"), *looked, *ways)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("minst", "did you mean mnist?"), ("MNIST", "did you mean mnist?"), ("", "known: "),
     ("nothing-like-it", "known: cifar10, digits, fashion-mnist, kmnist, mine, mnist, svhn)"),
     ("no/such", "no folder no/such")],
)  # fmt: skip
def test_unknown_names(places: tuple[Path, Path], name: str, hint: str) -> None:
    write_set(places[0] / "mine")
    refused(lambda: datasets.load(name), hint, kind=UsageError)


@pytest.mark.parametrize("name", ["a" * 300, "./" + "a" * 300, "\0"])
def test_names_no_file_can_have(name: str) -> None:
    with pytest.raises(FewmultError):
        datasets.load(name)


def test_folder_beside_is_found_by_its_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path / "beside")
    monkeypatch.chdir(tmp_path)
    assert datasets.load("beside").name == "beside"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_root(places: tuple[Path, Path]) -> None:
    places[0].mkdir()
    places[0].chmod(0)
    refused(datasets.available, "cannot read", str(places[0]))
    refused(lambda: datasets.load("mnist"), "cannot read", str(places[0]))


# digits


def test_digits() -> None:
    dataset = datasets.load("digits")
    assert (dataset.name, dataset.classes, dataset.image_shape) == ("digits", 10, (8, 8))
    splits = (dataset.train, dataset.validation, dataset.test)
    assert [len(split.labels) for split in splits] == [1199, 239, 359]
    assert [split.images.shape[1] for split in splits] == [64] * 3
    every = np.concatenate([split.labels for split in splits])
    # The distribution the source states for its test set.
    assert np.bincount(every).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert set(np.unique(dataset.train.images)) == {*range(0, 256, 16), 255}


def test_digits_order_is_the_files() -> None:
    dataset = datasets.load("digits")
    # The source begins 0 1 2 3 4 5 6 7 8 9 0 ..., of which 4 and 9 are for the test; of the
    # others, the sixth and so the 6 is for validation.
    assert dataset.train.labels[:8].tolist() == [0, 1, 2, 3, 5, 7, 8, 0]
    assert dataset.validation.labels[0] == 6
    assert dataset.test.labels[:3].tolist() == [4, 9, 4]
    first = [0, 0, 5, 13, 9, 1, 0, 0]
    assert dataset.train.images[0, :8].tolist() == [16 * value for value in first]


def test_digits_are_pinned() -> None:
    dataset = datasets.load("digits")
    digest = hashlib.sha256()
    for split in (dataset.train, dataset.validation, dataset.test):
        digest.update(split.images.tobytes() + split.labels.tobytes())
    assert digest.hexdigest() == "a01a7ac8f3b0220bb784edf83ceaeef898675d503d18174cd90ca8919ea87372"


# Import


@pytest.mark.parametrize("end", ["", ".gz"])
def test_import(tmp_path: Path, places: tuple[Path, Path], end: str) -> None:
    source = write_set(tmp_path / "source", end)
    folder = import_set("mine", source)
    assert folder == places[1] / "mine"
    sums = json.loads((folder / "checksums.json").read_text())
    assert sorted(sums) == sorted(f"{stem}{end}" for stem in STEMS)
    assert sums[STEMS[0] + end] == checksums.sha256(source / (STEMS[0] + end))
    assert [path.name for path in places[1].iterdir()] == ["mine"]
    np.testing.assert_array_equal(
        datasets.load("mine").train.images, datasets.load(str(source)).train.images
    )


def test_import_names_the_copies_by_content(tmp_path: Path) -> None:
    source = write_set(tmp_path / "source", ".gz")
    path = source / f"{TEST_LABELS}.gz"
    path.rename(source / "t10k-labels.idx1-ubyte")
    assert (import_set("mine", source) / f"{TEST_LABELS}.gz").is_file()


def test_import_replaces_only_if_told(tmp_path: Path, places: tuple[Path, Path]) -> None:
    source = write_set(tmp_path / "source")
    import_set("mine", source)
    other = write_set(tmp_path / "other", ".gz", train_labels_idx1_ubyte=labels(20, 7))
    refused(lambda: import_set("mine", other), "is there already", "--overwrite")
    assert datasets.load("mine").classes == 3
    import_set("mine", other, overwrite=True)
    assert datasets.load("mine").classes == 7
    assert len(list((places[1] / "mine").iterdir())) == 5
    assert import_set("mine", places[1] / "mine", overwrite=True).is_dir()
    assert [path.name for path in places[1].iterdir()] == ["mine"]


def test_import_of_a_bad_set_leaves_nothing(tmp_path: Path, places: tuple[Path, Path]) -> None:
    source = write_set(tmp_path / "source", train_labels_idx1_ubyte=labels(19))
    refused(lambda: import_set("mine", source), "19 labels")
    refused(lambda: import_set("mine", tmp_path / "none"), "is no folder")
    idx.write(source / TRAIN_LABELS, np.full(20, 10, np.uint8))
    refused(lambda: import_set("mnist", source), "label 10 at index 0")
    assert not places[1].exists()


@pytest.mark.parametrize("name", ["digits", "Mine", "-x", "a/b", "", "..", "a b", "x\n"])
def test_import_refuses_names(tmp_path: Path, name: str) -> None:
    source = write_set(tmp_path / "source")
    with pytest.raises(UsageError):
        import_set(name, source)


def test_import_into_a_folder_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FEWMULT_CACHE", str(tmp_path / "file" / "cache"))
    source = write_set(tmp_path / "source")
    refused(lambda: import_set("mine", source), "cannot write to")


def test_changed_import_is_refused(tmp_path: Path) -> None:
    folder = import_set("mine", write_set(tmp_path / "source"))
    path = folder / TEST_IMAGES
    idx.write(path, images(6, seed=3))
    refused(lambda: datasets.load("mine"), str(path), "does not match its SHA-256")


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 60_000, '{"a": 1}', "\xff"])
def test_damaged_checksums(tmp_path: Path, content: str) -> None:
    folder = import_set("mine", write_set(tmp_path / "source"))
    (folder / "checksums.json").write_text(content, encoding="latin-1")
    refused(lambda: datasets.load("mine"), str(folder / "checksums.json"), "is damaged")


# Fetch, from a real server on this machine


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a mirror, with a small set whose checksums are taken for the published ones."""
    return publish(write_set(tmp_path / "published"), monkeypatch)


def use_mirrors(monkeypatch: pytest.MonkeyPatch, *urls: str) -> None:
    monkeypatch.setenv("FEWMULT_MIRRORS", " ".join(urls))


def test_fetch(
    published: Path,
    places: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with serving(published) as url:
        use_mirrors(monkeypatch, url)
        assert fetch("mnist") == places[1] / "mnist"
    assert capfd.readouterr() == ("", "")
    names = {f"{stem}.gz" for stem in STEMS} | {"checksums.json"}
    assert {path.name for path in (places[1] / "mnist").iterdir()} == names
    assert [path.name for path in places[1].iterdir()] == ["mnist"]
    assert datasets.load("mnist").train.images.shape == (17, 20)
    # The server is gone: a set that is there is not fetched again.
    assert fetch("mnist") == places[1] / "mnist"


@pytest.mark.parametrize("name", ["fashion-mnist", "kmnist"])
def test_fetch_of_files_whose_checksums_are_of_what_is_packed(
    name: str,
    tmp_path: Path,
    places: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = write_set(tmp_path / "packed")
    for stem in STEMS:
        (folder / f"{stem}.gz").write_bytes(gzip.compress((folder / stem).read_bytes()))
    with serving(publish(folder, monkeypatch, name)) as url:
        use_mirrors(monkeypatch, url)
        assert fetch(name) == places[1] / name
    assert fetch(name) == places[1] / name  # without the server
    assert datasets.load(name).train.images.shape == (17, 20)
    assert run(["data", "info", name]) == 0
    assert PUBLISHED[name].licence in capsys.readouterr().out


def test_every_published_set_is_described() -> None:
    for name, found in PUBLISHED.items():
        assert datasets.places.is_name(name)
        assert all((found.title, found.source, found.licence, found.checksums, found.mirrors))
        assert found.files
        for file in (*found.files, *found.others):
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0


def test_fetch_goes_on_to_the_next_mirror(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = tmp_path / "partial"
    partial.mkdir()
    shutil.copy(published / f"{TRAIN_IMAGES}.gz", partial)
    cut = tmp_path / "cut"
    shutil.copytree(published, cut)
    path = cut / f"{TRAIN_LABELS}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with serving(published) as good, serving(partial) as part, serving(cut) as damaged:
        use_mirrors(monkeypatch, closed_port(), part, damaged, good)
        fetch("mnist")
    assert datasets.load("mnist").classes == 10


def test_fetch_with_wrong_checksum(
    published: Path, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = gzip.compress((published / TEST_LABELS).read_bytes()[:-1] + b"\x09")
    (published / f"{TEST_LABELS}.gz").write_bytes(other)
    with serving(published) as url:
        use_mirrors(monkeypatch, url)
        refused(lambda: fetch("mnist"), url, f"{TEST_LABELS}.gz came damaged", "data import mnist")
    assert list(places[1].iterdir()) == []


def test_fetch_without_server_or_files(
    tmp_path: Path, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty") as url:
        use_mirrors(monkeypatch, closed_port(), url, "gopher://127.0.0.1/")
        refused(
            lambda: fetch("mnist"),
            "cannot fetch mnist",
            "(Connection refused)",
            f"{url}/ (HTTP status 404)",
            "gopher://127.0.0.1/ (No connection adapters were found",
            "check the network",
        )
    assert list(places[1].iterdir()) == []


def test_fetch_keeps_no_more_than_the_set_can_have(
    published: Path, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (published / f"{TEST_LABELS}.gz").open("ab") as file:
        file.truncate(1 << 33)
    with serving(published) as url:
        use_mirrors(monkeypatch, url)
        refused(lambda: fetch("mnist"), "it sends 8,589,934,592 bytes where 75,700 are the most")
    assert list(places[1].iterdir()) == []


def test_a_fault_of_the_disk_is_no_fault_of_a_mirror(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(published) as url:
        use_mirrors(monkeypatch, url, url)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
        try:
            refused(lambda: fetch("mnist"), "cannot write ", "File too large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_fetch_replaces_a_damaged_set(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(published) as url:
        use_mirrors(monkeypatch, url)
        folder = fetch("mnist")
        (folder / f"{TEST_LABELS}.gz").write_bytes(b"")
        refused(lambda: datasets.load("mnist"), "does not match its SHA-256")
        fetch("mnist")
    assert len(datasets.load("mnist").test.labels) == 6


def test_fetch_keeps_an_imported_set(tmp_path: Path, published: Path) -> None:
    other = write_set(tmp_path / "other", train_labels_idx1_ubyte=labels(20, 9))
    import_set("mnist", other)
    refused(lambda: fetch("mnist"), "another set than the published MNIST", "remove")


@pytest.mark.parametrize("name", ["digits", "cifar"])
def test_fetch_of_what_cannot_be_fetched(name: str) -> None:
    refused(
        lambda: fetch(name), "only mnist, fashion-mnist, kmnist, cifar10, svhn can", kind=UsageError
    )


# The real files


@pytest.mark.mnist
def test_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWMULT_DATA", str(REAL_MNIST.parent))
    dataset = datasets.load("mnist")
    splits = (dataset.train, dataset.validation, dataset.test)
    assert [split.images.shape for split in splits] == [(50000, 784), (10000, 784), (10000, 784)]
    assert dataset.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert PUBLISHED["mnist"].is_in(find_files(REAL_MNIST))


@pytest.mark.slow
@pytest.mark.mnist
def test_real_mnist_is_fetched_and_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(REAL_MNIST) as url:
        use_mirrors(monkeypatch, url)
        fetch("mnist")
    assert len(datasets.load("mnist").train.labels) == 50000
