# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the commands do when all is well."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewmult_hls
from command import (
    RUN_FILES,
    SMALL,
    assert_one_line,
    content,
    environment,
    fewmult,
    names,
    summary,
    write_set,
)
from fewmult_hls import backends
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.cli.commands import run
from fewmult_hls.contract.calls import CALLS, Call, Pool, ShiftGradient
from fewmult_hls.runs.config import RunConfig, load_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which `train` was called without options, and what it said."""
    folder = tmp_path_factory.mktemp("plain")
    done = fewmult("train", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "trained"
    assert run(["train", *SMALL, "--out", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_train_without_options(plain_run: tuple[Path, str]) -> None:
    folder, _ = plain_run
    assert [path.name for path in folder.iterdir()] == ["runs"]
    assert names(folder / "runs" / "digits") == RUN_FILES
    found = summary(folder / "runs" / "digits")
    for name, value in {
        "backend": "emu",
        "dataset": "digits",
        "net": "64-256-256-10",
        "method": "ternary-qbp",
        "epochs": 100,
        "seed": 1,
        "multiplications_per_step": 0,
    }.items():
        assert found[name] == value
    assert re.fullmatch("[0-9a-f]{64}", found["fingerprint"])
    assert found["samples_per_second"] > 0
    for name in ("validation_error", "test_error", "test_error_ternary"):
        assert 0 < found[name] < 5


def test_the_time_is_that_of_the_command(tmp_path: Path) -> None:
    begin = time.perf_counter()
    assert run(["train", "--epochs", "30", "--out", str(tmp_path / "run")]) == 0
    passed = time.perf_counter() - begin
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    steps = sum(json.loads(line)["seconds"] for line in lines)
    assert steps < summary(tmp_path / "run")["seconds"] < passed


def test_metrics_have_a_line_an_epoch(plain_run: tuple[Path, str]) -> None:
    lines = (plain_run[0] / "runs/digits/metrics.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, 101))
    assert (
        epochs[-1]["validation_error"] == summary(plain_run[0] / "runs/digits")["validation_error"]
    )
    assert epochs[0]["hinge"] > epochs[-1]["hinge"]


def test_output_away_from_a_terminal_is_plain_lines(plain_run: tuple[Path, str]) -> None:
    folder, output = plain_run
    found = summary(folder / "runs" / "digits")
    assert "\x1b" not in output
    assert "\r" not in output
    lines = output.splitlines()
    assert lines[0] == "64-256-256-10 on digits"
    assert sum(line.startswith("epoch ") for line in lines) == 100
    assert f"fingerprint  {found['fingerprint']}" in lines
    assert lines[-1] == "written to   runs/digits"
    assert "arithmetic   0 multiplications in a training step" in lines


def test_config_repeats_the_run(trained: Path, tmp_path: Path) -> None:
    config = trained / "config.toml"
    assert set(load_config(config)) == set(RunConfig.__dataclass_fields__)
    assert run(["train", "--config", str(config), "--out", str(tmp_path / "again")]) == 0
    assert content(tmp_path / "again")["config.toml"] == config.read_bytes()
    assert summary(tmp_path / "again")["fingerprint"] == summary(trained)["fingerprint"]


def test_options_change_a_config(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "again"
    config = trained / "config.toml"
    assert run(["train", "--config", str(config), "--seed", "2", "--out", str(out)]) == 0
    assert load_config(out / "config.toml") == {**load_config(config), "seed": 2}
    assert summary(out)["fingerprint"] != summary(trained)["fingerprint"]


@pytest.mark.parametrize("name", ["set", "./set", "deep/../set"])
def test_config_repeats_a_run_on_a_relative_folder_from_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write_set(here / "set")
    (here / "deep").mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    assert run(["train", *SMALL, "--batch", "16", "--dataset", name]) == 0
    monkeypatch.chdir(there)
    assert run(["train", "--config", "../here/runs/set/config.toml", "--out", "again"]) == 0
    assert summary(there / "again")["fingerprint"] == summary(here / "runs/set")["fingerprint"]


def test_config_keeps_the_name_of_a_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWMULT_DATA", str(tmp_path / "data"))
    write_set(tmp_path / "data" / "mine")
    out = tmp_path / "run"
    assert run(["train", *SMALL, "--batch", "16", "--dataset", "mine", "--out", str(out)]) == 0
    assert load_config(out / "config.toml")["dataset"] == "mine"


@pytest.mark.parametrize(("method", "bits"), [("ternary-qbp", "16"), ("binary-qbp", "8")])
def test_backends_and_processes_agree(method: str, bits: str, tmp_path: Path) -> None:
    options = ["--epochs", "1", "--seed", "7", "--method", method, "--master-bits", bits]
    prints = set()
    for backend, out in (("emu", "a"), ("emu", "b"), ("numpy", "c")):
        folder = tmp_path / out
        done = fewmult("train", *options, "--backend", backend, "--out", folder)
        assert done.returncode == 0, done.stderr
        prints.add(summary(folder)["fingerprint"])
    assert len(prints) == 1


def test_the_model_holds_no_pickle(trained: Path) -> None:
    with np.load(trained / "model.npz", allow_pickle=False) as archive:
        assert not any(archive[name].dtype.hasobject for name in archive)


@pytest.mark.parametrize("backend", ["emu", "numpy"])
def test_evaluate_repeats_the_test_errors(
    backend: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = summary(trained)
    assert run(["evaluate", str(trained), "--backend", backend]) == 0
    output = capsys.readouterr().out
    for name, kind in (("test_error", "8-bit"), ("test_error_ternary", "ternary")):
        wrong = found[name] * 359 / 100
        assert wrong == pytest.approx(round(wrong))
        assert f"{found[name]:.2f} % ({round(wrong)} of 359), {kind} weights" in output
    assert found["fingerprint"] in output


def test_evaluate_on_other_images(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fewer training images than a batch, and not every class, are enough for a test."""
    other = write_set(tmp_path / "other", train=6, test=5)
    assert run(["evaluate", str(trained), "--dataset", str(other)]) == 0
    output = capsys.readouterr().out
    assert "64-16-10 on other, 5 test images" in output
    assert re.search(r"\([0-5] of 5\), 8-bit", output)


