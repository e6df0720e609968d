# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs whose files are damaged: every command that reads them says so in one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import assert_one_line
from fewmult_hls.cli.commands import run
from fewmult_hls.runs.comparison import compare_runs
from fewmult_hls.runs.record import model_of, read_run
from fewmult_hls.system.archive import reading_archive, save_checked
from fewmult_hls.system.errors import FewmultError

OPTIONS = ["--net", "64-16-10", "--epochs", "4", "--batch", "64"]
FILES = ("config.toml", "metrics.jsonl", "summary.json")

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of the same bits, one of another seed, one in floating point, one unfinished."""
    folder = tmp_path_factory.mktemp("runs")
    for name, more in {
        "a": [],
        "b": ["--threads", "1"],
        "seed": ["--seed", "2"],
        "float": ["--method", "float"],
    }.items():
        assert run(["train", *OPTIONS, *more, "--out", str(folder / name)]) == 0
    shutil.copytree(folder / "a", folder / "unfinished")
    (folder / "unfinished" / "summary.json").unlink()
    (folder / "unfinished" / "model.npz").unlink()
    return folder


@pytest.fixture
def one(runs: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copytree(runs / "a", tmp_path / "one"))


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Exit code, output and errors of a command."""

    def called(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return called


def summary(**changes: Any) -> Damage:
    """Other values in summary.json; ``...`` removes one."""

    def damage(folder: Path) -> None:
        path = folder / "summary.json"
        found = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({k: v for k, v in found.items() if v is not ...}))

    return damage


def metrics(line: int = 2, **changes: Any) -> Damage:
    """Other values in a line of metrics.jsonl; ``...`` removes one."""

    def damage(folder: Path) -> None:
        path = folder / "metrics.jsonl"
        lines = [json.loads(text) for text in path.read_text().splitlines()]
        lines[line] = {k: v for k, v in {**lines[line], **changes}.items() if v is not ...}
        path.write_text("".join(json.dumps(text) + "\n" for text in lines))

    return damage


