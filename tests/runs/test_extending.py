# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Finished runs with more epochs: the same bits, in one go, in two, and stopped in between."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import assert_one_line, config_with, content, fewmult, summary
from fewmult_hls.backends import open_backend
from fewmult_hls.methods.floating.schedule import FIRST_RATE, FloatSchedule
from fewmult_hls.nets.cycles import Cycle, Cycles, extended, go_on_from, read_cycles
from fewmult_hls.nets.trainer import Schedule
from fewmult_hls.runs.checkpoints import FOLDER, newest_checkpoint
from fewmult_hls.runs.config import load_config, save_config
from fewmult_hls.runs.course import Watcher
from fewmult_hls.runs.plan import Plan, plan_run, plan_to_go_on
from fewmult_hls.runs.record import read_run
from fewmult_hls.system.errors import FewmultError, UsageError

OPTIONS: dict[str, Any] = {
    **{"net": "64-20-20-10", "batch": 64, "epochs": 6},
    **{"perturb": 16, "sharpen": 2, "checkpoint_every": 2},
}


class StoppedError(Exception):
    """In mid-run."""


def execute(plan: Plan, stop_after: int | None = None) -> dict[str, Any]:
    """Trains, or raises ``StoppedError`` in the epoch behind this one."""

    def on_step(epoch: int, step: int, hinge: float) -> None:
        if stop_after is not None and epoch > stop_after and step == 3:
            raise StoppedError

    return plan.execute(open_backend(plan.config.backend), Watcher(on_step=on_step))[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "finished"
    execute(plan_run(OPTIONS, out=folder))
    return folder


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def assert_one_go(folder: Path, tmp_path: Path) -> None:
    """The run's own config, followed from its start, leaves the same."""
    whole = execute(plan_run({}, config=folder / "config.toml", out=tmp_path / "whole"))
    mine = summary(folder)
    timed = {"seconds", "samples_per_second"}
    assert {k: v for k, v in mine.items() if k not in timed} == {
        k: v for k, v in whole.items() if k not in timed
    }
    for name in ("model.npz", "config.toml"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert [one.state for one in read_run(folder).epochs] == [
        one.state for one in read_run(tmp_path / "whole").epochs
    ]


def test_an_extended_run_is_that_of_its_config(copy: Path, tmp_path: Path) -> None:
    before = read_run(copy)
    execute(plan_to_go_on(copy, {"epochs": 9}))
    after = read_run(copy)
    assert [one.state for one in after.epochs[:6]] == [one.state for one in before.epochs]
    assert after.summary["fingerprint"] != before.summary["fingerprint"]
    assert (after.config.epochs, after.config.cycles) == (9, "6+3")
    rates = [one.rate_exponent for one in after.epochs]
    assert rates == [*(rates[0] - k for k in range(6)), *(rates[0] - k for k in (0, 2, 4))]
    assert_one_go(copy, tmp_path)


def test_stopped_twice_in_an_extension_and_once_before(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(StoppedError):
        execute(plan_run(OPTIONS, out=folder), stop_after=3)
    execute(plan_to_go_on(folder, {}))
    for options in ({"epochs": 11}, {"epochs": 11}, {}):
        with pytest.raises(StoppedError):
            execute(plan_to_go_on(folder, options), len(read_run(folder).epochs) + 1)
        assert read_run(folder).summary is None
        assert (folder / "model.npz").exists(), "that of the first cycle, until there is another"
    execute(plan_to_go_on(folder, {}))
    assert summary(folder)["cycles"] == "6+5"
    assert_one_go(folder, tmp_path)


def test_extended_twice(copy: Path, tmp_path: Path) -> None:
    for epochs in (8, 10):
        execute(plan_to_go_on(copy, {"epochs": epochs}))
    assert summary(copy)["cycles"] == "6+2+2"
    assert_one_go(copy, tmp_path)


def test_another_backend_extends(copy: Path, tmp_path: Path) -> None:
    execute(plan_to_go_on(copy, {"epochs": 8, "backend": "numpy"}))
    assert load_config(copy / "config.toml")["backend"] == "numpy"
    config = copy / "config.toml"
    execute(plan_run({"backend": "emu"}, config=config, out=tmp_path / "whole"))
    for name in ("fingerprint", "best_fingerprint", "test_error"):
        assert summary(copy)[name] == summary(tmp_path / "whole")[name]


def test_the_methods_with_multiplications(tmp_path: Path) -> None:
    options = {"net": "64-20-10", "epochs": 3, "method": "float"}
    execute(plan_run(options, out=tmp_path / "run"))
    execute(plan_to_go_on(tmp_path / "run", {"epochs": 5}))
    assert_one_go(tmp_path / "run", tmp_path)


def test_patience_counts_from_the_extension(tmp_path: Path) -> None:
    options = {"net": "64-8-10", "epochs": 60, "patience": 2, "rate": 4}
    execute(plan_run(options, out=tmp_path / "run"))
    done = summary(tmp_path / "run")["epochs_trained"]
    assert done < 60, "patience did not end it: the test shows nothing"
    with pytest.raises(StoppedError):
        execute(plan_to_go_on(tmp_path / "run", {"epochs": done + 9}), stop_after=done + 1)
    execute(plan_to_go_on(tmp_path / "run", {}))
    found = summary(tmp_path / "run")
    assert found["cycles"] == f"{done}/60+9"
    assert found["epochs_trained"] >= done + 2
    assert_one_go(tmp_path / "run", tmp_path)


def test_a_damaged_last_checkpoint_costs_epochs_and_no_bit(copy: Path, tmp_path: Path) -> None:
    *_, last = sorted((copy / FOLDER).iterdir())
    last.write_bytes(last.read_bytes()[:-1])
    execute(plan_to_go_on(copy, {"epochs": 8}))
    assert_one_go(copy, tmp_path)


def without_checkpoints(folder: Path) -> None:
    shutil.rmtree(folder / FOLDER)


def with_another_seed(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text(path.read_text().replace("seed = 1", "seed = 2"))
    found = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**found, "seed": 2}))


@pytest.mark.parametrize(
    ("spoil", "options", "reason"),
    [
        (None, {"epochs": 6}, "copy has 6 epochs: --epochs 6 must be more"),
        (None, {"epochs": 0}, "copy has 6 epochs: --epochs 0 must be more"),
        (None, {"epochs": 100_001}, "epochs must be 1 to 100000, not 100001"),
        (None, {"epochs": 8, "rate": 2}, "leave out --rate"),
        (None, {"epochs": 8, "cycles": "4+4"}, "leave out --cycles"),
        (None, {}, "nothing to resume; --epochs N extends it"),
        (without_checkpoints, {"epochs": 8}, "copy has lost its checkpoints"),
        (with_another_seed, {"epochs": 8}, "has seed = 2, and the run began with 1"),
    ],
)
def test_what_cannot_be_extended_stays(
    spoil: Callable[[Path], None] | None, options: dict[str, Any], reason: str, copy: Path
) -> None:
    if spoil is not None:
        spoil(copy)
    before = content(copy)
    with pytest.raises(UsageError) as raised:
        execute(plan_to_go_on(copy, options))
    assert reason in str(raised.value)
    assert content(copy) == before


def test_an_unfinished_run_is_finished_first(tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        execute(plan_run(OPTIONS, out=tmp_path / "run"), stop_after=3)
    with pytest.raises(UsageError, match="not finished, and has 6 epochs: leave out --epochs"):
        plan_to_go_on(tmp_path / "run", {"epochs": 8})


def test_the_command_extends_and_repeats(copy: Path, tmp_path: Path) -> None:
    done = fewmult("train", "--resume", copy, "--epochs", "7")
    assert done.returncode == 0, done.stderr
    again = fewmult("train", "--config", copy / "config.toml", "--out", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert summary(tmp_path / "again")["fingerprint"] == summary(copy)["fingerprint"]
    same = fewmult("compare", copy, tmp_path / "again")
    assert (same.returncode, same.stdout.splitlines()[0]) == (0, "the same bits in all 7 epochs")
    refused = fewmult("train", "--cycles", "6+1", "--epochs", "8")
    assert_one_line(refused.stderr, "cycles 6+1 have 7 epochs, and the run has 8")


# ---- The text ------------------------------------------------------------------------------------


def test_one_cycle_is_the_schedule_as_ever() -> None:
    pace, plain = Cycles(read_cycles("", 30), lambda n: Schedule(n, 3, 2, 1)), Schedule(30, 3, 2, 1)
    assert pace.epochs == plain.epochs == 30
    for epoch in range(30):
        assert pace.rate(epoch) == plain.rate(epoch)
        assert pace.sharpness(epoch) == plain.sharpness(epoch)


def test_cycles_begin_again_and_one_that_is_left_is_as_planned() -> None:
    pace = Cycles(read_cycles("4/12+6", 10), lambda n: Schedule(n, 3))
    assert [pace.rate(epoch) for epoch in range(10)] == [3, 3, 2, 2, 3, 2, 1, 0, -1, -2]
    real = Cycles(read_cycles("2+2", 4), FloatSchedule)
    assert 2 ** real.rate(2) == pytest.approx(FIRST_RATE)


@pytest.mark.parametrize(
    "text", ["x", "1+", "+1", "0+1", "1++1", "1-1", "5/4", "1/0", "1/2/3", "1 + 1", "²", "1" * 9]
)
def test_texts_that_name_no_cycles(text: str) -> None:
    with pytest.raises(UsageError, match="are not epochs joined by"):
        config_with(cycles=text)


def test_a_config_takes_as_many_epochs_as_its_cycles(tmp_path: Path) -> None:
    save_config(tmp_path / "one.toml", config_with(epochs=6, cycles="4+2"))
    config = tmp_path / "one.toml"
    assert plan_run({}, config=config).config.cycles == "4+2"
    other = plan_run({"epochs": 8}, config=config).config
    assert (other.epochs, other.cycles) == (8, ""), "other epochs are another course"
    assert plan_run({"cycles": "3+1"}).config.epochs == 4


def test_only_what_went_before_counts() -> None:
    three = [Cycle(6, 6), Cycle(2, 4), Cycle(5, 5)]
    assert extended([Cycle(6, 6), Cycle(4, 4)], 8, 13) == "+".join(map(str, three)) == "6+2/4+5"
    assert go_on_from([Cycle(6, 6)], three, 6)
    assert go_on_from([Cycle(6, 6), Cycle(4, 4)], three, 8)
    assert not go_on_from([Cycle(6, 6), Cycle(4, 4)], three, 9)
    assert not go_on_from([Cycle(7, 7)], three, 3)
    assert not go_on_from(three, three[:2], 3)


def test_a_checkpoint_of_a_longer_run_is_of_another(copy: Path) -> None:
    execute(plan_to_go_on(copy, {"epochs": 8}))
    checkpoint, _ = newest_checkpoint(copy)
    assert checkpoint is not None
    (copy / "summary.json").unlink()
    save_config(copy / "config.toml", plan_run(OPTIONS).config)
    with pytest.raises(FewmultError, match="epochs = 6, and the run began with 8"):
        execute(plan_to_go_on(copy, {}))
