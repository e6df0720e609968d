# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Several runs: grids, processes that are stopped together, job arrays, tables."""

from __future__ import annotations

import csv
import io
import re
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewmult_hls
from command import (
    assert_one_line,
    config_with,
    content,
    environment,
    fewmult,
    names,
    start,
    summary,
)
from fewmult_hls import FewmultError, train
from fewmult_hls.runs.grid import as_grid, names_of, points, read_grid
from fewmult_hls.runs.sweep import begin_sweep, run_folders
from fewmult_hls.runs.table import read_table
from fewmult_hls.system.errors import UsageError
from fewmult_hls.system.processes import run_all

BRIEF = ["--net", "64-16-10", "--epochs", "1"]
LONG = ["--net", "64-100-10", "--epochs", "3000", "--checkpoint-every", "0"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("sweep") / "runs"
    done = fewmult("sweep", "seed=1-3", "rate=2,3", *BRIEF, "--jobs", "2", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


# ---- Grids ---------------------------------------------------------------------------------------


def test_grids_are_lists_of_runs() -> None:
    grid = read_grid(["seed=1-3,7", "rate=-1-1", "flip=true,false", "checkpoint-every=5"])
    assert grid == {
        "seed": [1, 2, 3, 7],
        "rate": [-1, 0, 1],
        "flip": [True, False],
        "checkpoint_every": [5],
    }
    runs = points(grid)
    assert len(runs) == 24
    assert runs[1] == {"seed": 1, "rate": -1, "flip": False, "checkpoint_every": 5}
    assert names_of(runs)[1] == "seed=1,rate=-1,flip=false,checkpoint_every=5"
    assert as_grid({"seed": range(1, 3), "rate": np.array([2, 3]), "net": "64-10,64-20-10"}) == {
        "seed": [1, 2],
        "rate": [2, 3],
        "net": ["64-10", "64-20-10"],
    }


def test_names_are_folders_and_no_two_alike() -> None:
    assert names_of([{"dataset": "/a/b c"}, {"dataset": "d"}]) == ["dataset=a_b_c", "dataset=d"]
    assert names_of([{"dataset": "/a"}, {"dataset": "a"}]) == ["run-1", "run-2"]
    assert names_of([{"net": "64-" + "9-" * 80 + "10"}]) == ["run-1"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "a grid has at least one setting"),
        (["seed"], "'seed' is no NAME=VALUES"),
        (["colour=1"], "there is no setting 'colour': take dataset, net, method"),
        (["start-fingerprint=ab"], "there is no setting 'start-fingerprint'"),
        (["seed="], "seed has no values in the grid"),
        (["seed=1,,2"], "seed='' is no number"),
        (["seed=5-1"], "seed=5-1 ends before it begins: write 1-5"),
        (["seed=1-1000000"], "seed makes 1,000,000 runs: at most 1,000 go together"),
        (["seed=1-100", "rate=1-8", "batch=64,128"], "the grid makes 1,600 runs"),
        (["seed=x"], "seed='x' is no number and no range"),
        (["seed=1.5"], "seed='1.5' is no number"),
        (["seed=²"], "is no number"),
        (["seed=4294967296"], "seed must be 0 to 4294967295, not 4294967296"),
        (["seed=1,1"], "seed has 1 twice in the grid"),
        (["seed=1", "seed=2"], "seed is there twice"),
        (["flip=yes"], "flip=yes is neither true nor false"),
        (["method=ternary"], "there is no method 'ternary'"),
        (["crop=3"], "crop must be one of 0, 1, 2, 4, 8, not 3"),
    ],
)
def test_grids_that_are_none(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_grid(words)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "a grid has at least one setting"),
        ({"seed": 1}, "grid: seed is 1: give a list"),
        ({"seed": []}, "seed has no values"),
        ({"seed": [1.5]}, "grid: seed is no int: 1.5"),
        ({"seed": [True]}, "grid: seed is no int: True"),
        ({"net": [64]}, "grid: net is no str: 64"),
        ({"seed": range(10**9)}, "the grid makes 1,001 runs"),
        ({"tint": ["half"]}, "there is no setting 'tint'"),
    ],
)
def test_grids_from_python_that_are_none(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError) as raised:
        as_grid(given)
    assert reason in str(raised.value)


