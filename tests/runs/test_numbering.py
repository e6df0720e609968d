# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs that nobody named a folder for: each has its own, whoever comes at once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from command import PATIENCE, RUN_FILES, SMALL, assert_one_line, content, fewmult, names, start
from fewmult_hls.runs.numbering import numbered


def test_the_first_is_plain_and_the_next_have_numbers(tmp_path: Path) -> None:
    for name in ("digits", "digits-2", "digits-3"):
        with numbered(tmp_path / "runs/digits") as folder:
            assert folder == tmp_path / "runs" / name
            (folder / "file").touch()
    (tmp_path / "runs/digits-2/file").unlink()
    (tmp_path / "runs/digits-2").rmdir()
    with numbered(tmp_path / "runs/digits") as folder:
        assert folder.name == "digits-2"
    assert names(tmp_path / "runs") == {"digits", "digits-3"}, "an empty folder stayed"


@pytest.mark.parametrize("kind", ["file", "link", "empty"])
def test_what_is_there_is_left_alone(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "digits"
    if kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
    with numbered(place) as folder:
        assert folder.name == "digits-2"
    assert names(tmp_path) == {"digits"}


def test_many_at_once_get_as_many(tmp_path: Path) -> None:
    together, found = threading.Barrier(16), []

    def claim() -> None:
        with ExitStack() as stack:
            together.wait()
            found.append(stack.enter_context(numbered(tmp_path / "digits")).name)
            together.wait()

    threads = [threading.Thread(target=claim) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {"digits", *(f"digits-{number}" for number in range(2, 17))}
    assert names(tmp_path) == set()


def test_train_twice_and_four_times_at_once(tmp_path: Path) -> None:
    first = fewmult("train", *SMALL, cwd=tmp_path)
    assert first.stdout.endswith("written to   runs/digits\n"), first.stderr
    before = content(tmp_path / "runs/digits")
    processes = [start("train", *SMALL, cwd=tmp_path) for _ in range(4)]
    ends = [process.communicate(timeout=PATIENCE)[0].splitlines()[-1] for process in processes]
    wanted = {f"runs/digits-{number}" for number in range(2, 6)}
    assert {end.removeprefix("written to   ") for end in ends} == wanted
    for folder in wanted:
        assert names(tmp_path / folder) == RUN_FILES
    assert content(tmp_path / "runs/digits") == before


def test_what_cannot_begin_leaves_no_folder(tmp_path: Path) -> None:
    """The backend comes after the plan: a board that is not there."""
    done = fewmult("train", *SMALL, "--backend", "pynq", cwd=tmp_path)
    assert done.returncode == 1
    assert_one_line(done.stderr)
    assert names(tmp_path) == set()


def test_overwrite_means_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        done = fewmult("train", *SMALL, "--overwrite", cwd=tmp_path)
        assert done.stdout.endswith("written to   runs/digits\n"), done.stderr
    assert names(tmp_path / "runs") == {"digits"}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    done = fewmult("train", *SMALL, cwd=tmp_path)
    assert done.returncode == 1
    assert_one_line(done.stderr, "cannot write runs/digits: Not a directory")
