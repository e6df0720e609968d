# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What is replaced is never lost: old or new is there, whole, whenever a process is stopped."""

from __future__ import annotations

import base64
import os
import re
import shlex
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from command import (
    COMMAND,
    assert_one_line,
    config_with,
    content,
    environment,
    fewmult,
    names,
    on_a_disk,
    start,
    write_set,
)
from faults import SIGNALS, stops
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.datasets.fetch import fetch
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.datasets.importing import import_set
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.build.plan import locked_plan, write_plan
from fewmult_hls.report.storing import check_place, store
from fewmult_hls.runs import run as runs
from fewmult_hls.runs.checkpoints import (
    Checkpoint,
    newest_checkpoint,
    save_checkpoint,
    sweep_checkpoints,
)
from fewmult_hls.runs.course import Watcher
from fewmult_hls.system import placing, replacing
from fewmult_hls.system.errors import FewmultError, UsageError
from fewmult_hls.system.files import atomic_file, sweep, write_atomic
from fewmult_hls.system.locking import lock_beside, lock_inside, locked
from fewmult_hls.system.placing import placed_files, settle
from mirror import publish, serving

pytestmark = pytest.mark.slow

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
        assert number == signal.SIGKILL or names(cache) == {"mine"}
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


def test_a_fetch_stopped_anywhere(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of a set that is damaged."""
    with serving(publish(write_set(tmp_path / "mirror"), monkeypatch)) as url:
        monkeypatch.setenv("FEWMULT_MIRRORS", url)
        good = content(fetch("mnist"))
        damaged = {**good, f"{STEMS[1]}.gz": b""}
        for number in (signal.SIGINT, signal.SIGKILL):
            (cache / "mnist" / f"{STEMS[1]}.gz").write_bytes(b"")
            seen = []
            for _ in stops(lambda: fetch("mnist"), number, every=3):
                assert "mnist" in datasets.available()
                assert content(cache / "mnist") in (good, damaged)
                seen.append(content(cache / "mnist") == good)
                (cache / "mnist" / f"{STEMS[1]}.gz").write_bytes(b"")
            assert seen == sorted(seen)
            assert set(seen) == {True, False}
            assert names(fetch("mnist").parent) == {"mnist"}
            assert content(cache / "mnist") == good


@pytest.mark.parametrize("call", ["rename", "renameat2", "unlink,unlinkat,rmdir"])
def test_an_import_killed_in_the_system_itself(
    call: str, cache: Path, sources: tuple[Path, Path]
) -> None:
    """The same from outside, by strace: a process dies as it calls, before the call's work."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    import_set("mine", sources[0])
    command = [*COMMAND, "data", "import", "mine", "--from", str(sources[1]), "--overwrite"]
    variables = environment(FEWMULT_CACHE=str(cache))
    seen = set()
    for when in (1, 4, 7, 11, 1000):
        traced = subprocess.run(
            ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e",
             f"inject={call}:signal=KILL:when={when}", *command],
            capture_output=True, text=True, env=variables,
        )  # fmt: skip
        if "PTRACE" in traced.stderr or "ptrace" in traced.stderr:
            pytest.skip("processes cannot be traced here")
        assert traced.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL), traced.stderr
        seen.add(images_in("mine"))
        import_set("mine", sources[0], overwrite=True)
        assert names(cache) == {"mine"}
        if traced.returncode == 0:
            break
    assert seen == {40, 50}


# Disks that are full


def test_an_import_onto_a_full_disk(tmp_path: Path) -> None:
    """The set that was there stays, and nothing else."""
    disk = tmp_path / "disk"
    disk.mkdir()
    small, large = write_set(tmp_path / "small"), write_set(tmp_path / "large", train=20000)
    first = [*COMMAND, "data", "import", "mine", "--from", str(small)]
    second = [*COMMAND, "data", "import", "mine", "--overwrite", "--from", str(large)]
    script = f"{shlex.join(first)} >&2 && {shlex.join(second)}"
    done = on_a_disk("size=600k", disk, ["sh", "-c", script], FEWMULT_CACHE=f"{disk}/cache")
    assert done.returncode == 1
    assert_one_line(done.stderr.splitlines()[-1] + "\n", f"cannot write {disk}/cache/mine/train-")
    assert "No space left on device" in done.stderr
    left = {Path(line).name for line in done.stdout.splitlines()}
    assert left == {*STEMS, "checksums.json"}


# Two processes


def test_two_imports_of_one_name(cache: Path, sources: tuple[Path, Path]) -> None:
    import_set("mine", sources[0])
    with locked(lock_beside(cache / "mine"), cache / "mine"):
        done = fewmult(
            *("data", "import", "mine", "--from", sources[1], "--overwrite"),
            env=environment(FEWMULT_CACHE=str(cache)),
        )
        assert done.returncode == 2
        assert_one_line(done.stderr, f"{cache / 'mine'} is in use by process {os.getpid()}: wait")
        assert images_in("mine") == 40
    import_set("mine", sources[1], overwrite=True)


def test_imports_that_race(cache: Path, sources: tuple[Path, Path]) -> None:
    variables = environment(FEWMULT_CACHE=str(cache))
    command = ["data", "import", "mine", "--overwrite", "--from"]
    processes = [start(*command, source, env=variables) for source in sources * 2]
    codes = []
    for process in processes:
        _, err = process.communicate(timeout=60)
        codes.append(process.returncode)
        if process.returncode:
            assert_one_line(err, f"{cache / 'mine'} is in use by process")
    assert set(codes) <= {0, 2}
    assert 0 in codes
    assert images_in("mine") in (40, 50)
    assert names(cache) == {"mine"}


