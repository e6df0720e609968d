# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run: one process at a time, nothing of others touched, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from command import (
    COMMAND,
    PATIENCE,
    RUN_FILES,
    SMALL,
    assert_one_line,
    config_with,
    content,
    environment,
    fewmult,
    names,
    read_until,
    start,
    summary,
    write_set,
)
from faults import stops
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.contract.backend import Backend
from fewmult_hls.contract.calls import Call
from fewmult_hls.nets.trainer import Epoch
from fewmult_hls.runs import run as runs
from fewmult_hls.runs.checkpoints import newest_checkpoint
from fewmult_hls.runs.config import RunConfig, load_config
from fewmult_hls.runs.course import Watcher
from fewmult_hls.runs.folder import check_folder, finish_replacing
from fewmult_hls.system.errors import FewmultError, UsageError
from fewmult_hls.system.locking import check_free, lock_inside, locked

pytestmark = pytest.mark.slow

LONG = ["--net", "64-32-10", "--epochs", "100000"]
FOREIGN = {"notes.txt": b"mine", "plots/loss.png": b"mine", "checkpoints/why.txt": b"mine"}


def add_foreign(folder: Path) -> None:
    for name, data in FOREIGN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def foreign(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in content(folder).items() if name in FOREIGN}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "finished"
    assert fewmult("train", *SMALL, "--out", folder).returncode == 0
    add_foreign(folder)
    return folder


