# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The notebooks: clean files, which pynq finds, and whose cells run on the emulated board."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import fewmult_hls.notebooks
from checkout import WHEELS, needs_wheel
from command import environment

FOLDER = Path(fewmult_hls.notebooks.__file__).parent
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
DEVICE = 'DEVICE = "board"'


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def code(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Runs all cells in a new folder, and returns the variables that they leave."""
    pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = FOLDER / f"{name}.ipynb"
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code(path), start=1):
        emulated = cell.replace(DEVICE, 'DEVICE = "emulated"')
        exec(compile(emulated, f"{path.name} [{number}]", "exec"), names)
    return names


def test_there_are_three() -> None:
    assert {path.stem for path in NOTEBOOKS} == {
        "quick_start",
        "kernel_by_kernel",
        "train_on_the_board",
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_files_are_clean(path: Path) -> None:
    book = read(path)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert set(book) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", each) for each in ids)
    for cell in book["cells"]:
        assert cell["cell_type"] in ("code", "markdown")
        assert cell["metadata"] == {}
        assert "".join(cell["source"]).strip()
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert code(path)[0].startswith(DEVICE)
    for link in re.findall(r"\]\((\w+\.ipynb)\)", path.read_text(encoding="utf-8")):
        assert (FOLDER / link).is_file()


def test_quick_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("quick_start", monkeypatch, tmp_path)
    said = capsys.readouterr().out
    assert "\nthe same bits\n" in said
    assert "\n0 multiplications in a training step\n" in said
    assert names["net"].summary["executor"]["device"] == "emulated PYNQ-Z2"
    assert names["error"] < 10
    assert not list(tmp_path.iterdir())


def test_kernel_by_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = run("kernel_by_kernel", monkeypatch, tmp_path)
    said = capsys.readouterr().out
    assert said.count("as numpy multiplies: True\n") == 2
    assert "\nthe same: True\n" in said
    for kernel in names["CALLS"]:
        assert re.search(rf"^{kernel} +equal$", said, re.MULTILINE)
    assert names["distance"] < 0.03
    assert names["agreement"] > 0.9
    del names
    gc.collect()  # buffers of the emulated board


def test_train_on_the_board(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib, which the image has")
    names = run("train_on_the_board", monkeypatch, tmp_path)
    assert "\nthe same logits\n" in capsys.readouterr().out
    assert len(names["errors"]) == names["EPOCHS"]
    assert names["errors"][-1] < 4
    assert (tmp_path / "runs" / "board" / "model.npz").is_file()
    names["plt"].close("all")


@needs_wheel
def test_pynq_lists_and_copies_them(tmp_path: Path) -> None:
    pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(WHEELS[-1]) as wheel:
        wheel.extractall(installed)
    env = environment(PYTHONPATH=os.pathsep.join([str(installed), *sys.path]))

    def pynq(*arguments: str | Path) -> str:
        command = "from pynq._cli.get_notebooks import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", command, *arguments],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "fewmult-hls (source: fewmult_hls)" in pynq("--list")
    # Nothing in them depends on a device, so none is looked for.
    pynq("fewmult-hls", "--ignore-overlays", "--path", tmp_path / "jupyter")
    copies = tmp_path / "jupyter" / "fewmult-hls"
    assert {path.name: path.read_bytes() for path in copies.iterdir()} == {
        path.name: path.read_bytes() for path in NOTEBOOKS
    }
