# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs that begin with a trained net: what is kept, what is fresh, what does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import assert_one_line, content, fewmult, summary
from fewmult_hls import load, train
from fewmult_hls.backends import open_backend
from fewmult_hls.datasets import Dataset, from_arrays
from fewmult_hls.datasets import load as load_data
from fewmult_hls.models.classifier import read_model
from fewmult_hls.runs.config import load_config
from fewmult_hls.runs.course import Course, Watcher
from fewmult_hls.runs.folder import RunFolder
from fewmult_hls.runs.plan import Plan, plan_run, plan_to_go_on
from fewmult_hls.runs.starting import Start
from fewmult_hls.system.errors import UsageError

DIGITS = load_data("digits")
CONV = "1x8x8-8C3p-P2-10"
NETS = {
    "dense": {"net": "64-24-16-10"},
    "conv": {"net": CONV},
    "binary": {"net": "64-24-10", "method": "binary-qbp", "master_bits": 8},
    "float": {"net": "64-24-10", "method": "float"},
}


def few_classes(classes: int = 3, names: tuple[str, ...] = (), shape: Any = (8, 8)) -> Dataset:
    """The digits below a number, as images of a shape."""
    parts = (DIGITS.train, DIGITS.test)
    kept = [part.labels < classes for part in parts]
    return from_arrays(
        *(
            (part.images[here].reshape(-1, *shape), part.labels[here])
            for part, here in zip(parts, kept, strict=True)
        ),
        class_names=names,
    )


