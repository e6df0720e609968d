# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The command line, run as a user runs it, and small data sets for it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fewmult_hls.datasets import idx
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.runs.config import RunConfig
from fewmult_hls.runs.plan import defaults

COMMAND = [sys.executable, "-m", "fewmult_hls"]
PATIENCE = 120  # seconds, after which a process hangs, on however busy a machine
SMALL = ["--net", "64-16-10", "--epochs", "1"]
# A child's peak begins with what its parent has in memory, which is much in pytest: this is small.
_MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as peak:
    peak.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
RUN_FILES = {"checkpoints", "config.toml", "metrics.jsonl", "model.npz", "summary.json"}


def config_with(**given: Any) -> RunConfig:
    """A config with defaults for all that is not given."""
    rest = {"net": "64-10", "rate_exponent": 3}
    return RunConfig(**{**defaults("ternary-qbp"), **rest, **given})


def environment(**changes: str) -> dict[str, str]:
    """As it is, without what a user may have set for data, terminals and buffers."""
    drop = {
        *("FEWMULT_DATA", "FEWMULT_ISA", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"),
        "PYTHONUNBUFFERED",  # output that fails behaves otherwise without a buffer
    }
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    # One thread: where memory is limited, each would reserve some.
    return {
        **kept,
        "FEWMULT_CACHE": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **changes,
    }


def start(
    *arguments: str | Path, before: Callable[[], None] = lambda: None, **options: Any
) -> subprocess.Popen[str]:
    """A process that hears signals, even if this one was started in the background."""

    def prepare() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        before()

    given = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": environment(),
        **options,
    }
    return subprocess.Popen([*COMMAND, *map(str, arguments)], preexec_fn=prepare, **given)


def read_until(process: subprocess.Popen[str], part: str) -> None:
    """Reads the lines of a process until one that holds ``part``."""
    assert process.stdout is not None
    for line in process.stdout:
        if part in line:
            return
    raise AssertionError(f"never said {part!r}: {process.communicate()}")


def fewmult(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process that has ended."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def limited(size: int) -> Callable[[], None]:
    """To be called before a process starts: it gets so much memory."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def measured(*arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], int]:
    """A process that has ended, and the bytes that it had in memory at most."""
    with tempfile.NamedTemporaryFile("r") as peak:
        command = [sys.executable, "-c", _MEASURE, peak.name, *COMMAND, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        return done, int(peak.read()) << 10


def on_a_disk(
    options: str, folder: Path, command: list[str], **variables: str
) -> subprocess.CompletedProcess[str]:
    """A command in a new mount of a disk in memory, and then a list of what it left there."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    prepare = f"mount -t tmpfs -o {options} none {folder}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", prepare], capture_output=True).returncode:
        pytest.skip("this system does not let us mount a disk")
    then = '; code=$?; cd "$0"; find . -type f; exit $code'
    script = f'{prepare} && shift 0 && "$@"{then}'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, str(folder), *command],
        capture_output=True,
        text=True,
        env=environment(**variables),
    )


def summary(folder: Path) -> dict[str, Any]:
    """The run's summary.json."""
    return json.loads((folder / "summary.json").read_text())


def names(folder: Path) -> set[str]:
    """What lies in the folder itself."""
    return {path.name for path in folder.iterdir()}


def content(folder: Path) -> dict[str, bytes]:
    """Every file by its path in the folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def write_set(folder: Path, *, train: int = 40, test: int = 7, side: int = 8) -> Path:
    """Random images in 10 classes."""
    generator = np.random.default_rng(3)
    folder.mkdir(parents=True)
    for stem, count in zip(STEMS, (train, train, test, test), strict=True):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = generator.integers(0, 256, (count, side, side)).astype(np.uint8)
        idx.write(folder / stem, images if "images" in stem else labels)
    return folder


def make_socket(path: Path) -> None:
    """A socket that nobody listens to."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def assert_one_line(stderr: str, *parts: str) -> None:
    """An error is one line for people."""
    assert stderr.startswith("error: "), stderr
    assert stderr.count("\n") == 1, stderr
    for part in parts:
        assert part in stderr
