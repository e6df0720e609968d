# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: a run that was stopped goes on to the bits of one that was not."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from command import assert_one_line, content, fewmult, start, summary
from fewmult_hls.runs.checkpoints import FOLDER, load_checkpoint, newest_checkpoint
from fewmult_hls.system.errors import FewmultError

pytestmark = pytest.mark.slow

OPTIONS = [
    *("--net", "64-100-100-10", "--batch", "32", "--epochs", "40"),
    *("--perturb", "16", "--sharpen", "3", "--checkpoint-every", "3"),
]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "unbroken"
    assert fewmult("train", *OPTIONS, "--out", folder).returncode == 0
    return folder


def lines(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def stopped(folder: Path, after: int, number: int, *arguments: str | Path) -> int:
    """A training that gets a signal some time after an epoch."""
    process = start("train", *arguments)
    while lines(folder) < after and process.poll() is None:
        time.sleep(0.002)
    time.sleep(random.random() * 0.02)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def assert_same_run(folder: Path, unbroken: Path) -> None:
    mine, wanted = summary(folder), summary(unbroken)
    timed = ("seconds", "samples_per_second")
    assert {k: v for k, v in mine.items() if k not in timed} == {
        k: v for k, v in wanted.items() if k not in timed
    }
    assert (folder / "model.npz").read_bytes() == (unbroken / "model.npz").read_bytes()
    compared = fewmult("compare", folder, unbroken)
    assert compared.returncode == 0, compared.stdout
    assert "the same bits in all 40 epochs" in compared.stdout


def test_killed_five_times_and_resumed(unbroken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    random.seed(5)
    stops = sorted(random.sample(range(1, 30), 5))
    stopped(folder, stops[0], signal.SIGKILL, *OPTIONS, "--out", folder)
    for after in stops[1:]:
        assert not (folder / "summary.json").exists()
        stopped(folder, after, signal.SIGKILL, "--resume", folder)
    assert fewmult("train", "--resume", folder, "--threads", "1").returncode == 0
    mine, wanted = summary(folder), summary(unbroken)
    assert mine["fingerprint"] == wanted["fingerprint"]
    mine["executor"] = wanted["executor"]
    (folder / "summary.json").write_text(json.dumps(mine))
    assert_same_run(folder, unbroken)
    assert len(list((folder / FOLDER).iterdir())) == 2, "leftovers of a killed process"


def test_killed_before_the_first_checkpoint(unbroken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    stopped(folder, 1, signal.SIGKILL, *OPTIONS, "--checkpoint-every", "0", "--out", folder)
    assert not (folder / FOLDER).exists()
    assert fewmult("train", "--resume", folder).returncode == 0
    assert summary(folder)["fingerprint"] == summary(unbroken)["fingerprint"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_of_the_last_step(
    number: int, unbroken: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    given = [*OPTIONS, "--checkpoint-every", "0", "--out", folder]
    assert stopped(folder, 2, number, *given) == 128 + number
    (path,) = (folder / FOLDER).iterdir()
    assert load_checkpoint(path).step >= 2 * 2 * 37
    again = fewmult("train", "--resume", folder)
    assert again.returncode == 0
    mine = summary(folder)
    assert mine["fingerprint"] == summary(unbroken)["fingerprint"]
    assert mine["best_fingerprint"] == summary(unbroken)["best_fingerprint"]


def test_another_backend_goes_on(unbroken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    stopped(folder, 32, signal.SIGINT, *OPTIONS, "--out", folder)
    assert fewmult("train", "--resume", folder, "--backend", "numpy").returncode == 0
    assert summary(folder)["fingerprint"] == summary(unbroken)["fingerprint"]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after its second checkpoint."""
    folder = tmp_path_factory.mktemp("runs") / "broken"
    assert stopped(folder, 10, signal.SIGINT, *OPTIONS, "--out", folder) == 130
    return folder


@pytest.fixture
def copy(broken: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(broken, tmp_path / "copy"))


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).iterdir())


def test_a_checkpoint_cut_anywhere_is_refused(copy: Path) -> None:
    path = checkpoints(copy)[-1]
    good = path.read_bytes()
    cuts = [*range(0, 200), *range(200, len(good), 997), len(good) - 1]
    for cut in cuts:
        path.write_bytes(good[:cut])
        with pytest.raises(FewmultError, match="damaged or no checkpoint"):
            load_checkpoint(path)
    path.write_bytes(good[:-1])
    checkpoint, complaints = newest_checkpoint(copy)
    assert checkpoint is not None
    assert checkpoint.step < load_checkpoint_of(good, path).step
    assert len(complaints) == 1
    assert str(path) in complaints[0]


def load_checkpoint_of(good: bytes, path: Path):
    path.write_bytes(good)
    return load_checkpoint(path)


def test_a_flipped_bit_is_refused(copy: Path) -> None:
    path = checkpoints(copy)[-1]
    good = path.read_bytes()
    for at in [*range(0, 120), *range(120, len(good), 4999)]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
        with pytest.raises(FewmultError, match="damaged or no checkpoint"):
            load_checkpoint(path)


def test_the_checkpoint_before_a_damaged_one_is_taken(copy: Path, unbroken: Path) -> None:
    path = checkpoints(copy)[-1]
    path.write_bytes(path.read_bytes()[:-1])
    done = fewmult("train", "--resume", copy)
    assert done.returncode == 0
    assert str(path) in done.stderr
    assert "the one before it was taken" in done.stderr
    assert summary(copy)["fingerprint"] == summary(unbroken)["fingerprint"]


def test_damaged_checkpoints_alone(copy: Path) -> None:
    for path in checkpoints(copy):
        path.write_bytes(b"")
    before = content(copy)
    done = fewmult("train", "--resume", copy)
    assert done.returncode == 1
    assert_one_line(done.stderr, str(path), "damaged", "--overwrite")
    assert content(copy) == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("epochs = 40", "epochs = 50", "epochs = 50, and the run began with 40"),
        ("seed = 1", "seed = 2", "seed = 2, and the run began with 1"),
        ("perturb = 16", "perturb = 8", "perturb = 8, and the run began with 16"),
    ],
)
def test_a_changed_config_names_the_difference(old: str, new: str, reason: str, copy: Path) -> None:
    path = copy / "config.toml"
    path.write_text(path.read_text().replace(old, new))
    before = content(copy)
    done = fewmult("train", "--resume", copy)
    assert done.returncode == 2
    assert_one_line(done.stderr, str(path), reason)
    assert content(copy) == before


def test_options_do_not_go_with_resume(copy: Path) -> None:
    for options in (["--epochs", "50"], ["--out", "x"], ["--overwrite"]):
        done = fewmult("train", "--resume", copy, *options)
        assert done.returncode == 2
        assert_one_line(done.stderr, "leave out", options[0])


def test_a_finished_run_is_not_resumed(unbroken: Path, tmp_path: Path) -> None:
    done = fewmult("train", "--resume", unbroken)
    assert done.returncode == 2
    assert_one_line(done.stderr, "finished run")
    assert_one_line(fewmult("train", "--resume", tmp_path / "none").stderr, "there is no folder")


def test_an_unfinished_run_says_how_to_go_on(copy: Path) -> None:
    done = fewmult("train", *OPTIONS, "--out", copy)
    assert done.returncode == 2
    assert_one_line(done.stderr, "an unfinished run", f"--resume {copy}")


def test_patience_ends_a_run(tmp_path: Path) -> None:
    given = ["--net", "64-30-10", "--epochs", "200", "--patience", "4", "--out", tmp_path / "run"]
    assert fewmult("train", *given).returncode == 0
    end = summary(tmp_path / "run")
    assert end["epochs_trained"] == end["best_epoch"] + 4 < 200
    assert lines(tmp_path / "run") == end["epochs_trained"]
    (*_, last) = checkpoints(tmp_path / "run")
    assert load_checkpoint(last).progress.epoch == end["epochs_trained"]


def test_the_model_is_the_best_epochs(unbroken: Path) -> None:
    end = summary(unbroken)
    metrics = [json.loads(line) for line in (unbroken / "metrics.jsonl").read_text().splitlines()]
    errors = [line["validation_error"] for line in metrics]
    assert end["validation_error"] == min(errors) == errors[end["best_epoch"] - 1]
    assert end["best_epoch"] < 40, "the test tells nothing if the last epoch is the best"
    assert end["best_fingerprint"] != end["fingerprint"]
    shown = fewmult("evaluate", unbroken).stdout
    assert end["best_fingerprint"] in shown
    assert f"{end['test_error_ternary']:.2f} %" in shown


def test_compare_names_where_runs_part(unbroken: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(unbroken, other)
    path = other / "metrics.jsonl"
    metrics = [json.loads(line) for line in path.read_text().splitlines()]
    for epoch in metrics[20:]:
        epoch["state"]["bias_1"] = "0" * 16
        epoch["state"]["weights_2"] = "0" * 16
    path.write_text("".join(json.dumps(line) + "\n" for line in metrics))
    done = fewmult("compare", unbroken, other)
    assert done.returncode == 1
    assert "they part in epoch 21: layer 1, bias is the first of 2 tensors" in done.stdout


def test_compare_names_settings_and_lengths(unbroken: Path, broken: Path, tmp_path: Path) -> None:
    done = fewmult("compare", broken, unbroken)
    assert done.returncode == 1
    assert "equal in" in done.stdout
    other = tmp_path / "other"
    assert (
        fewmult("train", *OPTIONS, "--epochs", "2", "--seed", "9", "--out", other).returncode == 0
    )
    done = fewmult("compare", unbroken, other)
    assert done.returncode == 1
    assert "seed: 1 and 9" in done.stdout
    assert "they part in epoch 1: layer 0" in done.stdout
    (tmp_path / "empty").mkdir()
    assert_one_line(fewmult("compare", unbroken, tmp_path / "empty").stderr, "holds no run")