def execute(plan: Plan, watcher: Watcher | None = None) -> dict[str, Any]:
    return plan.execute(open_backend(plan.config.backend), watcher or Watcher())[0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each kind of net, two epochs long."""
    folder = tmp_path_factory.mktemp("runs")
    for name, options in NETS.items():
        execute(plan_run({**options, "batch": 32, "epochs": 2, "seed": 5}, out=folder / name))
    return folder


def state_at_start(plan: Plan, folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    backend = open_backend(plan.config.backend)
    course = Course(plan.config, plan.dataset, backend, RunFolder(folder), start=plan.start)
    return course.trainer.network().tensors()


@pytest.mark.parametrize("name", NETS)
def test_all_of_the_state_is_kept_where_the_classes_are(
    name: str, runs: Path, tmp_path: Path
) -> None:
    plan = plan_run({"start": str(runs / name), "seed": 9}, out=tmp_path / "run")
    kept = read_model(runs / name).network.tensors()
    found = state_at_start(plan, tmp_path)
    assert found.keys() == kept.keys()
    assert all(np.array_equal(found[tensor], kept[tensor]) for tensor in kept)
    for setting in ("net", "method", "master_bits", "batch"):
        assert getattr(plan.config, setting) == summary(runs / name)[setting]


@pytest.mark.parametrize("name", NETS)
def test_other_classes_have_a_fresh_output_layer(name: str, runs: Path, tmp_path: Path) -> None:
    """As the seed draws it for a net of that shape; means of channels are the old ones."""
    data = few_classes()
    plan = plan_run({"start": str(runs / name), "seed": 9}, dataset=data, out=tmp_path / "run")
    assert plan.config.net == summary(runs / name)["net"].rpartition("-")[0] + "-3"
    kept, found = read_model(runs / name).network.tensors(), state_at_start(plan, tmp_path)
    plain = plan_run({**vars(plan.config), "start": "", "rate": 3}, dataset=data, out=tmp_path)
    assert plain.start is None
    fresh = state_at_start(plain, tmp_path)
    last = str(len(plan.config.net.split("-")) - 2)
    assert {tensor for tensor in found if tensor.endswith(last)} >= {f"weights_{last}"}
    for tensor, array in found.items():
        wanted = fresh if tensor.endswith(last) else kept
        assert np.array_equal(array, wanted[tensor]), tensor
    if name == "conv":
        assert not np.array_equal(fresh["offsets_0"], kept["offsets_0"])


def test_names_decide_which_classes_are_the_same(runs: Path) -> None:
    start = Start.read(runs / "dense")
    names = tuple(f"digit {k}" for k in range(10))
    assert start.keeps_output(DIGITS)
    assert start.keeps_output(few_classes(10, tuple(map(str, range(10)))))
    assert not start.keeps_output(few_classes(10, names))
    assert not start.keeps_output(few_classes(10, tuple(map(str, range(9, -1, -1)))))


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_backends_leave_one_fingerprint_which_depends_on_the_start(
    name: str, runs: Path, tmp_path: Path
) -> None:
    data = few_classes()
    prints = {}
    options = {"epochs": 2, "seed": 3}
    for backend in ("emu", "numpy"):
        for start in (runs / name, ""):
            given = {**options, "backend": backend, "start": str(start), "net": None}
            if not start:
                given |= {"net": NETS[name]["net"].rpartition("-")[0] + "-3", "batch": 32}
            plan = plan_run(given, dataset=data, out=tmp_path / f"{backend}{bool(start)}")
            prints[backend, bool(start)] = execute(plan)["fingerprint"]
    assert prints["emu", True] == prints["numpy", True] != prints["emu", False]


def test_the_chain_of_fingerprints(runs: Path, tmp_path: Path) -> None:
    """Each run names the model that it began with, and its own config repeats it."""
    first = runs / "dense"
    for name in ("second", "third"):
        execute(plan_run({"start": str(first), "epochs": 1}, out=tmp_path / name))
        found = summary(tmp_path / name)
        assert found["start"] == str(first / "model.npz")
        assert found["start_fingerprint"] == summary(first)["best_fingerprint"]
        first = tmp_path / name
    config = tmp_path / "third/config.toml"
    assert load_config(config)["start_fingerprint"] == found["start_fingerprint"]
    again = execute(plan_run({}, config=config, out=tmp_path / "again"))
    assert again["fingerprint"] == found["fingerprint"]
    other = execute(plan_run({"start": ""}, config=config, out=tmp_path / "other"))
    assert (other["start"], other["start_fingerprint"]) == ("", "")
    assert other["fingerprint"] != found["fingerprint"]


def test_another_model_in_its_place_is_refused(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "dense", tmp_path / "start")
    plan = plan_run({"start": str(tmp_path / "start"), "epochs": 1}, out=tmp_path / "run")
    execute(plan)
    execute(plan_run({"net": "64-24-16-10", "epochs": 1}, out=tmp_path / "start", overwrite=True))
    with pytest.raises(UsageError, match=r"start/model.npz has fingerprint .*, and the run began"):
        plan_run({}, config=tmp_path / "run/config.toml", out=tmp_path / "again")


def test_a_run_that_was_stopped_needs_its_start_only_before_a_checkpoint(
    runs: Path, tmp_path: Path
) -> None:
    start, folder = tmp_path / "start", tmp_path / "run"
    shutil.copytree(runs / "dense", start)
    options = {"start": str(start), "epochs": 3}
    whole = execute(plan_run(options, out=tmp_path / "whole"))["fingerprint"]

    def stop(epoch: int, step: int, hinge: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        execute(plan_run(options, out=folder), Watcher(on_step=stop))
    shutil.copytree(folder, tmp_path / "killed")
    shutil.rmtree(tmp_path / "killed/checkpoints")
    assert execute(plan_to_go_on(tmp_path / "killed", {}))["fingerprint"] == whole
    shutil.rmtree(tmp_path / "killed/checkpoints")
    (tmp_path / "killed/summary.json").unlink()
    shutil.rmtree(start)
    assert execute(plan_to_go_on(folder, {}))["fingerprint"] == whole
    with pytest.raises(UsageError, match=r"there is no folder or file .*start/model.npz"):
        execute(plan_to_go_on(tmp_path / "killed", {}))


def test_a_net_of_other_digits_learns_these_faster(runs: Path) -> None:
    """The reason of it all, on halves of the digits: known digits help with others."""
    low, high = DIGITS.train.labels < 5, DIGITS.test.labels < 5
    parts = [
        from_arrays(
            train=(DIGITS.train.images[mine], DIGITS.train.labels[mine] % 5),
            test=(DIGITS.test.images[other], DIGITS.test.labels[other] % 5),
            class_names=names,
        )
        for mine, other, names in ((low, high, list("01234")), (~low, ~high, list("56789")))
    ]
    known = train(parts[0], net="64-64-64-5", epochs=40, batch=32)
    errors = {
        start: train(parts[1], start=start, net="64-64-64-5", epochs=1, batch=32).summary
        for start in (known, None)
    }
    assert errors[known]["validation_error"] < errors[None]["validation_error"]
    assert errors[known]["start"] == "(in memory)"
    assert errors[known]["start_fingerprint"] == known.fingerprint


def test_python_takes_nets_folders_and_files(runs: Path) -> None:
    options: Any = {"epochs": 1, "seed": 4}
    with load(runs / "dense") as net:
        prints = {
            train("digits", start=start, **options).fingerprint
            for start in (net, runs / "dense", str(runs / "dense/model.npz"))
        }
    assert len(prints) == 1
    for wrong in (3, b"x", ""):
        with pytest.raises(UsageError, match="'start' must be a path"):
            train("digits", start=wrong, **options)  # type: ignore[arg-type]


def damaged(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("dense", {"net": "64-30-10"}, ["has net 64-24-16-10, and the run 64-30-10"]),
        ("dense", {"net": CONV}, ["has net 64-24-16-10, and the run 1x8x8-8C3p-P2-10"]),
        ("dense", {"master_bits": 8}, ["master_bits 16, and the run 8: leave out --master-bits"]),
        ("binary", {"master_bits": 16}, ["has master_bits 8, and the run 16"]),
        ("dense", {"method": "binary-qbp"}, ["method ternary-qbp, and the run binary-qbp"]),
        ("float", {"method": "ternary-qbp"}, ["method float, and the run ternary-qbp"]),
        ("dense", {"method": "float"}, ["has method ternary-qbp, and the run float"]),
    ],
)
def test_what_does_not_go_together_names_both(
    name: str, options: dict[str, Any], parts: list[str], runs: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as raised:
        plan_run({"start": str(runs / name), **options}, out=tmp_path / "run")
    for part in (str(runs / name / "model.npz"), *parts):
        assert part in str(raised.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("net", "shape", "reason"),
    [
        ("dense", (4, 16), "takes 8x8 pixels (rows x columns), and arrays has 4x16"),
        ("conv", (8, 8, 1), "takes 8x8 pixels (rows x columns), and arrays has 8x8x1"),
        ("dense", (16, 16), "takes 8x8 pixels (rows x columns), and arrays has 16x16"),
    ],
)
def test_other_images_are_refused(net: str, shape: Any, reason: str, runs: Path) -> None:
    images = np.zeros((20, *shape), np.uint8)
    data = from_arrays((images, np.arange(20) % 2), (images, np.arange(20) % 2))
    start = Start.read(runs / net)
    if data.image_shape == (8, 8):
        pytest.skip("one channel is none")
    with pytest.raises(UsageError) as raised:
        start.check({**start.settings, "net": start.net_for(data)}, data)
    assert reason in str(raised.value)


def test_a_net_of_one_layer_has_nothing_to_keep(tmp_path: Path) -> None:
    execute(plan_run({"net": "64-10", "epochs": 1}, out=tmp_path / "run"))
    execute(plan_run({"start": str(tmp_path / "run"), "epochs": 1}, out=tmp_path / "same"))
    with pytest.raises(UsageError, match="one layer knows its own classes alone"):
        plan_run({"start": str(tmp_path / "run")}, dataset=few_classes(), out=tmp_path / "other")


Prepare = Callable[[Path, Path], Path]
WRONG: dict[str, tuple[Prepare, list[str]]] = {
    "gone": (lambda runs, here: here / "none", ["there is no folder or file"]),
    "empty folder": (lambda runs, here: here, ["is this the folder of a finished run?"]),
    "no model": (lambda runs, here: runs / "dense/config.toml", ["config.toml"]),
    "damaged": (
        lambda runs, here: damaged(Path(shutil.copy(runs / "dense/model.npz", here))),
        ["model.npz is damaged"],
    ),
    "packed": (
        lambda runs, here: packed(runs / "dense", here / "net.packed"),
        ["net.packed is packed, without the weights that learn"],
    ),
}


def packed(run: Path, path: Path) -> Path:
    assert fewmult("export", run, "--format", "packed", "--out", path).returncode == 0
    return path


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_start(name: str, runs: Path, tmp_path: Path) -> None:
    prepare, parts = WRONG[name]
    (tmp_path / "here").mkdir()
    place = prepare(runs, tmp_path / "here")
    done = fewmult("train", "--from", place, "--out", tmp_path / "run")
    assert done.returncode in (1, 2)
    assert_one_line(done.stderr, *parts)
    assert not (tmp_path / "run").exists()


def test_the_command_says_what_it_begins_with(runs: Path, tmp_path: Path) -> None:
    begun = ["train", "--from", runs / "dense", "--epochs", "1", "--out", tmp_path / "run"]
    done = fewmult(*begun)
    mark = summary(runs / "dense")["best_fingerprint"][:8]
    assert f"\nfrom {runs / 'dense/model.npz'} ({mark}..)\n" in done.stdout, done.stderr
    before = content(tmp_path)
    refused = fewmult("train", "--resume", tmp_path / "run", "--from", runs / "dense")
    assert_one_line(refused.stderr, "leave out --from")
    assert content(tmp_path) == before


def test_other_preprocessing_is_said(runs: Path) -> None:
    images, labels = np.random.default_rng(1).random((70, 8, 8)), np.arange(70) % 10
    data = from_arrays((images, labels), (images[:10], labels[:10]))
    assert "; its images were made by none: bytes as they are, these by " in Start.read(
        runs / "dense"
    ).text(data)
    assert "images" not in Start.read(runs / "dense").text(DIGITS)
