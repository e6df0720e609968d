# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs that start again: a run begins, goes on, or is finished, by one and the same command."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from command import assert_one_line, content, fewmult, names, start, summary
from fewmult_hls import train
from fewmult_hls.system.errors import UsageError

OPTIONS = ["--net", "64-40-10", "--epochs", "60", "--checkpoint-every", "5", "--threads", "1"]


def lines(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


@pytest.mark.slow
def test_killed_until_it_is_finished(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = ["train", *OPTIONS, "--continue", "--out", folder]
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1):
        process = start(*command)
        before = lines(folder)
        while process.poll() is None and lines(folder) < before + 3:
            time.sleep(0.005)
        process.send_signal(number)
        process.communicate()
    assert not (folder / "summary.json").exists(), "it was too fast to be stopped"
    assert fewmult(*command).returncode == 0
    whole = fewmult("train", *OPTIONS, "--out", tmp_path / "whole")
    assert whole.returncode == 0
    assert summary(folder)["fingerprint"] == summary(tmp_path / "whole")["fingerprint"]
    before = content(folder)
    mark = summary(folder)["fingerprint"]
    for again in (command, ["train", "--resume", folder, "--continue"]):
        done = fewmult(*again)
        said = f"{folder} is finished, fingerprint {mark}\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert content(folder) == before


def test_an_extension_is_a_job_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert fewmult("train", *OPTIONS[:2], "--epochs", "2", "--out", folder).returncode == 0
    command = ["train", "--resume", folder, "--epochs", "4", "--continue"]
    for line in (f"written to   {folder}", f"{folder} is finished, fingerprint "):
        done = fewmult(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].startswith(line)
    assert summary(folder)["cycles"] == "2+2"
    done = fewmult("train", "--resume", folder, "--epochs", "3", "--continue")
    assert_one_line(done.stderr, "has 4 epochs: --epochs 3 must be more")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    train("digits", net="64-16-10", epochs=1, out=folder).close()
    return folder


OTHER: dict[str, Any] = {
    "seed": 2,
    "epochs": 3,
    "net": "64-20-10",
    "batch": 64,
    "rate": 1,
    "perturb": 16,
    "method": "binary-qbp",
    "master_bits": 8,
}


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("is_finished", [True, False])
def test_another_config_is_refused_by_its_first_difference(
    name: str, is_finished: bool, finished: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    if not is_finished:
        (folder / "summary.json").unlink()
    before = content(folder)
    there = summary(finished)["rate_exponent" if name == "rate" else name]
    options: Any = {"net": "64-16-10", "epochs": 1, name: OTHER[name]}
    with pytest.raises(UsageError) as raised:
        train("digits", out=folder, go_on=True, **options)
    said = str(raised.value)
    assert f"{folder} holds another run: its {name}" in said
    assert f"is {there!r}, not {OTHER[name]!r}" in said
    assert content(folder) == before


def test_other_data_are_another_run(finished: Path, tmp_path: Path) -> None:
    config = (finished / "config.toml").read_text()
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / "config.toml").write_text(config.replace('"digits"', '"/elsewhere"'))
    with pytest.raises(UsageError, match="its dataset is '/elsewhere', not 'digits'"):
        train("digits", net="64-16-10", epochs=1, out=folder, go_on=True)


def test_python_begins_goes_on_and_returns_what_is_there(tmp_path: Path) -> None:
    options: Any = {"net": "64-16-10", "epochs": 4, "out": tmp_path / "run", "go_on": True}

    def stop(epoch: Any, error: float) -> None:
        if epoch.epoch == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train("digits", on_epoch=stop, **options)
    seen: list[int] = []
    prints = set()
    for _ in range(2):
        net = train("digits", on_epoch=lambda epoch, error: seen.append(epoch.epoch), **options)
        prints.add(net.summary["fingerprint"])
    assert seen == [2, 3, 4], "an epoch that raised is handed out again"
    assert prints == {train("digits", net="64-16-10", epochs=4).summary["fingerprint"]}
    for wrong in ({"out": None}, {"overwrite": True}):
        with pytest.raises(UsageError, match="'go_on' needs 'out'"):
            train("digits", **{**options, **wrong})


def test_bad_requests(finished: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "model.npz").write_text("mine")
    (tmp_path / "file").write_text("")
    for arguments, part in (
        (["--continue"], "--continue needs --out"),
        (["--continue", "--out", "x", "--overwrite"], "and no --overwrite"),
        (["--continue", "--out", mine], "model.npz is of no run"),
        (["--continue", "--out", tmp_path / "file"], "is a file, and a run needs a folder"),
        (["--continue", "--out", tmp_path / "file/run"], "Not a directory"),
        (["--continue", "--resume", tmp_path / "none"], "there is no folder"),
    ):
        assert_one_line(fewmult("train", *arguments, cwd=tmp_path).stderr, part)
    assert names(tmp_path) == {"mine", "file"}


def test_a_config_alone_begins(finished: Path, tmp_path: Path) -> None:
    """As a sweep leaves it for its jobs."""
    (tmp_path / "run").mkdir()
    shutil.copy(finished / "config.toml", tmp_path / "run")
    assert fewmult("train", "--resume", tmp_path / "run", "--continue").returncode == 0
    assert (
        summary(tmp_path / "run")["fingerprint"]
        == json.loads((finished / "summary.json").read_text())["fingerprint"]
    )