# ---- Runs ----------------------------------------------------------------------------------------


def test_a_sweep_is_its_runs(swept: tuple[Path, str]) -> None:
    folder, output = swept
    assert names(folder) == {f"seed={s},rate={r}" for s in (1, 2, 3) for r in (2, 3)}
    one = train("digits", net="64-16-10", epochs=1, seed=2, rate=3)
    assert summary(folder / "seed=2,rate=3")["fingerprint"] == one.summary["fingerprint"]
    assert output.startswith(f"{folder}: 6 runs, 0 of them finished\n[1/6] seed=1,rate=")


def test_the_table_has_means_and_spreads_and_one_test(swept: tuple[Path, str]) -> None:
    folder, output = swept
    means = {}
    for rate in (2, 3):
        found = [summary(folder / f"seed={seed},rate={rate}") for seed in (1, 2, 3)]
        errors = [one["validation_error"] for one in found]
        means[rate] = statistics.mean(errors)
        said = f"{means[rate]:.2f} ± {statistics.stdev(errors):.2f}"
        assert re.search(rf"^ +{rate} +3 +{said}$", output, re.M)
    best = min(means, key=lambda rate: means[rate])
    tests = [summary(folder / f"seed={s},rate={best}")["test_error_ternary"] for s in (1, 2, 3)]
    assert f"\nchosen by validation: rate={best}\n" in output
    said = f"{statistics.mean(tests):.2f} ± {statistics.stdev(tests):.2f} (ternary weights)"
    assert output.splitlines()[-1].endswith(said)
    assert fewmult("compare", folder).stdout in output


def test_the_table_as_csv(swept: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = swept
    for _ in range(2):  # ours may be replaced
        done = fewmult("compare", folder, "--csv", tmp_path / "runs.csv")
        assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "runs.csv").read_text())))
    assert len(rows) == 6
    for row in rows:
        found = summary(Path(row["run"]))
        assert row["finished"] == "true"
        for name in ("seed", "validation_error", "test_error", "fingerprint", "best_epoch"):
            assert row[name] == str(found[name])
        assert row["rate"] == str(found["rate_exponent"])
    (tmp_path / "mine.csv").write_text("a,b\n")
    done = fewmult("compare", folder, "--csv", tmp_path / "mine.csv")
    assert_one_line(done.stderr, "mine.csv is no table of runs")
    assert (tmp_path / "mine.csv").read_text() == "a,b\n"