@pytest.fixture
def old(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, with files of others in its folder."""
    return Path(shutil.copytree(finished, tmp_path / "old"))


def small_run(folder: Path, epochs: int = 4) -> RunConfig:
    data = write_set(folder / "set", train=60)
    config = config_with(dataset=str(data), batch=16, epochs=epochs, backend="numpy")
    return replace(config, checkpoint_every=0)


# --overwrite


def test_an_overwrite_stopped_anywhere(old: Path, tmp_path: Path) -> None:
    config = replace(small_run(tmp_path, epochs=2), seed=9, checkpoint_every=1)
    data = datasets.load(config.dataset)

    def train(folder: Path, overwrite: bool = True) -> dict[str, object]:
        with_numpy = open_backend("numpy")
        return runs.run(config, data, with_numpy, folder, Watcher(), overwrite=overwrite)

    wanted = train(tmp_path / "unbroken", overwrite=False)["fingerprint"]
    before = content(old)
    spare = Path(shutil.copytree(old, tmp_path / "spare"))
    for number, every in ((signal.SIGINT, 5), (signal.SIGKILL, 1)):
        seen = []
        for _ in stops(lambda: train(old), number, every=every):
            check_folder(old, overwrite=True)
            with pytest.raises(UsageError):
                check_folder(old, overwrite=False)
            assert foreign(old) == FOREIGN
            if load_config(old / "config.toml")["seed"] == 9:
                if not (old / "summary.json").exists():
                    runs.resume(config, data, open_backend("numpy"), old, Watcher())
                assert summary(old)["fingerprint"] == wanted
                assert len((old / "metrics.jsonl").read_text().splitlines()) == 2
                seen.append("new")
            else:
                left = content(old)
                assert left.items() >= before.items()
                seen.append("old")
            train(old)
            assert names(old) == RUN_FILES | {"notes.txt", "plots"}
            assert foreign(old) == FOREIGN
            shutil.rmtree(old)
            shutil.copytree(spare, old)
        assert seen == sorted(seen, reverse=True)
        assert set(seen) == {"old", "new"}


def test_an_early_interrupt_goes_on_with_the_new_run(old: Path, tmp_path: Path) -> None:
    # Nothing of the new run may be there yet, and the old one must not be taken for it.
    process = start("train", *LONG, "--seed", "7", "--out", old, "--overwrite")
    read_until(process, "images to learn from")
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    is_new = load_config(old / "config.toml")["seed"] == 7
    assert (f"go on with: fewmult-hls train --resume {old}" in err) == is_new
    assert (old / "summary.json").exists() != is_new
    checkpoint, _ = newest_checkpoint(old)
    assert checkpoint is None or checkpoint.config.seed == (7 if is_new else 1)
    assert foreign(old) == FOREIGN


@pytest.mark.parametrize("name", ["config.toml", "metrics.jsonl", "summary.json", "model.npz"])
@pytest.mark.parametrize("kind", ["text", "json", "link", "dangling", "folder"])
def test_a_file_of_others_with_a_name_of_ours_stays(
    name: str, kind: str, old: Path, tmp_path: Path
) -> None:
    path = old / name
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind in ("link", "dangling"):
        (tmp_path / "elsewhere").write_text("{}" if kind == "link" else "")
        path.symlink_to(tmp_path / ("elsewhere" if kind == "link" else "nowhere"))
    else:
        path.write_text("mine" if kind == "text" else '{"name": "mine"}')
    before = content(tmp_path)
    with pytest.raises(UsageError, match=f"{name} is of no run: move it away"):
        check_folder(old, overwrite=True)
    with pytest.raises(UsageError, match=f"{name} is of no run: move it away"):
        check_folder(old, overwrite=False)
    assert content(tmp_path) == before


def test_checkpoints_behind_a_link_stay(old: Path, tmp_path: Path) -> None:
    (old / "checkpoints").rename(tmp_path / "elsewhere")
    (old / "checkpoints").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path)
    with pytest.raises(UsageError, match="is of no run: move it away"):
        check_folder(old, overwrite=True)
    assert content(tmp_path) == before


def test_the_old_run_stays_if_the_new_one_cannot_begin(old: Path) -> None:
    before = content(old)
    (old / ".fewmult-hls.new").write_text("in the way")
    done = fewmult("train", *SMALL, "--seed", "2", "--out", old, "--overwrite")
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot write {old}")
    (old / ".fewmult-hls.new").unlink()
    assert content(old) == before


@pytest.mark.parametrize("command", ["evaluate", "compare", "report", "predict"])
def test_who_reads_finishes_what_was_decided(command: str, old: Path, tmp_path: Path) -> None:
    """Killed just after a new run was put in the place of the old one."""
    if command == "report":
        pytest.importorskip("matplotlib", reason="needs the extra report")
    finish_replacing(old)
    decided = old / ".fewmult-hls.next"
    decided.mkdir()
    shutil.copy(old / "config.toml", decided)
    gone = ["summary.json", "model.npz", "metrics.jsonl"]
    (decided / ".gone.json").write_text(json.dumps(gone))
    more = {"compare": [old], "report": ["--out", tmp_path / "out"], "predict": [old / "x.png"]}
    fewmult(command, old, *more.get(command, []))
    assert not decided.exists()
    assert not names(old) & set(gone)


@pytest.mark.parametrize("size", [100, 150])
def test_the_old_run_stays_on_a_full_disk(size: int, old: Path) -> None:
    before = content(old)
    done = fewmult(
        *("train", *SMALL, "--seed", "2", "--out", old, "--overwrite"),
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot write {old}/config.toml: File too large")
    assert content(old) == before


# One process at a time


@pytest.fixture
def busy(tmp_path: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process in the midst of a run."""
    folder = tmp_path / "busy"
    process = start("train", *LONG, "--out", folder)
    read_until(process, "epoch      3/")
    yield process, folder
    process.kill()
    process.communicate()


def test_a_second_process_is_refused(busy: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = busy
    process.send_signal(signal.SIGSTOP)  # as slow as can be
    before = content(folder)
    for command in (
        ["--resume", folder],
        [*SMALL, "--out", folder],
        [*SMALL, "--out", folder, "--overwrite"],
    ):
        done = fewmult("train", *command)
        assert done.returncode == 2
        assert_one_line(done.stderr, f"{folder} is in use by process {process.pid}: wait")
        assert content(folder) == before
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = start("train", "--resume", folder)
    read_until(resumed, "epoch")
    resumed.send_signal(signal.SIGINT)
    resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 130
    assert names(folder) == RUN_FILES - {"model.npz", "summary.json"}


def test_of_three_at_once_one_trains(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = ["--net", "64-32-10", "--epochs", "8", "--backend", "numpy", "--out", folder]
    processes = [start("train", *options, "--seed", str(seed)) for seed in range(3)]
    codes = {}
    for seed, process in enumerate(processes):
        _, err = process.communicate(timeout=PATIENCE)
        codes[seed] = process.returncode
        if process.returncode:
            assert_one_line(err, f"{folder} ")
    assert sorted(codes.values()) == [0, 2, 2]
    assert codes[summary(folder)["seed"]] == 0
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 9))
    assert names(folder) == RUN_FILES


def test_a_fork_does_not_keep_a_lock(tmp_path: Path) -> None:
    """The process that made it was killed; its child lives on."""
    script = (
        "import os, time\nfrom pathlib import Path\nfrom fewmult_hls.system.locking import Lock\n"
        f"lock = Lock(Path({str(tmp_path / 'lock')!r}), Path('it'))\n"
        "if os.fork() == 0:\n    lock.release()\n    print('forked', flush=True)\n"
        "    time.sleep(60)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "forked\n"
    with pytest.raises(UsageError, match=f"in use by process {process.pid}"):
        check_free(tmp_path / "lock", tmp_path)
    process.kill()
    process.wait()
    with locked(tmp_path / "lock", tmp_path):
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()


def test_a_lock_removed_while_somebody_waits_for_it(tmp_path: Path) -> None:
    path = lock_inside(tmp_path)
    with locked(path, tmp_path):
        path.unlink()
        with locked(path, tmp_path), pytest.raises(UsageError, match="in use"):
            check_free(path, tmp_path)
    assert not path.exists()


def test_a_file_system_without_locks(tmp_path: Path) -> None:
    """It protects nobody, but is worked on."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    train = [*COMMAND, "train", *SMALL, "--out", str(tmp_path)]
    inject = ["-e", "trace=flock", "-e", "inject=flock:error=EOPNOTSUPP"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, *inject, *train],
        capture_output=True,
        text=True,
        env=environment(),
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip("processes cannot be traced here")
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path) == RUN_FILES


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/")])
def test_what_is_no_lock_is_left_alone(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / ".fewmult-hls.lock")
    done = fewmult("train", *SMALL, "--out", tmp_path)
    assert done.returncode == 1
    assert_one_line(done.stderr, f"{tmp_path}/.fewmult-hls.lock is in the way: move it")
    assert names(tmp_path) == {".fewmult-hls.lock"}


# Things removed in mid-run


def remove(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def replace_the_metrics(folder: Path) -> None:
    (folder / "metrics.jsonl").unlink()
    (folder / "metrics.jsonl").write_text('{"epoch": 0}\n')


def link_the_metrics(folder: Path) -> None:
    (folder / "metrics.jsonl").rename(folder.parent / "elsewhere")
    (folder / "metrics.jsonl").symlink_to(folder.parent / "elsewhere")


def edit_in_place(folder: Path) -> None:
    for name in ("metrics.jsonl", "config.toml"):
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"1", b"7"))


def remove_checkpoints(folder: Path) -> None:
    shutil.rmtree(folder / "checkpoints")


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


def move_away(folder: Path) -> None:
    folder.rename(folder.parent / "moved")


def move_and_make(folder: Path) -> None:
    move_away(folder)
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")


MEDDLING = [
    remove("metrics.jsonl"), remove("config.toml"), remove(".fewmult-hls.lock"),
    replace_the_metrics, link_the_metrics, edit_in_place, remove_checkpoints, remove_all,
    move_away, move_and_make,
]  # fmt: skip


@pytest.mark.parametrize("meddle", MEDDLING)
def test_what_is_removed_comes_back(meddle: Callable[[Path], None], tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"

    def on_epoch(epoch: object, error: float) -> None:
        if epoch.epoch == 3:  # type: ignore[attr-defined]
            meddle(folder)

    config = replace(small_run(tmp_path, epochs=7), checkpoint_every=2)
    data = datasets.load(config.dataset)
    found = runs.run(config, data, open_backend("numpy"), folder, Watcher(on_epoch=on_epoch))
    assert summary(folder) == json.loads(json.dumps(found))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, 8))
    assert RunConfig(**load_config(folder / "config.toml")) == config
    checkpoint, complaints = newest_checkpoint(folder)
    assert checkpoint is not None
    assert not complaints
    assert len(checkpoint.metrics) == 7
    assert names(folder) - {"notes.txt"} == RUN_FILES
    if elsewhere.exists():
        assert elsewhere.read_text().count("\n") == 3


def put_another_run(folder: Path) -> None:
    move_away(folder)
    assert fewmult("train", *SMALL, "--seed", "8", "--out", folder).returncode == 0


def test_another_run_in_its_place_is_not_touched(
    busy: tuple[subprocess.Popen[str], Path],
) -> None:
    process, folder = busy
    process.send_signal(signal.SIGSTOP)
    put_another_run(folder)
    before = content(folder)
    process.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert_one_line(err, f"{folder} is no longer the folder of this run")
    assert content(folder) == before


# What ends a run leaves a checkpoint, if its state is whole


class StrangeError(Exception):
    """Of a listener or of a backend, which nobody foresaw."""


@pytest.mark.parametrize("listener", ["on_epoch", "on_step"])
def test_a_listener_that_fails_leaves_a_checkpoint(listener: str, tmp_path: Path) -> None:
    config = small_run(tmp_path)
    data, calls = datasets.load(config.dataset), []

    def fail(*numbers: object) -> None:
        calls.append(numbers)
        if len(calls) == 3:
            raise StrangeError

    def train(folder: str, watcher: Watcher) -> dict[str, object]:
        return runs.run(config, data, open_backend("numpy"), tmp_path / folder, watcher)

    wanted = train("unbroken", Watcher())["fingerprint"]
    with pytest.raises(StrangeError):
        train("run", Watcher(**{listener: fail}))
    checkpoint, _ = newest_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.step == (3 * 3 if listener == "on_epoch" else 3)
    resumed, _ = runs.resume(config, data, open_backend("numpy"), tmp_path / "run", Watcher())
    assert resumed["fingerprint"] == wanted


def test_metrics_that_cannot_be_written_cost_no_state(tmp_path: Path) -> None:
    config = small_run(tmp_path)
    data, backend = datasets.load(config.dataset), open_backend("numpy")
    wanted = runs.run(config, data, backend, tmp_path / "unbroken", Watcher())["fingerprint"]
    folder = tmp_path / "run"
    metrics = folder / "metrics.jsonl"

    def block(epoch: Epoch, error: float) -> None:
        if epoch.epoch == 2:
            metrics.unlink()
            metrics.mkdir()

    with pytest.raises(FewmultError, match=r"cannot write .*metrics\.jsonl"):
        runs.run(config, data, backend, folder, Watcher(on_epoch=block))
    checkpoint, _ = newest_checkpoint(folder)
    assert checkpoint is not None
    assert checkpoint.step == 3 * 3
    metrics.rmdir()
    resumed, _ = runs.resume(config, data, backend, folder, Watcher())
    assert resumed["fingerprint"] == wanted
    assert len(metrics.read_text().splitlines()) == config.epochs


def test_a_step_that_fails_leaves_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows how much of it was done: what was saved before counts."""
    config, calls = small_run(tmp_path), []
    backend = open_backend("numpy")
    right = type(backend).run

    def fail(self: Backend, call: Call) -> None:
        calls.append(call.kernel)
        if calls.count("shift_gradient") == 5:
            raise StrangeError
        right(self, call)

    monkeypatch.setattr(type(backend), "run", fail)
    with pytest.raises(StrangeError):
        runs.run(config, datasets.load(config.dataset), backend, tmp_path / "run", Watcher())
    assert names(tmp_path / "run") == {"config.toml", "metrics.jsonl"}


# Data that moved


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A run that learned from a set which has moved since then."""
    data = write_set(tmp_path / "here", train=60)
    folder = tmp_path / "run"
    options = ["--net", "64-16-10", "--batch", "16", "--epochs", "100000"]
    process = start("train", "--dataset", data, *options, "--out", folder)
    read_until(process, "epoch      3/")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    data.rename(tmp_path / "there")
    return folder


def resumed_until_interrupted(*options: str | Path) -> str:
    process = start("train", *options)
    read_until(process, "epoch")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    return err


def test_data_that_moved(interrupted: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    lost = fewmult("train", "--resume", interrupted)
    assert lost.returncode == 2
    assert_one_line(lost.stderr, f"there is no folder {tmp_path / 'here'}", "--dataset")
    resumed_until_interrupted("--resume", interrupted, "--dataset", there)
    assert load_config(interrupted / "config.toml")["dataset"] == str(there)
    resumed_until_interrupted("--resume", interrupted)
    epochs = [json.loads(line) for line in (interrupted / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in epochs] == list(range(1, len(epochs) + 1))


def test_other_data_are_refused(interrupted: Path, tmp_path: Path) -> None:
    other = write_set(tmp_path / "other", train=70)
    before = content(interrupted)
    done = fewmult("train", "--resume", interrupted, "--dataset", other)
    assert done.returncode == 2
    assert_one_line(done.stderr, f"{other} is not the data that {interrupted} learned from")
    done = fewmult("train", "--resume", interrupted, "--dataset", "digits")
    assert done.returncode == 2
    assert_one_line(done.stderr, "digits is not the data")
    shutil.rmtree(interrupted / "checkpoints")
    done = fewmult("train", "--resume", interrupted, "--dataset", tmp_path / "there")
    assert done.returncode == 2
    assert_one_line(done.stderr, "no checkpoint yet", "--overwrite")
    assert content(interrupted).items() <= before.items()