def test_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--cases", "2"]) == 0
    output = capsys.readouterr().out
    equal = re.findall(r"^(\w+) +2 random layers: equal$", output, re.M)
    assert equal == [*CALLS]
    emu, oracle = (
        re.findall(rf"^  {who} +([0-9a-f]{{64}})$", output, re.M) for who in ("emu", "oracle")
    )
    assert len(set(emu)) == 2
    assert emu == oracle


class _OneBitOff(OracleBackend):
    """Wrong in one weight of a layer, and in one value of a pool."""

    def run(self, call: Call) -> None:
        super().run(call)
        if isinstance(call, ShiftGradient):
            call.weights[0, 0, 0] ^= 1
        if isinstance(call, Pool) and not call.back:
            call.pooled[0, 0] ^= 1


def test_verify_names_what_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = backends.open_backend

    def opened(name: str, **options: Any) -> backends.Backend:
        return _OneBitOff() if name == "emu" else right(name, **options)

    monkeypatch.setattr(backends, "open_backend", opened)
    assert run(["verify", "--cases", "2"]) == 1
    out, err = capsys.readouterr()
    place = r"weights\[0, 0, 0\] is -?\d+ and -?\d+ in shift_gradient of"
    assert re.search(rf"^shift_gradient +{place}", out, re.M)
    assert re.search(r"^pool +pooled\[0, 0\] is \d+ and \d+ in pool of", out, re.M)
    assert re.search(r"^layer +2 random layers: equal$", out, re.M)
    assert_one_line(err, "shift_gradient", "pool", "the ternary training", "the binary training")


def test_doctor(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_set(data / "mine")
    done = fewmult("doctor", env=environment(FEWMULT_DATA=str(data)))
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        f"fewmult-hls +{re.escape(fewmult_hls.__version__)}",
        f"python +{sys.version_info.major}\\.{sys.version_info.minor}",
        f"numpy +{re.escape(np.__version__)}",
        "cpu features +.+",
        r"kernels +\S.*",
        r"pynq +(3\.\d+\.\d+|not here: only --backend pynq needs it)$",
        "data +digits: built in",
        f"data +mine: {re.escape(str(data / 'mine'))}",
        "data +mnist: not here; get it with `fewmult-hls data fetch mnist`",
    ):
        assert re.search(f"^{line}", done.stdout, re.M), line
    assert "missing" not in done.stdout


def test_without_the_compiled_module(tmp_path: Path) -> None:
    package = Path(fewmult_hls.__file__).parent
    ignored = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(package, tmp_path / "fewmult_hls", ignore=ignored)
    here = {"cwd": tmp_path, "env": environment(PYTHONPATH=str(tmp_path))}

    doctor = fewmult("doctor", **here)
    assert re.search("^kernels +missing$", doctor.stdout, re.M)
    if find_spec("pynq") is None:  # else there is a board, real or emulated
        assert doctor.returncode == 1
        assert_one_line(doctor.stderr, "no compiled kernels", "--backend numpy")
    else:
        assert (doctor.returncode, doctor.stderr) == (0, "")

    train = fewmult("train", *SMALL, **here)
    assert (train.returncode, train.stdout) == (1, "")
    assert_one_line(train.stderr, "no compiled kernels", "--backend numpy")
    assert not (tmp_path / "runs").exists()

    numpy = fewmult("train", *SMALL, "--backend", "numpy", **here)
    assert numpy.returncode == 0, numpy.stderr
    kept = content(tmp_path / "runs")
    assert fewmult("train", *SMALL, "--overwrite", **here).returncode == 1
    assert content(tmp_path / "runs") == kept