def test_unfinished_runs_count_in_no_mean(swept: tuple[Path, str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(swept[0], tmp_path / "runs"))
    for seed in (1, 2, 3):
        (folder / f"seed={seed},rate=2" / "summary.json").unlink()
    (folder / "seed=1,rate=3" / "summary.json").unlink()
    table = read_table([folder])
    assert [cells[1] for cells in table.cells[1:]] == ["0 of 3", "2 of 3"]
    assert table.cells[1][2] == "-"
    assert table.chosen is not None
    assert table.chosen.settings == {"rate_exponent": 3}


def test_it_goes_on_and_grows(swept: tuple[Path, str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(swept[0], tmp_path / "runs"))
    before = content(folder)
    command = ["sweep", "seed=1-4", "rate=2,3", *BRIEF, "--out", folder]
    assert_one_line(fewmult(*command).stderr, f"{folder} holds runs: add --continue")
    (folder / "seed=2,rate=2/summary.json").unlink()
    grown = fewmult(*command, "--continue")
    assert grown.stdout.startswith(f"{folder}: 8 runs, 5 of them finished\n[1/3] "), grown.stderr
    after = content(folder)
    assert {name: after[name] for name in before if "seed=2,rate=2/" not in name} == {
        name: before[name] for name in before if "seed=2,rate=2/" not in name
    }
    again = fewmult("sweep", "--resume", folder)
    assert again.stdout.startswith(f"{folder}: 8 runs, 8 of them finished\n\n"), again.stderr
    other = fewmult("sweep", "seed=1-4", "rate=2,3", *BRIEF[:2], "--out", folder, "--continue")
    assert_one_line(other.stderr, "seed=1,rate=2 holds another run: its epochs is 1, not 100")
    assert content(folder) == after


def test_seeds_of_train(tmp_path: Path) -> None:
    for place in ("runs/seeds", "runs/seeds-2"):
        done = fewmult("train", "--seeds", "1,3", *BRIEF, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert names(tmp_path / place) == {"seed=1", "seed=3"}
        assert "\nruns  validation, %\n" in done.stdout
    for text, reason in (
        ("5-1", "seed=5-1 ends before it begins"),
        ("1-1000000", "at most 1,000 go together"),
        ("", "seed has no values"),
        ("1 --seed 2", "seed is in the grid: leave out --seed"),
        ("1 --overwrite", "leave out --resume, --overwrite"),
    ):
        value, *more = text.split(" ")
        assert_one_line(fewmult("train", "--seeds", value, *more, cwd=tmp_path).stderr, reason)
    assert names(tmp_path / "runs") == {"seeds", "seeds-2"}


def test_nothing_begins_where_one_run_cannot(tmp_path: Path) -> None:
    done = fewmult("sweep", "batch=64,100", "--out", tmp_path / "runs")
    assert_one_line(done.stderr, "batch 100 is not possible")
    assert not (tmp_path / "runs").exists()
    foreign = tmp_path / "runs/seed=2"
    foreign.mkdir(parents=True)
    (foreign / "model.npz").write_text("mine")
    done = fewmult("sweep", "seed=1-3", *BRIEF, "--out", tmp_path / "runs")
    assert_one_line(done.stderr, "seed=2/model.npz is of no run")
    assert names(tmp_path / "runs") == {"seed=2"}
    assert_one_line(fewmult("sweep", "--resume", foreign).stderr, "seed=2 holds no runs")
    assert_one_line(fewmult("sweep", "seed=1", "--resume", foreign).stderr, "leave the rest out")
    assert_one_line(fewmult("sweep", "seed=1", "--continue").stderr, "--continue needs --out")


def test_a_run_that_fails_stops_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    configs = {f"seed={seed}": config_with(net="64-10", epochs=1, seed=seed) for seed in (1, 2, 3)}
    begin_sweep(folder, configs, go_on=False)
    (folder / "seed=2/metrics.jsonl").mkdir()
    done = fewmult("sweep", "--resume", folder)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first.startswith("seed=2 failed: ")
    assert "metrics.jsonl" in first
    assert last == f"error: 1 of 3 runs failed: go on with fewmult-hls sweep --resume {folder}"
    assert "\nruns  validation, %\n   2  " in done.stdout
    (folder / "seed=2/metrics.jsonl").rmdir()
    assert fewmult("sweep", "--resume", folder).returncode == 0


# ---- Stopped -------------------------------------------------------------------------------------


def processes_of(folder: Path) -> list[str]:
    """Those whose command names the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and "--continue" in words:
            found.append(path.parent.name)
    return found


def wait_for(condition: Any) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_end_with_the_sweep_and_go_on(number: int, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    process = start("sweep", "seed=1-3", *LONG, "--jobs", "2", "--threads", "1", "--out", folder)
    wait_for(lambda: all((folder / f"seed={s}/metrics.jsonl").exists() for s in (1, 2)))
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    wait_for(lambda: not processes_of(folder))
    assert len(run_folders(folder)) == 3
    assert not list(folder.glob("*/summary.json"))
    for seed in (1, 2):
        assert list((folder / f"seed={seed}/checkpoints").iterdir()), "it left no checkpoint"
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert f"go on with: fewmult-hls sweep --resume {folder}\n" in stderr


@pytest.mark.slow
def test_a_second_sweep_of_the_same_runs_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    process = start("sweep", "seed=1", *LONG, "--out", folder)
    wait_for((folder / "seed=1/metrics.jsonl").exists)
    done = fewmult("sweep", "--resume", folder)
    assert_one_line(done.stderr, f"{folder} is in use by process {process.pid}")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def test_processes_end_when_nobody_asks_any_more() -> None:
    """Also one that takes no notice of SIGTERM until its output has no reader."""
    commands = [["sleep", "1000"], ["sh", "-c", "echo one; echo two >&2; exit 3"], ["sleep", "999"]]
    ends = run_all(commands, 2)
    ended = next(ends)
    assert (ended.number, ended.code, ended.lines) == (1, 3, ["one", "two"])
    ends.close()  # type: ignore[attr-defined]
    assert subprocess.run(["pgrep", "-f", "^sleep (1000|999)$"], stdout=-3).returncode == 1
    (killed,) = run_all([["sh", "-c", "kill -9 $$"]], 1)
    assert killed.code == 128 + signal.SIGKILL


# ---- Job arrays ----------------------------------------------------------------------------------


def test_a_job_array_runs_each_task_once(tmp_path: Path) -> None:
    folder = tmp_path / "many runs"
    done = fewmult("sweep", "seed=1-3", *BRIEF, "--out", folder, "--slurm")
    script = folder / "sweep.slurm"
    assert done.stdout == f"submit with: sbatch '{script}'\n", done.stderr
    text = script.read_text()
    assert "#SBATCH --array=0-2\n" in text
    assert not list(folder.glob("*/metrics.jsonl")), "it was to write, not to run"
    for task in ("0", "2", "2"):
        env = environment(SLURM_ARRAY_TASK_ID=task, SLURM_CPUS_PER_TASK="1")
        ran = subprocess.run(["bash", script], cwd="/", env=env, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
    assert "seed=3 is finished, fingerprint " in ran.stdout
    assert sorted(path.parent.name for path in folder.glob("*/summary.json")) == [
        "seed=1",
        "seed=3",
    ]
    again = fewmult("sweep", "--resume", folder)
    assert again.stdout.startswith(f"{folder}: 3 runs, 2 of them finished\n[1/1] seed=2: ")
    script.write_text("mine")
    done = fewmult("sweep", "--resume", folder, "--slurm")
    assert_one_line(done.stderr, "sweep.slurm is of no sweep")


# ---- Python --------------------------------------------------------------------------------------


def test_python_sweeps(tmp_path: Path) -> None:
    options: Any = {"net": "64-16-10", "epochs": 1, "out": tmp_path / "runs"}
    grid = {"seed": range(1, 3), "batch": [64, 128]}
    table = fewmult_hls.sweep(grid, "digits", jobs=2, **options)
    assert table.varied == ["batch"]
    assert [len(row.runs) for row in table.rows] == [2, 2]
    assert table.chosen in table.rows
    with pytest.raises(UsageError, match="holds runs"):
        fewmult_hls.sweep(grid, **options)
    again = fewmult_hls.sweep(grid, go_on=True, **options)
    assert again.cells == table.cells
    for wrong, kind, reason in (
        ({"tint": 1}, TypeError, "sweep.. has no option 'tint'"),
        ({"seed": 1}, UsageError, "seed is in the grid: leave out --seed"),
        ({"jobs": 0}, UsageError, "'jobs' must be 1 to 256, not 0"),
        ({"epochs": "two"}, UsageError, "epochs"),
        ({"dataset": 3}, UsageError, "'dataset' must be a path"),
    ):
        with pytest.raises(kind, match=reason):
            fewmult_hls.sweep(grid, **{**options, "go_on": True, **wrong})
    (tmp_path / "runs/seed=1,batch=64/summary.json").unlink()
    shutil.rmtree(tmp_path / "runs/seed=1,batch=64/checkpoints")
    (tmp_path / "runs/seed=1,batch=64/checkpoints").symlink_to("/nowhere/else")
    with pytest.raises(FewmultError, match="1 of 4 runs failed: seed=1,batch=64: "):
        fewmult_hls.sweep(grid, go_on=True, **options)
