# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The process: signals, terminals, pipes, disks and memory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command import (
    COMMAND,
    PATIENCE,
    RUN_FILES,
    SMALL,
    assert_one_line,
    content,
    environment,
    fewmult,
    names,
    on_a_disk,
    read_until,
    start,
    summary,
    write_set,
)
from fewmult_hls.runs.checkpoints import newest_checkpoint
from fewmult_hls.system.interrupts import ENDING

pytestmark = pytest.mark.slow

LONG = ["--epochs", "100000", "--net", "64-32-10"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def hear_interrupts() -> None:
    """Before a process starts: its parent may ignore them, as one in the background does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def seconds_of(process: subprocess.Popen[str]) -> float:
    """That a process has computed so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def seconds_of_children() -> float:
    """That those computed that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def assert_stops(process: subprocess.Popen[str], number: int, hint: str = "") -> None:
    # What it computes after the signal counts: how long that takes is the machine's.
    others, before = seconds_of_children(), seconds_of(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert seconds_of_children() - others - before < 2
    assert process.returncode == 128 + number
    assert err == f"{hint}interrupted\n"


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_in_training(number: int, tmp_path: Path) -> None:
    process = start("train", *LONG, "--out", tmp_path)
    read_until(process, "epoch     20/")
    assert_stops(process, number, f"go on with: fewmult-hls train --resume {tmp_path}\n")
    files = content(tmp_path)
    assert names(tmp_path) == RUN_FILES - {"model.npz", "summary.json"}
    epochs = [json.loads(line)["epoch"] for line in files["metrics.jsonl"].splitlines()]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= 20


@pytest.mark.parametrize("backend", ["emu", "numpy"])
def test_an_interrupt_in_the_evaluation(backend: str, tmp_path: Path) -> None:
    assert fewmult("train", "--epochs", "1", "--out", tmp_path / "run").returncode == 0
    many = write_set(tmp_path / "many", test=1 << 17)
    # At the slowest level, or it would be over too soon.
    variables = environment(FEWMULT_ISA="portable")
    options = ["--dataset", many, "--backend", backend]
    process = start("evaluate", tmp_path / "run", *options, env=variables)
    while process.poll() is None and seconds_of(process) < 1:
        time.sleep(0.01)
    assert process.poll() is None
    assert_stops(process, signal.SIGINT)


@pytest.mark.parametrize("module", ["click", "numpy"])
def test_an_interrupt_while_modules_are_imported(module: str, tmp_path: Path) -> None:
    slow = "import sys, time\nprint('importing', flush=True)\ntime.sleep(300)\n"
    (tmp_path / f"{module}.py").write_text(slow)
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = start("train", env=environment(PYTHONPATH=os.pathsep.join(paths)), cwd=tmp_path)
    read_until(process, "importing")
    assert_stops(process, signal.SIGINT)
    assert [path.name for path in tmp_path.iterdir()] == [f"{module}.py"]


# As pip writes it.
CONSOLE_SCRIPT = "import sys\nfrom fewmult_hls.__main__ import main\nsys.exit(main())\n"


def test_an_interrupt_before_the_first_import(tmp_path: Path) -> None:
    """The module signal itself takes a minute here."""
    (tmp_path / "fewmult-hls").write_text(CONSOLE_SCRIPT)
    slow = "import sys, time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "signal.py").write_text(slow)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "fewmult-hls")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=hear_interrupts,
    )
    read_until(process, "importing")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (-signal.SIGINT, "")


def test_an_interrupt_in_a_callback_is_not_lost(tmp_path: Path) -> None:
    """Python lets no exception out of a weak reference's callback."""
    script = (
        "import os, signal, sys, time, weakref\n"
        "from fewmult_hls import cli\n"
        "from fewmult_hls.cli import commands\n"
        "class Thing: pass\n"
        "def interrupt(_):\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(0.005)\n"
        "def run():\n    thing = Thing()\n    there = weakref.ref(thing, interrupt)\n"
        "    del thing\n    time.sleep(20)\n    return 0\n"
        "commands.run = run\ncli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=hear_interrupts,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_an_interrupt_that_comes_out_as_another_error(tmp_path: Path) -> None:
    """Python 3.11 makes a RuntimeError of what a class body's ``__set_name__`` raises."""
    script = (
        "import os, signal, time\n"
        "from fewmult_hls import cli\n"
        "from fewmult_hls.cli import commands\n"
        "def run():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGINT)\n        time.sleep(20)\n"
        "    except BaseException as error:\n        raise {} from error\n"
        "commands.run = run\ncli.main()\n"
    )
    for error in (
        "RuntimeError('of a name')",
        "ImportError('half')",
        "SystemExit(3)",
        "KeyError(1)",
    ):
        done = subprocess.run(
            [sys.executable, "-c", script.format(error)],
            capture_output=True,
            text=True,
            env=environment(),
            preexec_fn=hear_interrupts,
        )
        assert (done.returncode, done.stderr) == (130, "interrupted\n"), error


@pytest.mark.parametrize("entry", ["module", "script"])
def test_an_interrupt_at_any_moment_of_the_start(entry: str, tmp_path: Path) -> None:
    (tmp_path / "fewmult-hls").write_text(CONSOLE_SCRIPT)
    command = ["-m", "fewmult_hls"] if entry == "module" else [str(tmp_path / "fewmult-hls")]

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *command, "presets"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            preexec_fn=hear_interrupts,
        )

    began = time.monotonic()
    begin().communicate(timeout=PATIENCE)
    whole = time.monotonic() - began
    silent = 0
    for step in range(25):
        process = begin()
        time.sleep(step * whole / 20)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        # A traceback is Python's own, of before it has come to us.
        assert "/fewmult_hls/" not in err.replace("/fewmult_hls/__init__.py", ""), err
        if "Traceback" not in err:
            assert (process.returncode, err) in (
                (-signal.SIGINT, ""),
                (128 + signal.SIGINT, "interrupted\n"),
                (0, ""),
            )
            silent += 1
    assert silent > 10


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    def as_nohup_does() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    options = ["--net", "64-32-10", "--epochs", "60"]
    process = start("train", *options, "--out", tmp_path, before=as_nohup_does)
    read_until(process, "epoch  2/60")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert names(tmp_path) == RUN_FILES


@pytest.mark.parametrize(
    "command",
    [["--help"], ["train", "--help"], ["presets"], ["data", "list"], ["ops"], ["doctor"]],
)
def test_a_reader_that_leaves(command: list[str], tmp_path: Path) -> None:
    process = start(*command, cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=PATIENCE) in (0, 1)


def assert_goes_on(folder: Path) -> None:
    """What stopped there was saved, and is the beginning of an unbroken run."""
    assert names(folder) == RUN_FILES - {"model.npz", "summary.json"}
    checkpoint, complaints = newest_checkpoint(folder)
    assert checkpoint is not None
    assert not complaints
    epochs = (folder / "metrics.jsonl").read_text().splitlines()
    assert 0 <= len(epochs) - len(checkpoint.metrics) <= 1
    resumed = start("train", "--resume", folder)
    width = len(str(checkpoint.config.epochs))
    read_until(resumed, f"epoch {len(checkpoint.metrics) + 2:{width}}/")
    resumed.send_signal(signal.SIGINT)
    resumed.communicate(timeout=PATIENCE)
    assert resumed.returncode == 130


@pytest.mark.parametrize("stderr", [subprocess.PIPE, subprocess.STDOUT])
def test_a_reader_of_a_run_that_leaves(stderr: int, tmp_path: Path) -> None:
    process = start("train", *LONG, "--out", tmp_path, stderr=stderr)
    read_until(process, "epoch      3/")
    assert process.stdout is not None
    process.stdout.close()
    if process.stderr is not None:
        assert process.stderr.read() == f"go on with: fewmult-hls train --resume {tmp_path}\n"
        process.stderr.close()
    assert process.wait(timeout=PATIENCE) == 1
    assert_goes_on(tmp_path)


def test_a_terminal_that_goes_away(tmp_path: Path) -> None:
    """A hangup is not heard, as behind nohup: it ends when there is a line that lasts to write."""
    master, terminal = pty.openpty()
    process = start(
        *("train", "--epochs", "3000", "--net", "64-32-10", "--out", tmp_path),
        before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(TERM="xterm-256color", LANG="C.UTF-8"),
    )
    os.close(terminal)
    while not (tmp_path / "metrics.jsonl").exists():
        os.read(master, 1 << 16)
    os.close(master)
    assert process.wait(timeout=PATIENCE) == 1
    assert_goes_on(tmp_path)


def test_the_output_of_a_run_on_a_disk_that_fills(tmp_path: Path) -> None:
    disk, folder = tmp_path / "disk", tmp_path / "run"
    disk.mkdir()
    train = shlex.join([*COMMAND, "train", *LONG, "--out", str(folder)])
    done = on_a_disk("size=4k", disk, ["sh", "-c", f"{train} >{disk}/out"])
    assert done.returncode == 1
    hint, error = done.stderr.splitlines()
    assert hint == f"go on with: fewmult-hls train --resume {folder}"
    assert error == "error: cannot write the output: No space left on device"
    assert_goes_on(folder)


def test_output_on_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = fewmult("train", *SMALL, stdout=full, cwd=tmp_path)
    assert done.returncode == 1
    assert_one_line(done.stderr, "error: cannot write the output: No space left on device")


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_without_streams(closed: tuple[int, ...], tmp_path: Path) -> None:
    def close() -> None:
        for number in closed:
            os.close(number)

    done = fewmult("train", *SMALL, before=close, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    again = ("--out", tmp_path / "runs" / "digits")
    assert fewmult("train", *SMALL, *again, before=close, cwd=tmp_path).returncode == 2
    assert names(tmp_path / "runs" / "digits") == RUN_FILES


def limit(kind: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (value, value))


def assert_whole(folder: Path) -> None:
    """What is there of a run, if anything, is whole."""
    files = content(folder)
    assert names(folder) < RUN_FILES
    for line in files.get("metrics.jsonl", b"").splitlines(keepends=True):
        assert line.endswith(b"\n")
        assert json.loads(line)["epoch"] > 0


@pytest.mark.parametrize(
    ("size", "refused"),
    [
        (100, "config.toml"),
        (1000, "metrics.jsonl"),
        (9000, "checkpoints/step-0000000090.checkpoint"),
    ],
)
def test_files_that_cannot_grow(size: int, refused: str, tmp_path: Path) -> None:
    """Python ignores SIGXFSZ: a write beyond the limit fails as on a full disk."""
    options = ["--net", "64-64-10", "--epochs", "20"]
    done = fewmult("train", *options, "--out", tmp_path, before=limit(resource.RLIMIT_FSIZE, size))
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot write {tmp_path}/{refused}: File too large")
    assert refused not in content(tmp_path) or refused == "metrics.jsonl"
    assert_whole(tmp_path)


def test_a_read_only_disk(tmp_path: Path) -> None:
    done = on_a_disk("ro", tmp_path, [*COMMAND, "train", *SMALL, "--out", f"{tmp_path}/run"])
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot write {tmp_path}/run: Read-only file system")


def test_a_full_disk(tmp_path: Path) -> None:
    """It holds two checkpoints, and not a third; those two are still there."""
    options = ["--net", "64-256-10", "--epochs", "4", "--checkpoint-every", "1"]
    done = on_a_disk(
        "size=200k", tmp_path, [*COMMAND, "train", *options, "--out", f"{tmp_path}/run"]
    )
    assert done.returncode == 1
    third = "checkpoints/step-0000000027.checkpoint"
    assert_one_line(done.stderr, f"cannot write {tmp_path}/run/{third}: No space left on device")
    left = {line for line in done.stdout.splitlines() if line.startswith("./")}
    kept = (f"checkpoints/step-00000000{step}.checkpoint" for step in ("09", "18"))
    assert left == {f"./run/{name}" for name in ("config.toml", "metrics.jsonl", *kept)}


@pytest.mark.parametrize("folder", ["/proc/fewmult", "/sys/fewmult"])
def test_a_folder_that_cannot_be_made(folder: str) -> None:
    if not Path(folder).parent.is_dir():
        pytest.skip(f"there is no {Path(folder).parent}")
    done = fewmult("train", *SMALL, "--out", folder)
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot write {folder}: ")


def test_memory_that_runs_out(tmp_path: Path) -> None:
    done = fewmult(
        *("train", "--net", "64-6144-6144-10", "--epochs", "1", "--out", tmp_path / "run"),
        before=limit(resource.RLIMIT_AS, 300 << 20),
    )
    assert done.returncode == 1
    assert_one_line(done.stderr, "memory", "take a smaller net")
    assert not (tmp_path / "run").exists()


def on_a_terminal(width: int, *arguments: str | Path, **variables: str) -> tuple[int, str]:
    """Exit code, and all that the terminal got."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = start(
        *arguments,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(**{"TERM": "xterm-256color", "LANG": "C.UTF-8", **variables}),
    )
    os.close(terminal)
    received = b""
    # Linux ends a terminal that nobody holds any more with an error.
    with contextlib.suppress(OSError):
        while part := os.read(master, 1 << 16):
            received += part
    os.close(master)
    return process.wait(timeout=PATIENCE), received.decode()


@pytest.mark.parametrize("width", [60, 120])
def test_the_display_on_a_terminal(width: int, tmp_path: Path) -> None:
    code, received = on_a_terminal(
        width,
        *("train", "--net", "64-256-10", "--epochs", "40", "--out", tmp_path),
        FEWMULT_ISA="portable",  # fast levels are done before anything is shown
    )
    assert code == 0, received
    # It is there before anything is computed, and so before anything is written above it.
    assert received.index("━") < received.index("validation error")
    text = ESCAPE.sub("", received)
    shown, result = text.split("\r\ntest error ")
    for pattern in (
        r"epoch +\d+/40 +hinge \d\.\d{4} +[\d,]+ samples/s",
        r"step +\d/9 +validation error +\d+\.\d\d % +\d:\d\d left",
        "━{10}",
        "measuring the test error",
    ):
        assert re.search(pattern, shown), pattern
    for line in re.split("[\r\n]+", shown):
        assert len(line) <= width, line
    lasting = re.findall(r"epoch +(\d+)/40  hinge [\d.]+  validation", shown)
    assert [int(epoch) for epoch in lasting] == list(range(2, 41, 2))
    assert summary(tmp_path)["fingerprint"] in result
    # The cursor, hidden while the display is drawn, is back.
    assert received.rindex("\x1b[?25h") > received.rindex("\x1b[?25l")


def test_a_terminal_that_cannot_go_back(tmp_path: Path) -> None:
    code, received = on_a_terminal(80, "train", *SMALL, "--out", tmp_path, TERM="dumb")
    assert code == 0
    assert "\x1b" not in received
    assert "epoch 1/1  hinge" in received


@pytest.mark.parametrize("typed", [b"\x03", b"\x03\x03\x03"])
def test_an_interrupt_on_a_terminal(typed: bytes, tmp_path: Path) -> None:
    """As typed: the terminal turns each Ctrl-C into a signal."""
    child, master = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        arguments = [*COMMAND, "train", *LONG, "--out", str(tmp_path)]
        os.execve(sys.executable, arguments, environment(TERM="xterm", LANG="C.UTF-8"))
    received = b""
    while b" left" not in received:
        received += os.read(master, 1 << 16)
    for key in typed:
        os.write(master, bytes([key]))
        time.sleep(0.005)
    with contextlib.suppress(OSError):
        while part := os.read(master, 1 << 16):
            received += part
    _, status = os.waitpid(child, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 130, received
    assert b"interrupted\r\n" in received
    assert b"Traceback" not in received
    assert received.rindex(b"\x1b[?25h") > received.rindex(b"\x1b[?25l")
    assert names(tmp_path) <= RUN_FILES - {"model.npz", "summary.json"}


def imported(statement: str) -> set[str]:
    script = f"import contextlib, io, sys\n{statement}\nprint(*sys.modules, file=sys.stderr)"
    done: Any = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    return set(done.stderr.split())


def test_help_waits_for_no_heavy_import() -> None:
    none = imported("pass")
    assert imported("import fewmult_hls.__main__") - none == {"fewmult_hls", "fewmult_hls.__main__"}
    assert "click" not in imported("import fewmult_hls.cli")
    loaded = imported("from fewmult_hls.cli.commands import run\nrun(['train', '--help'])")
    assert "fewmult_hls.cli.train" in loaded
    assert not loaded & {"numpy", "rich", "pooch", "importlib.metadata", "tomli_w", "tempfile"}


def test_an_interrupt_counts_though_what_tidies_up_fails() -> None:
    script = (
        "import os, signal, time\n"
        "from fewmult_hls import cli\n"
        "from fewmult_hls.cli import commands\n"
        "def run():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        time.sleep(5)\n"
        "    except BaseException:\n"
        "        return 1\n"
        "commands.run = run\n"
        "cli.main()\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "interrupted\n")
