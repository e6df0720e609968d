# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What is replaced is never lost: old or new is there, whole, whenever a process is stopped."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from command import content, names, write_set
from faults import SIGNALS, stops
from fewmult_hls import datasets, replacing
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.datasets.importing import import_set
from fewmult_hls.errors import FewmultError, UsageError
from fewmult_hls.files import atomic_file, sweep, write_atomic
from fewmult_hls.hardware.board import load_board
from fewmult_hls.hardware.build_plan import locked_plan, write_plan
from fewmult_hls.locking import lock_inside, locked
from fewmult_hls.placing import placed_files, settle

Z2 = load_board("pynq-z2")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FEWMULT_DATA", raising=False)
    monkeypatch.setenv("FEWMULT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """Two sets, of 40 and of 50 training images."""
    return write_set(tmp_path / "old"), write_set(tmp_path / "new", train=50)


def images_in(name: str) -> int:
    data = datasets.load(name)
    return len(data.train.labels) + len(data.validation.labels)


# Folders that are replaced as a whole


@pytest.mark.parametrize(
    ("number", "exchange"), [(number, True) for number in SIGNALS] + [(signal.SIGKILL, False)]
)
def test_an_import_stopped_anywhere(
    number: int,
    exchange: bool,
    cache: Path,
    sources: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not exchange:  # as on file systems that cannot
        monkeypatch.setattr(replacing, "_exchange", lambda one, other: False)
    import_set("mine", sources[0])
    every = 1 if number == signal.SIGKILL else 2
    seen = []
    for _ in stops(lambda: import_set("mine", sources[1], overwrite=True), number, every=every):
        assert list(datasets.available()) == ["digits", "mine"]
        seen.append(images_in("mine"))
        import_set("mine", sources[0], overwrite=True)
        assert names(cache) == {"mine"}
        assert images_in("mine") == 40
    assert seen == sorted(seen)
    assert set(seen) == {40, 50}


def test_a_first_import_stopped_anywhere(cache: Path, sources: tuple[Path, Path]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        for _ in stops(lambda: import_set("mine", sources[0]), number):
            if "mine" in datasets.available():
                assert images_in("mine") == 40
            # Another set: its import clears away what was left of this one.
            import_set("other", sources[1], overwrite=True)
            assert names(cache) <= {"mine", "other"}
            if (cache / "mine").exists():
                (cache / "mine").rename(cache.parent / f"away{len(names(cache.parent))}")


def test_a_plan_stopped_anywhere(tmp_path: Path) -> None:
    out = tmp_path / "place" / "plan"

    def write(*kernels: str) -> None:
        with locked_plan(out):
            write_plan(out, Z2, "fewmult", kernels, overwrite=True)

    write("layer")
    old = content(out)
    (out / "logs").mkdir()
    for number in (signal.SIGINT, signal.SIGKILL):
        seen = set()
        for _ in stops(lambda: write("shift_gradient"), number, every=23):
            seen.add(content(out) == old)
            assert (content(out) == old) != (names(out / "hls") == {"shift_gradient"})
            write("layer")
            assert names(out.parent) == {"plan"}
            assert content(out) == old
        assert seen == {True, False}


# Only what is ours is replaced


def spoil_nothing(folder: Path) -> None:
    """Documents that somebody keeps in the data folder."""
    for path in folder.iterdir():
        path.unlink()
    (folder / "notes.txt").write_text("mine")


def add_a_note(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def add_a_folder(folder: Path) -> None:
    (folder / "more").mkdir()


def drop_the_checksums(folder: Path) -> None:
    (folder / "checksums.json").unlink()


def spoil_the_checksums(folder: Path) -> None:
    (folder / "checksums.json").write_text("[" * 100_000)


def replace_the_checksums(folder: Path) -> None:
    (folder / "checksums.json").write_text('{"paper.pdf": "1"}')


def link_elsewhere(folder: Path) -> None:
    folder.rename(folder.parent.parent / "elsewhere")
    folder.symlink_to(folder.parent.parent / "elsewhere")


def put_a_file(folder: Path) -> None:
    folder.rename(folder.parent.parent / "elsewhere")
    folder.write_text("mine")


@pytest.mark.parametrize(
    "change",
    [
        spoil_nothing, add_a_note, add_a_folder, drop_the_checksums, spoil_the_checksums,
        replace_the_checksums, link_elsewhere, put_a_file,
    ],
)  # fmt: skip
def test_what_is_no_stored_set_stays(change, cache: Path, sources: tuple[Path, Path]) -> None:
    folder = import_set("docs", sources[0])
    change(folder)
    before = content(cache.parent)
    with pytest.raises(FewmultError, match=f"{folder} is no set that was fetched or imported"):
        import_set("docs", sources[1], overwrite=True)
    assert content(cache.parent) == before
    assert folder.is_symlink() == (change is link_elsewhere)


def test_sets_of_earlier_versions_and_damaged_ones_are_replaced(
    cache: Path, sources: tuple[Path, Path]
) -> None:
    folder = import_set("mine", sources[0])
    (folder / STEMS[0]).write_bytes(b"damaged")
    (folder / STEMS[1]).unlink()
    import_set("mine", sources[1], overwrite=True)
    assert images_in("mine") == 50


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan.json", "{}"),
        ("plan.json", '{"name": "the year", "months": []}'),
        ("plan.json", "[" * 100_000),
        ("fewmult.json", "{}"),
        ("thesis.tex", "mine"),
    ],
)
def test_what_is_no_plan_stays(name: str, text: str, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    write_plan(out, Z2, "fewmult", ["layer"], overwrite=False)
    (out / name).write_text(text)
    before = content(tmp_path)
    with pytest.raises(UsageError, match=r"no plan|no part of a plan"):
        write_plan(out, Z2, "fewmult", ["layer"], overwrite=True)
    assert content(tmp_path) == before


# Files that are replaced among those of others


def place(folder: Path, version: str) -> None:
    """Files a and b in the old version; b, c and d/e in the new one, where a and b are old."""
    new = {"old": ("a", "b"), "new": ("b", "c")}[version]
    here = [folder / name for name in ("a", "b", "c") if (folder / name).exists()]
    with locked(lock_inside(folder), folder), placed_files(folder, here) as prepared:
        for name in new:
            write_atomic(prepared / name, version)


@pytest.mark.parametrize("number", SIGNALS)
def test_files_among_others_stopped_anywhere(number: int, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    old = {"a": b"old", "b": b"old", "theirs": b"theirs"}
    new = {"b": b"new", "c": b"new", "theirs": b"theirs"}
    place(tmp_path, "old")
    seen = []
    for _ in stops(lambda: place(tmp_path, "new"), number):
        with locked(lock_inside(tmp_path), tmp_path):
            settle(tmp_path)
        assert content(tmp_path) in (old, new)
        seen.append(content(tmp_path) == new)
        place(tmp_path, "old")
        assert content(tmp_path) == old
    assert seen == sorted(seen)
    assert set(seen) == {True, False}


@pytest.mark.parametrize("listed", ['["../precious"]', '["/precious"]', "{}", "[1]", "[", '[""]'])
def test_a_list_from_elsewhere_removes_nothing(listed: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / ".fewmult-hls.next").mkdir(parents=True)
    (folder / ".fewmult-hls.next" / ".gone.json").write_text(listed)
    (tmp_path / "precious").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(FewmultError, match="is damaged"):
        settle(folder)
    assert content(tmp_path) == before


# Temporary files


def test_a_file_stopped_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    for number in SIGNALS:
        for _ in stops(lambda: write_atomic(path, "new"), number):
            assert path.read_text() in ("old", "new")
            write_atomic(path, "old")
            assert names(tmp_path) == {"file"}


def test_only_leftovers_of_the_dead_are_swept(tmp_path: Path) -> None:
    leftover = ".file.0123456789ab"
    others = {".file.swp", ".file.0123456789AB", ".0123456789ab", "file.0123456789ab", ".git"}
    for name in {*others, leftover}:
        (tmp_path / name).write_text("")
    with atomic_file(tmp_path / "file") as file:
        assert names(tmp_path) == {*others, Path(file.name).name}
        sweep(tmp_path)
        assert names(tmp_path) == {*others, Path(file.name).name}
    assert names(tmp_path) == {*others, "file"}


def test_sweeping_looks_at_its_own_name(tmp_path: Path) -> None:
    for name in (".a*.0123456789ab", ".abc.0123456789ab"):
        (tmp_path / name).write_text("")
    sweep(tmp_path, "a*")
    assert names(tmp_path) == {".abc.0123456789ab"}