def content(name: str, change: Callable[[bytes], bytes]) -> Damage:
    """Other bytes in a file."""

    def damage(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return damage


def is_pipe(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


NESTED = b"[" * 100_000

DAMAGES: list[tuple[Damage, str]] = [
    (summary(fingerprint=...), "summary.json is damaged (it lacks 'fingerprint')"),
    (summary(fingerprint=5), "'fingerprint' must be of type str"),
    (summary(fingerprint="ab"), "'fingerprint' is none"),
    (summary(best_fingerprint="A" * 64), "'best_fingerprint' is none"),
    (summary(best_epoch=0), "epoch 0 is not the best of 4"),
    (summary(best_epoch=5), "epoch 5 is not the best of 4"),
    (summary(best_epoch=True), "'best_epoch' must be of type int"),
    (summary(best_epoch=1.5), "'best_epoch' must be of type int"),
    (summary(steps="72"), "'steps' must be of type int"),
    (summary(steps=7), "says 7"),
    (summary(validation_error=[]), "'validation_error' must be of type float"),
    (summary(validation_error=101), "'validation_error' is no share"),
    (summary(test_error="low"), "'test_error' must be of type float"),
    (summary(test_error_ternary=-1), "'test_error_ternary' is no share"),
    (summary(seconds={}), "'seconds' must be of type float"),
    (summary(multiplications_per_step=0.5), "'multiplications_per_step' must be of type int"),
    (summary(epochs_trained=7), "metrics.jsonl is damaged (it has 4 lines"),
    (summary(epochs_trained=3, best_epoch=1), "it has 4 lines, and summary.json says 3 epochs"),
    (summary(seed=9), "its seed is not that of config.toml"),
    (summary(net="64-10"), "its net is not that of config.toml"),
    (content("summary.json", lambda _: b"[]"), "must be of type object"),
    (content("summary.json", lambda _: NESTED), "too many brackets"),
    (content("summary.json", lambda b: b.replace(b'"steps": ', b'"steps": 1' + b"0" * 5000)), "a "),
    (content("summary.json", lambda b: b.replace(b'"seconds": ', b'"seconds": 1e999')), "finite"),
    (content("summary.json", lambda b: b[:-9]), "summary.json is damaged"),
    (content("summary.json", lambda _: b""), "summary.json is damaged"),
    (content("summary.json", lambda b: b + bytes(1 << 20)), "it has more than 1,048,576 bytes"),
    (is_pipe("summary.json"), "summary.json: it is no regular file"),
    (metrics(epoch=9), "line 3: it is of epoch 9"),
    (metrics(epoch="3"), "line 3: 'epoch' must be of type int"),
    (metrics(hinge=...), "line 3: it lacks 'hinge'"),
    (metrics(state=...), "line 3: it lacks 'state'"),
    (metrics(state=[]), "line 3: 'state' must be of type table"),
    (metrics(state={"weights_0": 3}), "'state.weights_0' must be of type str"),
    (metrics(state={"weights": "ab"}), "'weights' is no tensor"),
    (metrics(state={"weights_x": "ab"}), "'weights_x' is no tensor"),
    (metrics(state={"weights_" + "9" * 5000: "ab"}), "is no tensor"),
    (metrics(validation_error=None), "'validation_error' must be of type float"),
    (metrics(validation_error=float("nan")), "'NaN' is no finite number"),
    (metrics(validation_error=-2), "'validation_error' cannot be -2"),
    (metrics(seconds=-1), "'seconds' cannot be -1"),
    (metrics(step=5), "'step' cannot be 5"),
    (metrics(rate_exponent="3"), "'rate_exponent' must be of type float"),
    (content("metrics.jsonl", lambda b: b.partition(b"\n")[2]), "line 1: it is of epoch 2"),
    (content("metrics.jsonl", lambda b: b[: b[:-1].rfind(b"\n") + 1]), "it has 3 lines"),
    (content("metrics.jsonl", lambda b: b[:-9]), "metrics.jsonl is damaged (line 4:"),
    (content("metrics.jsonl", lambda b: b + b.splitlines()[3]), "line 5: it is of epoch 4"),
    (content("metrics.jsonl", lambda b: b + NESTED), "line 5: it has too many brackets"),
    (content("metrics.jsonl", lambda b: b + b"9" * 5000), "line 5: a number has 5,000"),
    (content("metrics.jsonl", lambda b: b + b"\xff\n"), "line 5: 'utf-8' codec can't decode"),
    (content("metrics.jsonl", lambda b: b + b"\n"), "line 5: Expecting value"),
    (content("metrics.jsonl", lambda _: b""), "it has 0 lines"),
    (is_pipe("metrics.jsonl"), "metrics.jsonl: it is no regular file"),
    (lambda folder: (folder / "metrics.jsonl").unlink(), "it has 0 lines"),
    (content("model.npz", lambda b: b[:-1]), "model.npz is damaged"),
    (is_pipe("model.npz"), "model.npz: it is no regular file"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_damaged(damage: Damage, reason: str, one: Path, runs: Path, call: Call) -> None:
    damage(one)
    for arguments in (["compare", one, runs / "b"], ["compare", runs / "b", one]):
        code, out, err = call(*arguments)
        assert (code, out) == (1, "")
        assert_one_line(err, str(one), reason)
    with pytest.raises(FewmultError) as caught:  # as a report reads it
        model_of(read_run(one))
    assert str(caught.value) in err


def test_a_report_reads_the_same(one: Path, call: Call) -> None:
    pytest.importorskip("jinja2", reason="needs the extra report")
    metrics(hinge="x")(one)
    code, out, err = call("report", one)
    assert (code, out) == (1, "")
    assert_one_line(err, "metrics.jsonl is damaged (line 3: 'hinge' must be of type float")
    assert not (one / "report").exists()


CONFIGS = [
    (lambda b: b.replace(b"seed = 1\n", b""), "it lacks 'seed'"),
    (lambda b: b.replace(b"seed = 1\n", b"seed = true\n"), "'seed' must be of type int, not True"),
    (lambda b: b.replace(b"seed = 1\n", b"seed = -1\n"), "seed must be 0"),
    (lambda b: b.replace(b"seed = 1\n", b"seed = " + b"9" * 5000), "config.toml"),
    (
        lambda b: b.replace(b"seed = 1\n", b"seed = 0x" + b"f" * 5000 + b"\n"),
        "'seed' is beyond 64 bits",
    ),
    (lambda b: b + b"more = 1\n", "unknown key 'more'"),
    (lambda b: b + b"x = " + NESTED[:60_000], "is not valid TOML: it has too many brackets"),
    (lambda b: b + b"\xff", "is not valid TOML: 'utf-8' codec can't decode byte 0xff in position"),
    (lambda _: b"", "it lacks 'dataset'"),
    (lambda b: b + b"#" * (1 << 16), "it has more than 65,536 bytes"),
]


@pytest.mark.parametrize(("change", "reason"), CONFIGS)
@pytest.mark.parametrize("command", ["compare", "resume", "report"])
def test_damaged_configs(
    command: str, change: Callable[[bytes], bytes], reason: str, runs: Path, one: Path, call: Call
) -> None:
    if command == "report":
        pytest.importorskip("jinja2", reason="needs the extra report")
    content("config.toml", change)(one)
    before = {path.name: path.read_bytes() for path in one.iterdir() if path.is_file()}
    if command == "resume":
        (one / "summary.json").unlink()
        del before["summary.json"]
    arguments = {
        "compare": ["compare", runs / "b", one],
        "resume": ["train", "--resume", one],
        "report": ["report", one],
    }
    code, out, err = call(*arguments[command])
    assert (code, out) == (2, "")
    assert_one_line(err, str(one / "config.toml"), reason)
    assert {p.name: p.read_bytes() for p in one.iterdir() if p.name in before} == before


def test_a_mark_and_line_ends_of_windows(runs: Path, one: Path, call: Call) -> None:
    for name in FILES:
        content(name, lambda b: b"\xef\xbb\xbf" + b.replace(b"\n", b"\r\n"))(one)
    code, out, err = call("compare", runs / "a", one)
    assert (code, err) == (0, ""), out
    assert call("train", "--config", one / "config.toml", "--out", one / "again")[0] == 0


def test_the_same_bits(runs: Path, call: Call) -> None:
    code, out, _ = call("compare", runs / "a", runs / "b")
    assert code == 0
    wanted = json.loads((runs / "b" / "summary.json").read_text())["fingerprint"]
    assert out == f"the same bits in all 4 epochs\nfingerprint {wanted}\n"


@pytest.mark.parametrize("name", ["fingerprint", "best_fingerprint"])
def test_either_fingerprint_counts(name: str, runs: Path, one: Path, call: Call) -> None:
    (one / "model.npz").unlink()
    summary(**{name: "0" * 64})(one)
    for pair in ((one, runs / "b"), (runs / "b", one)):
        code, out, err = call("compare", *pair)
        assert (code, err) == (1, "")
        assert f"equal in 4 epochs, but {name.replace('_', ' ')} " in out
        assert "0" * 64 in out


def test_the_model_is_that_of_the_summary(runs: Path, one: Path, call: Call) -> None:
    shutil.copyfile(runs / "seed" / "model.npz", one / "model.npz")
    for pair in ((one, runs / "b"), (runs / "b", one)):
        code, _, err = call("compare", *pair)
        assert code == 1
        assert_one_line(err, f"{one / 'model.npz'} is not the model that {one / 'summary.json'}")


def test_other_nets_and_methods(runs: Path, call: Call) -> None:
    for other in ("seed", "float"):
        code, out, err = call("compare", runs / "a", runs / other)
        assert (code, err) == (1, "")
        assert "they part in epoch 1: layer 0" in out
    assert "method: ternary-qbp and float" in out


def test_a_run_on_its_way(runs: Path, tmp_path: Path, call: Call) -> None:
    """The last line of an unfinished run may be half there; so much is known of the others."""
    folder = Path(shutil.copytree(runs / "unfinished", tmp_path / "run"))
    content("metrics.jsonl", lambda b: b[:-9])(folder)
    assert len(read_run(folder).epochs) == 3
    code, out, _ = call("compare", folder, runs / "a")
    assert code == 1
    assert "equal in 3 epochs, but one has 3 and the other 4" in out
    (tmp_path / "empty").mkdir()
    code, _, err = call("compare", runs / "unfinished", tmp_path / "empty")
    assert code == 2
    assert_one_line(err, f"{tmp_path / 'empty'} holds no run")
    (folder / "metrics.jsonl").unlink()
    assert call("compare", folder, runs / "a")[0] == 2


def test_more_epochs_than_the_config_has(one: Path) -> None:
    content("config.toml", lambda b: b.replace(b"epochs = 4", b"epochs = 3"))(one)
    summary(epochs=3)(one)
    with pytest.raises(FewmultError, match=r"it has 4 lines, and config.toml says 3 epochs"):
        read_run(one)


def test_a_summary_of_another_version(one: Path) -> None:
    summary(test_error=..., executor=..., operations_per_step=..., version=9, news=[1])(one)
    summary(test_error_of_mine="low")(one)
    found = read_run(one)
    assert found.summary is not None
    assert found.summary["news"] == [1]
    metrics(news=3)(one)
    assert asdict(read_run(one).epochs[2]).keys() == asdict(found.epochs[2]).keys()


VALUES = st.sampled_from([None, True, -1, 0, 1.5, 10**30, "", "x", [], [1], {}, {"a": 1}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage(data: st.DataObject, runs: Path, tmp_path: Path) -> None:
    """Bytes that flip, go or come; values of any type: refused in a line, or the same run."""
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(runs / "a", folder)
    path = folder / data.draw(st.sampled_from(FILES))
    good = path.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "value"]))
    at = data.draw(st.integers(0, len(good) - 1))
    if kind == "flip":
        path.write_bytes(
            good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
        )
    elif kind == "cut":
        path.write_bytes(good[:at])
    elif kind == "insert":
        path.write_bytes(good[:at] + data.draw(st.binary(max_size=9)) + good[at:])
    else:
        known = json.loads((folder / "summary.json").read_text())
        name = data.draw(st.sampled_from(sorted(known)))
        summary(**{name: data.draw(VALUES)})(folder)
    try:
        compare_runs(folder, runs / "b")
    except FewmultError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert len(said) < 600


def test_arrays_that_are_no_weights(one: Path, call: Call) -> None:
    path = one / "model.npz"
    with reading_archive(path, "") as archive:
        arrays = dict(archive)
    arrays["weights_0"] = arrays["weights_0"].astype(np.complex64)
    save_checked(path, arrays)
    code, _, err = call("evaluate", one)
    assert code == 1
    assert_one_line(err, "weights_0 is complex64 (16, 64), not int16 (16, 64)")