def test_a_plan_that_is_being_built(tmp_path: Path) -> None:
    """Its tools work for hours; it must not be replaced under them."""
    out = tmp_path / "plan"
    command = ["build", "--out", out, "--kernel", "layer", "--plan-only"]
    with locked_plan(out):
        done = fewmult(*command)
        assert done.returncode == 2
        assert_one_line(done.stderr, f"{out} is in use by process {os.getpid()}")
    assert fewmult(*command).returncode == 0
    assert names(tmp_path) == {"plan"}


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


def test_a_list_that_does_not_fit_is_said_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: str) -> None:
        raise FewmultError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr(placing, "write_atomic", full)
    with pytest.raises(FewmultError, match=f"^cannot write {re.escape(str(tmp_path))}: No space"):
        place(tmp_path, "old")
    assert content(tmp_path) == {}


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
        if number != signal.SIGKILL:  # which leaves the rest to the next
            assert content(tmp_path) in (old, new)
        with locked(lock_inside(tmp_path), tmp_path):
            settle(tmp_path)
        assert content(tmp_path) in (old, new)
        seen.append(content(tmp_path) == new)
        place(tmp_path, "old")
        assert content(tmp_path) == old
    assert seen == sorted(seen)
    assert set(seen) == {True, False}


@pytest.mark.parametrize(
    "listed",
    ['["../precious"]', '["/precious"]', '["link/precious"]', "{}", "[1]", "[", '[""]', '["a/.."]'],
)
def test_a_list_from_elsewhere_removes_nothing(listed: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / ".fewmult-hls.next").mkdir(parents=True)
    (folder / ".fewmult-hls.next" / ".gone.json").write_text(listed)
    (tmp_path / "precious").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(FewmultError, match="is damaged"):
        settle(folder)
    assert content(tmp_path) == before


# Reports


def report(folder: Path, *pictures: str, overwrite: bool = True) -> None:
    """As a report is: every picture is in the page, too."""
    files = {name: b"picture " + name.encode() for name in pictures}
    inside = "".join(base64.b64encode(data).decode() + "\n" for data in files.values())
    page = f"<title>runs - fewmult-hls report</title>\n{inside}"
    store(folder, page, files, overwrite=overwrite)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_report_stopped_anywhere(number: int, tmp_path: Path) -> None:
    for name in ("theirs.png", "curves.svg", "index.html"):
        (tmp_path / name).write_text("mine")
    report(tmp_path, "curves.png", "old.png")
    old = content(tmp_path)
    seen = []
    for _ in stops(lambda: report(tmp_path, "curves.png", "a-new.png", "z.png"), number):
        assert (tmp_path / "report.html").read_bytes().startswith(b"<title>runs")
        check_place(tmp_path, overwrite=True)
        left = content(tmp_path)
        seen.append(left != old and ("old.png" in left) != ("z.png" in left))
        assert left["theirs.png"] == b"mine"
        report(tmp_path, "curves.png", "old.png")
        assert content(tmp_path) == old
    assert set(seen) == {True, False}


def test_pictures_and_pages_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "curves.png").write_text("mine")
    with pytest.raises(UsageError, match=r"curves.png is of no report: move it away"):
        report(tmp_path, "a.png", "curves.png")
    assert content(tmp_path) == {"curves.png": b"mine"}
    report(tmp_path, "a.png")
    (tmp_path / "a.png").write_text("retouched")
    before = content(tmp_path)
    with pytest.raises(UsageError, match=r"a.png is of no report"):
        report(tmp_path, "a.png")
    assert content(tmp_path) == before
    (tmp_path / "report.html").write_text("<title>The year</title>")
    before = content(tmp_path)
    for overwrite in (True, False):
        with pytest.raises(UsageError, match=r"report.html is of no report"):
            report(tmp_path, "b.png", overwrite=overwrite)
    assert content(tmp_path) == before


# Checkpoints


def test_a_checkpoint_stopped_anywhere(tmp_path: Path) -> None:
    made = checkpoints_of_a_run(tmp_path / "run", epochs=40)
    folder = tmp_path / "copy"
    for number in SIGNALS:
        folder.mkdir()
        left = iter(made)
        last, following = next(left), next(left)
        save_checkpoint(folder, last)
        for _ in stops(lambda: save_checkpoint(folder, following), number):  # noqa: B023
            found, complaints = newest_checkpoint(folder)
            assert found is not None
            assert not complaints
            assert found.step in (last.step, following.step)
            sweep_checkpoints(folder)
            save_checkpoint(folder, following)
            assert len(list((folder / "checkpoints").iterdir())) == 2
            last, following = following, next(left)
        shutil.rmtree(folder)


def checkpoints_of_a_run(folder: Path, epochs: int) -> list[Checkpoint]:
    config = config_with(batch=256, epochs=epochs, backend="numpy")
    made: list[Checkpoint | None] = []

    def on_epoch(*_: object) -> None:
        made.append(newest_checkpoint(folder)[0])

    data, backend = datasets.load("digits"), open_backend("numpy")
    often = replace(config, checkpoint_every=1)
    runs.run(often, data, backend, folder, Watcher(on_epoch=on_epoch))
    return [checkpoint for checkpoint in made if checkpoint is not None]


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
