# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Instruction set levels and threads: one fingerprint, and none slower than it should be."""

import json
import os
import re
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from command import assert_one_line, environment, fewmult
from fewmult_hls._kernels import levels
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.cli.bench import thread_counts
from fewmult_hls.datasets import load
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer
from fewmult_hls.proof.parity import train_briefly
from fewmult_hls.proof.speed import measure
from fewmult_hls.system import cpu
from fewmult_hls.system.errors import UsageError

DIGITS = load("digits")


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("level", levels())
def test_every_level_and_thread_count_leaves_the_fingerprint(level: str, threads: int) -> None:
    # The same as in test_training.py, where the oracle leaves it too.
    print_ = train_briefly(EmuBackend(threads, level), DIGITS, binary=False, master_bits=16)
    assert print_ == train_briefly(EmuBackend(1, "portable"), DIGITS, False, 16)


@pytest.mark.slow
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize("batch", [16, 256])
def test_levels_agree_on_a_wide_net(level: str, batch: int) -> None:
    """Wider than a tile, with odd word columns, and outputs of more than one share."""
    spec = NetworkSpec.parse("64-700-520-200", batch=batch)
    prints = []
    for chosen, threads in ((level, 2), ("portable", 1)):
        trainer = Trainer(EmuBackend(threads, chosen), Network.initial(spec, 3), 3)
        losses = [trainer.step(DIGITS.train, np.arange(batch), rate=2) for _ in range(2)]
        prints.append((trainer.network().fingerprint, losses))
    assert prints[0] == prints[1]


def test_kernels_are_shared_by_threads() -> None:
    backend = EmuBackend(3)
    wanted = train_briefly(backend, DIGITS, binary=False, master_bits=16)
    found: list[str] = []
    callers = [
        threading.Thread(target=lambda: found.append(train_briefly(backend, DIGITS, False, 16)))
        for _ in range(3)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [wanted] * 3


def test_the_variable_forces_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    for level in levels():
        monkeypatch.setenv("FEWMULT_ISA", level)
        assert EmuBackend(2).info()["isa"] == level
    monkeypatch.setenv("FEWMULT_ISA", "")
    assert EmuBackend(2).info()["isa"] == levels()[-1]
    monkeypatch.setenv("FEWMULT_ISA", "sse9")
    with pytest.raises(UsageError, match=r"FEWMULT_ISA=sse9 cannot run here: set it to portable"):
        EmuBackend()


@pytest.mark.parametrize("command", [["train"], ["verify"], ["doctor"]])
def test_a_level_that_is_not_here_is_one_line(command: list[str], tmp_path: Path) -> None:
    done = fewmult(*command, cwd=tmp_path, env=environment(FEWMULT_ISA="sse9"))
    assert done.returncode == (1 if command == ["doctor"] else 2)
    assert_one_line(done.stderr, "FEWMULT_ISA=sse9", "unset it")


@pytest.mark.slow
def test_doctor_and_summaries_name_the_level(tmp_path: Path) -> None:
    forced = environment(FEWMULT_ISA="portable")
    doctor = fewmult("doctor", env=forced)
    assert re.search(r"^kernels +portable \(here: ", doctor.stdout, re.M)
    run = ["--net", "64-16-10", "--epochs", "1", "--threads", "2", "--out", tmp_path, "--overwrite"]
    done = fewmult("train", *run, env=forced)
    assert "emu: portable, 2 threads" in done.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["executor"]["isa"], summary["executor"]["threads"]) == ("portable", "2")
    assert_one_line(fewmult("train", "--threads", "0").stderr, "--threads", "1<=x<=256")
    refused = fewmult("train", "--backend", "numpy", "--threads", "2", "--out", tmp_path / "new")
    assert refused.returncode == 2
    assert_one_line(refused.stderr, "leave --threads out")


def test_physical_cores_are_those_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    assert 1 <= cpu.physical_cores() <= len(allowed)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert cpu.physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


# By at least so much is a level faster than another, on one thread. About half of what it is on a
# Zen 4: a guard against a lost optimisation, not a measurement.
FASTER = [
    ("avx2", "portable", "binary_matmul", 5.0),
    ("avx2", "portable", "binary_matmul^T", 5.0),
    ("avx2", "portable", "shift_gradient", 4.5),
    ("avx2", "portable", "sample_weights", 5.0),
    ("avx512", "avx2", "layer forward", 0.8),
    ("avx512", "avx2", "layer backward", 0.8),
    ("avx512", "avx2", "shift_gradient", 0.8),
    ("vnni", "avx512", "layer forward", 0.9),
    ("vnni", "avx512", "shift_gradient", 1.1),
]


@pytest.mark.speed
def test_no_level_has_lost_its_lead() -> None:
    report = measure(levels(), [1], rounds=5, steps=False)
    medians = {(k.level, k.name): statistics.median(k.seconds) for k in report.kernels}
    for fast, slow, kernel, least in FASTER:
        if fast in levels():
            assert medians[slow, kernel] / medians[fast, kernel] > least, (fast, slow, kernel)
    for kernel in report.kernels:
        share = report.share_of_peak(kernel)
        assert (share is None) == (kernel.level == "portable" or kernel.peak is None)
        assert share is None or 0.1 < share < 1.5


@pytest.mark.slow
def test_bench_prints_tables_and_json() -> None:
    done = fewmult("bench", "--rounds", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    for text in (*levels(), "binary_matmul^T", "peak, gradient", "whole step", "samples/s"):
        assert text in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    report = json.loads(fewmult("bench", "--rounds", "1", "--threads", "1", "--json").stdout)
    assert {kernel["level"] for kernel in report["kernels"]} == set(levels())
    assert all(kernel["ms"] > 0 for kernel in report["kernels"])
    assert [step["threads"] for step in report["steps"]] == [1] * len(levels())
    assert report["machine"]["cpu"]


@pytest.mark.parametrize(
    ("largest", "counts"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8])]
)
def test_thread_counts(largest: int, counts: list[int]) -> None:
    assert thread_counts(largest) == counts


@pytest.mark.speed
@pytest.mark.parametrize(
    ("arguments", "limit"),
    [(["-c", "import fewmult_hls"], 0.15), (["-m", "fewmult_hls", "--help"], 0.25)],
)
def test_starting_takes_no_time(arguments: list[str], limit: float) -> None:
    """The best of several, less what Python itself takes: a busy machine must not fail this."""

    def best(command: list[str]) -> float:
        script = "import subprocess, sys, time; t = time.perf_counter(); "
        script += "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        script += "print(time.perf_counter() - t)"
        times = [
            subprocess.run(
                [sys.executable, "-c", script, sys.executable, *command],
                capture_output=True,
                text=True,
                check=True,
                env=environment(),
            ).stdout
            for _ in range(7)
        ]
        return min(map(float, times))

    assert best(arguments) - best(["-c", ""]) < limit
