# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Augmentation: against the contract, number by number, and in runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import assert_one_line
from fewmult_hls.backends import open_backend
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.cli.commands import run
from fewmult_hls.contract.limits import CROPS
from fewmult_hls.layers.augmentation import AugmentBatch
from fewmult_hls.oracle.augmentation import draw_moves
from fewmult_hls.oracle.threefry import threefry
from fewmult_hls.runs.course import Watcher
from fewmult_hls.runs.plan import plan_run, plan_to_go_on

GREY = "1x8x8-4C3ps2-P2-10"
BACKENDS = (OracleBackend(), EmuBackend(threads=1), EmuBackend(threads=3))
SMALL: dict[str, Any] = {"net": GREY, "batch": 64, "epochs": 2}


def expected(call: AugmentBatch) -> np.ndarray:
    """The definition of section 14, for one value after the other, in Python's integers."""
    rows, columns, channels = call.rows, call.columns, call.channels
    result = np.zeros_like(call.x)
    for b, example in enumerate(call.chosen.tolist()):
        low, high = threefry((call.seed, 6), (np.uint32(example), np.uint32(call.step)))
        halves = [int(low) & 0xFFFF, int(low) >> 16]
        moves = [((2 * call.crop + 1) * half >> 16) - call.crop for half in halves]
        for r in range(rows):
            for q in range(columns):
                mirrored = call.flip and int(high) & 1
                row, column = r + moves[0], (columns - 1 - q if mirrored else q) + moves[1]
                if 0 <= row < rows and 0 <= column < columns:
                    for c in range(channels):
                        to, of = (r * columns + q) * channels, (row * columns + column) * channels
                        result[to + c, b] = call.x[of + c, b]
    return result


@given(st.data())
def test_each_value_is_where_the_contract_has_it(data: st.DataObject) -> None:
    rows, columns, channels = (data.draw(st.integers(1, most)) for most in (11, 11, 3))
    fitting = [crop for crop in CROPS if crop < min(rows, columns)]
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    call = AugmentBatch(
        chosen=random.integers(0, 1 << 31, 16),
        x=random.integers(-127, 128, (rows * columns * channels, 16)).astype(np.int8),
        channels=channels,
        rows=rows,
        columns=columns,
        flip=data.draw(st.booleans()),
        crop=data.draw(st.sampled_from(fitting)),
        seed=data.draw(st.integers(0, (1 << 32) - 1)),
        step=data.draw(st.integers(0, (1 << 32) - 1)),
    )
    wanted = expected(call)
    for backend in BACKENDS:
        on_copy = replace(call, x=call.x.copy())
        backend.run(on_copy)
        np.testing.assert_array_equal(on_copy.x, wanted, backend.name)


def test_threads_share_a_large_batch() -> None:
    """Shares are whole cache lines, of batches that are more than threads are woken for."""
    random = np.random.default_rng(4)
    call = AugmentBatch(
        chosen=random.integers(0, 1 << 31, 256),
        x=random.integers(-127, 128, (19 * 21 * 3, 256)).astype(np.int8),
        channels=3,
        rows=19,
        columns=21,
        flip=True,
        crop=4,
        seed=5,
        step=6,
    )
    wanted, *others = (replace(call, x=call.x.copy()) for _ in BACKENDS)
    wanted.execute()
    for backend, other in zip(BACKENDS[1:], others, strict=True):
        backend.prepare([replace(other, step=0)]).run(6)
        np.testing.assert_array_equal(other.x, wanted.x)


@pytest.mark.parametrize("crop", CROPS)
def test_every_move_is_as_likely_as_another(crop: int) -> None:
    moves = draw_moves(3, 7, np.arange(1 << 16), crop)
    for values in (moves.rows, moves.columns):
        counts = np.bincount(values + crop, minlength=2 * crop + 1)
        assert len(counts) == 2 * crop + 1
        mean = (1 << 16) / len(counts)
        assert np.abs(counts - mean).max() < 5 * np.sqrt(mean)
    assert abs(int(moves.mirrored.sum()) - (1 << 15)) < 5 * 128
    both = np.corrcoef(moves.rows + moves.columns / 16, moves.mirrored)[0, 1] if crop else 0.0
    assert abs(both) < 0.02


def test_a_move_belongs_to_an_example_and_a_step() -> None:
    """Not to its place in the batch."""
    examples = np.array([9, 4, 70_000, 5])
    moves = np.array(draw_moves(1, 2, examples, 4))
    for order in ([3, 2, 1, 0], [2, 0, 3, 1]):
        np.testing.assert_array_equal(draw_moves(1, 2, examples[order], 4), moves[:, order])
    others = (draw_moves(1, 3, examples, 4), draw_moves(2, 2, examples, 4))
    assert not any(np.array_equal(other, moves) for other in others)


# ---- Runs ----------------------------------------------------------------------------------------


def trained(folder: Path, backend: str = "numpy", **options: Any) -> dict[str, Any]:
    plan = plan_run({**SMALL, "backend": backend, **options}, out=folder)
    return plan.execute(open_backend(backend), Watcher())[0]


def test_each_option_leaves_bits_of_its_own(tmp_path: Path) -> None:
    every = [{}, {"flip": True}, {"crop": 1}, {"crop": 2}, {"flip": True, "crop": 2}]
    every += [{**options, "perturb": 8} for options in every]
    prints = [
        trained(tmp_path / str(k), epochs=1, **options)["fingerprint"]
        for k, options in enumerate(every)
    ]
    assert len(set(prints)) == len(every)


@pytest.mark.parametrize("perturb", [0, 8])
def test_backends_leave_the_same_bits(tmp_path: Path, perturb: int) -> None:
    options = {"flip": True, "crop": 2, "perturb": perturb}
    one = trained(tmp_path / "numpy", **options)
    other = trained(tmp_path / "emu", "emu", **options)
    assert one["fingerprint"] == other["fingerprint"]
    assert one["multiplications_per_step"] == 0


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    def stop(epoch: int, batch: int, hinge: float) -> None:
        if (epoch, batch) == (2, 5):
            raise KeyboardInterrupt

    options = {**SMALL, "backend": "numpy", "flip": True, "crop": 2}
    plan = plan_run(options, out=tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        plan.execute(OracleBackend(), Watcher(on_step=stop))
    plan = plan_to_go_on(tmp_path / "stopped", {})
    assert (plan.config.flip, plan.config.crop) == (True, 2)
    summary, complaints = plan.execute(OracleBackend(), Watcher())
    assert not complaints
    assert summary["fingerprint"] == trained(tmp_path / "whole", flip=True, crop=2)["fingerprint"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--flip"], "--flip moves images, and a net that begins with 64 takes a row of values"),
        (["--crop", "2"], "--crop moves images, and a net that begins with 64 takes a row"),
        (["--crop", "3"], "'3' is not one of '0', '1', '2', '4', '8'"),
        (["--net", GREY, "--crop", "8"], "--crop 8 would move images of 8x8 out of sight"),
        (["--flip", "--method", "float"], "method float knows no flip"),
    ],
)
def test_what_cannot_be_moved(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert run(["train", *options, "--out", out]) == 2
    assert_one_line(capsys.readouterr().err, message)
    assert not Path(out).exists()
