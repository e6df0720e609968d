# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that are whole, and yet not what this version can go on from."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import assert_one_line
from fewmult_hls.cli.commands import run
from fewmult_hls.oracle.integers import BIAS_MAX
from fewmult_hls.runs.checkpoints import FOLDER, load_checkpoint, newest_checkpoint
from fewmult_hls.system.errors import FewmultError

MAGIC = b"fewmult-hls checkpoint 1\n"
METHODS = ("ternary-qbp", "float")

Facts = dict[str, Any]
Arrays = dict[str, Any]
Change = Callable[[Facts, Arrays], Any]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that look as if they were stopped after their last but one checkpoint."""
    folder = tmp_path_factory.mktemp("runs")
    for method in METHODS:
        given = ["--net", "64-16-10", "--epochs", "4", "--batch", "64", "--checkpoint-every", "2"]
        out = folder / method
        assert run(["train", *given, "--method", method, "--out", str(out)]) == 0
        for name in ("summary.json", "model.npz"):
            (out / name).unlink()
    return folder


def last(folder: Path) -> Path:
    return max((folder / FOLDER).iterdir())


def taken(path: Path) -> tuple[Facts, Arrays]:
    with np.load(io.BytesIO(path.read_bytes()[len(MAGIC) + 32 :])) as archive:
        arrays = dict(archive)
    return json.loads(arrays.pop("facts").tobytes()), arrays


def put(path: Path, facts: Any, arrays: Arrays) -> None:
    file = io.BytesIO()
    text = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    np.savez(file, facts=np.frombuffer(text, np.uint8), **arrays)  # type: ignore[arg-type]
    payload = file.getvalue()
    path.write_bytes(MAGIC + hashlib.sha256(payload).digest() + payload)


def line(number: int, **changes: Any) -> Change:
    def change(facts: Facts, _: Arrays) -> None:
        facts["metrics"][number] = json.dumps({**json.loads(facts["metrics"][number]), **changes})

    return change


CHANGES: list[tuple[Change, str]] = [
    (lambda f, _: f.pop("config"), "it lacks 'config'"),
    (lambda f, _: f.update(more=1), "unknown key 'more'"),
    (lambda f, _: f["config"].pop("net"), "it lacks 'config.net'"),
    (lambda f, _: f["config"].update(speed=1), "unknown key 'config.speed'"),
    (lambda f, _: f["config"].update(batch="64"), "'config.batch' must be of type int"),
    (lambda f, _: f["config"].update(method="new"), "there is no method 'new'"),
    (lambda f, _: f["config"].update(net="64-17-10"), "weights_0 is"),
    (lambda f, _: f["config"].update(net="64-16-16-10"), "weights_1 is"),
    (lambda f, _: f["config"].update(net="64-x"), "is not widths joined by dashes"),
    (lambda f, _: f.update(data=3), "'data' must be of type str"),
    (lambda f, _: f.update(step=True), "'step' must be of type int"),
    (lambda f, _: f.update(step=f["step"] + 1), "is not in batch 0 of epoch 4"),
    (lambda f, _: f.update(step=-1), "no run of 4 epochs"),
    (lambda f, _: f["progress"].pop("loss"), ""),
    (lambda f, _: f["progress"].update(epoch=5), "no run of 4 epochs is in epoch 5"),
    (lambda f, _: f["progress"].update(epoch=-1), "no run of 4 epochs is in epoch -1"),
    (lambda f, _: f["progress"].update(epoch=3), "it has metrics of 4 epochs, and is in epoch 3"),
    (lambda f, _: f["progress"].update(batch=-1), "no run of 4 epochs"),
    (lambda f, _: f["progress"].update(batch=1), "is not in batch 1 of epoch 4"),
    (lambda f, _: f["progress"].update(batch="1"), "'progress.batch' must be of type int"),
    (lambda f, _: f["progress"].update(seconds=None), "'progress.seconds' must be of type float"),
    (lambda f, _: f["progress"].update(phase=1), "unknown key 'progress.phase'"),
    (lambda f, _: f.update(metrics="x"), "'metrics' must be of type list"),
    (lambda f, _: f.update(metrics=[{}] * 4), "'metrics[0]' must be of type str"),
    (lambda f, _: f.update(metrics=["[" * 100_000] * 4), "line 1: it has too many brackets"),
    (lambda f, _: f["metrics"].reverse(), "line 1: it is of epoch 4"),
    (line(2, seconds="1"), "line 3: 'seconds' must be of type float"),
    (line(2, state=None), "line 3: 'state' must be of type table"),
    (line(0, step=0), "line 1: 'step' cannot be 0"),
    (lambda f, _: f.update(best=None), "epoch None is not the best of 4"),
    (lambda f, _: f["best"].update(epoch=9), "epoch 9 is not the best of 4"),
    (lambda f, _: f["best"].update(error="low"), "'best.error' must be of type float"),
    (lambda f, _: f["best"].pop("error"), "it lacks 'best.error'"),
    (lambda f, _: f["tensors"].append("scale_0"), "_scale_0.npy' in the archive"),
    (lambda f, _: f["tensors"].remove("bias_1"), "it lacks bias_1"),
    (lambda _, a: a.pop("state_weights_1"), "no item named 'state_weights_1.npy'"),
    (lambda _, a: a.pop("best_bias_0"), "no item named 'best_bias_0.npy'"),
    (lambda _, a: a.update(state_weights_0=a["state_weights_0"][:-1]), "weights_0 is"),
    (lambda _, a: a.update(state_weights_0=a["state_weights_0"].T.copy()), "weights_0 is"),
    (lambda _, a: a.update(best_weights_0=a["best_weights_0"] * 1j), "weights_0 is complex"),
    (lambda _, a: a.update(state_bias_0=a["state_bias_0"].astype(object)), "no header of plain"),
    (lambda _, a: a.update(state_bias_0=a["state_bias_0"].astype(np.int8)), "bias_0 is int8"),
]

INTEGERS: list[tuple[Change, str]] = [
    (lambda _, a: a["state_weights_0"].__setitem__((0, 0), -32768), "weights_0 has values beyond"),
    (lambda _, a: a["best_bias_1"].__setitem__(0, BIAS_MAX + 1), "bias_1 has values beyond"),
    (lambda f, _: f["config"].update(master_bits=8), "weights_0 is int16 (16, 64), not int8"),
    (lambda f, _: f["config"].update(perturb=16), ""),
    (lambda f, _: f["config"].update(method="float", backend="numpy"), "weights_0 is int16"),
]

FLOATS: list[tuple[Change, str]] = [
    (lambda _, a: a["state_weights_0"].__setitem__((0, 0), np.nan), "not finite"),
    (lambda _, a: a["best_gain_0"].__setitem__(0, np.inf), "gain_0 has values that are not finite"),
    (lambda f, _: f["config"].update(method="ternary-qbp"), "weights_0 is float32"),
]


@pytest.mark.parametrize(
    ("method", "change", "reason"),
    [
        *((method, *case) for case in CHANGES for method in METHODS),
        *(("ternary-qbp", *case) for case in INTEGERS),
        *(("float", *case) for case in FLOATS),
    ],
)
def test_of_another_version(
    method: str, change: Change, reason: str, runs: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(runs / method, tmp_path / "run"))
    path = last(folder)
    facts, arrays = taken(path)
    change(facts, arrays)
    put(path, facts, arrays)
    if not reason:  # what has a default may lack, and what does not show passes
        load_checkpoint(path)
        return
    with pytest.raises(FewmultError) as caught:
        load_checkpoint(path)
    said = str(caught.value)
    assert said.startswith(f"{path} is of another version (")
    assert reason in said
    assert "\n" not in said
    before, complaints = newest_checkpoint(folder)
    assert before is not None
    assert before.progress.epoch == 2
    assert complaints == [said]


@pytest.mark.parametrize("facts", [b"", b"[]", b"\xff", b"[" * 100_000, b"9" * 5000, b"{}"])
def test_facts_that_are_none(facts: bytes, runs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(runs / "float", tmp_path / "run"))
    _, arrays = taken(last(folder))
    put(last(folder), facts, arrays)
    with pytest.raises(FewmultError, match="is of another version") as caught:
        load_checkpoint(last(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_on_from_the_one_before(
    method: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(runs / method, tmp_path / "run"))
    path = last(folder)
    facts, arrays = taken(path)
    arrays["state_weights_0"] = arrays["state_weights_0"].astype(np.complex64)
    put(path, facts, arrays)
    assert run(["train", "--resume", str(folder)]) == 0
    err = capsys.readouterr().err
    assert f"warning: {path} is of another version (weights_0 is complex64" in err
    assert "the one before it was taken" in err
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 4


def test_none_is_left(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(runs / "float", tmp_path / "run"))
    for path in (folder / FOLDER).iterdir():
        path.unlink()
        os.mkfifo(path)
    assert run(["train", "--resume", str(folder)]) == 1
    assert_one_line(
        capsys.readouterr().err, "it is no regular file, and there is no other: start again with"
    )


VALUES = st.sampled_from([None, True, -1, 0, 1.5, 10**30, "", "x", [], [1], {}, {"a": 1}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_facts(data: st.DataObject, runs: Path, tmp_path: Path) -> None:
    facts, arrays = taken(last(runs / "ternary-qbp"))
    part = data.draw(st.sampled_from([facts, facts["config"], facts["progress"], facts["best"]]))
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(VALUES)
    path = tmp_path / "any.checkpoint"
    put(path, facts, arrays)
    try:
        load_checkpoint(path)
    except FewmultError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 600
