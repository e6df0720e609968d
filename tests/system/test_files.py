# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Files are read in one place, and written where they are named and nowhere else."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import fewmult_hls
from command import SMALL
from fewmult_hls.cli.commands import run
from fewmult_hls.system.errors import FewmultError
from fewmult_hls.system.files import append_line

PACKAGE = Path(fewmult_hls.__file__).parent

# Who may open files for reading without ``files.open_regular``, and why.
ALLOWED = {
    "system/files.py": "it is the place",
    "datasets/digits.py": "comes with the package",
    "datasets/published.py": "comes with the package",
    "hardware/source/reading.py": "sources that come with the package",
    "hardware/build/plan.py": "sources that come with the package",
    "hardware/board/manifest.py": "sources that come with the package",
    "hardware/build/overlay_tcl.py": "comes with the package",
    "hardware/deploy/steps.py": "comes with the package",
    "hardware/deploy/remote.py": "its own temporary file",
    "hardware/build/reports.py": "runs without the package, with a reader of its own",
}
# A model is opened on a backend; those of libraries take what is open already.
OTHERS = ("os", "tarfile", "Image", "trained", "model")


def reads(tree: ast.Module) -> Iterator[int]:
    """Lines that open a file for reading."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        reading = name == "open" and _opens_for_reading(node)
        if reading or name in ("read_text", "read_bytes", "memmap"):
            yield node.lineno


def _opens_for_reading(node: ast.Call) -> bool:
    if getattr(getattr(node.func, "value", None), "id", "") in OTHERS:
        return False
    at = 1 if isinstance(node.func, ast.Name) else 0
    modes = [*node.args[at : at + 1], *(k.value for k in node.keywords if k.arg == "mode")]
    return not modes or "r" in str(getattr(modes[0], "value", "r"))


def test_files_are_read_in_one_place() -> None:
    found = {
        f"{name}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in [path.relative_to(PACKAGE).as_posix()]
        for line in reads(ast.parse(path.read_text()))
        if name not in ALLOWED
    }
    assert not found, "files.open_regular and files.read_file wait for no pipe, and have a bound"


@pytest.mark.parametrize(
    "code",
    ["path.read_text()", "open(path)", "path.open()", "path.open('rb')", "open(path, mode='r')"],
)
def test_such_lines_are_found(code: str) -> None:
    assert list(reads(ast.parse(code))) == [1]


def test_a_line_is_added(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")
    append_line(path, "two")
    assert path.read_text() == "one\ntwo\n"


def test_no_link_is_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tmp_path / "dangling").symlink_to(other)
    with pytest.raises(FewmultError, match="dangling: it is a symbolic link: remove it"):
        append_line(tmp_path / "dangling", "line")
    assert not other.exists()
    other.write_text("mine\n")
    with pytest.raises(FewmultError, match="it is a symbolic link"):
        append_line(tmp_path / "dangling", "line")
    assert other.read_text() == "mine\n"


def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FewmultError, match=r"cannot write .*pipe"):
        append_line(tmp_path / "pipe", "line")


@pytest.mark.parametrize("name", ["metrics.jsonl", "config.toml", "model.npz", "summary.json"])
def test_a_run_does_not_leave_its_folder(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, other = tmp_path / "run", tmp_path / "other"
    folder.mkdir()
    (folder / name).symlink_to(other)
    run(["train", *SMALL, "--out", str(folder)])
    said = capsys.readouterr().err
    assert not said or said.startswith("error: ")
    assert not other.exists()
