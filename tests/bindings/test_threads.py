# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Threads in odd surroundings: small stacks, forks, systems that start no more, Python's end."""

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from command import environment, fewmult
from fewmult_hls._kernels import levels
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.cli.results import executor_text
from fewmult_hls.datasets import load
from fewmult_hls.proof.parity import train_briefly

# Later Pythons warn of every fork of a process with threads: what is tested here.
PYTHON = [sys.executable, "-W", "ignore::DeprecationWarning"]
SMALL_STACK = 128 << 10  # of musl's threads; macOS has 512 KiB

BEGIN = """
import gc, multiprocessing, os, resource, sys, threading, time
import numpy as np
from fewmult_hls._kernels import Kernels, levels
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.contract.calls import BinaryMatmul
from fewmult_hls.datasets import load
from fewmult_hls.proof.parity import train_briefly

digits = load("digits")

def leaves(wanted, backend):
    return train_briefly(backend, digits, False, 16) == wanted

def ended(child, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG) == (child, 0):
            return True
        time.sleep(0.01)
    os.kill(child, 9)
    return False
"""


@pytest.fixture(scope="module")
def fingerprint() -> str:
    return train_briefly(EmuBackend(1, "portable"), load("digits"), False, 16)


def python(script: str, *arguments: str) -> None:
    """Runs a script in a process of its own, which must end in order and say nothing."""
    done = subprocess.run(
        [*PYTHON, "-c", BEGIN + textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("level", levels())
def test_callers_and_workers_have_small_stacks(level: str, fingerprint: str) -> None:
    """Every kernel, under the least stack that a system gives a thread."""
    tests = str(Path(__file__).parent)
    python(
        """
        wanted, level, stack, tests = sys.argv[1:]
        sys.path.insert(0, tests)
        from test_bindings import CALLS
        done = []

        def work(threads):
            kernels = Kernels(level, threads)
            for make in CALLS.values():
                kernels.run(make())
            done.append(leaves(wanted, EmuBackend(threads, level)))

        threading.stack_size(int(stack))
        for threads in (1, 3):
            caller = threading.Thread(target=work, args=(threads,))
            caller.start()
            caller.join()
        assert done == [True, True]
        """,
        fingerprint,
        level,
        str(SMALL_STACK),
        tests,
    )


def test_a_run_needs_no_large_stack(tmp_path: Path) -> None:
    def small_stack() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (SMALL_STACK, SMALL_STACK))

    run = ["train", "--net", "64-16-10", "--epochs", "1", "--threads", "2", "--out", tmp_path / "r"]
    done = fewmult(*run, before=small_stack)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_child_frees_ends_and_trains(fingerprint: str) -> None:
    python(
        """
        wanted = sys.argv[1]
        backend = EmuBackend(3)
        assert leaves(wanted, backend)

        def in_child(work):
            child = os.fork()
            if child == 0:
                os._exit(0 if work() else 1)
            assert ended(child), work

        def frees():
            global backend
            backend.close()
            del backend
            return gc.collect() >= 0

        def grandchild():
            child = os.fork()
            if child == 0:
                os._exit(0 if leaves(wanted, backend) else 1)
            return ended(child)

        in_child(frees)
        in_child(lambda: leaves(wanted, backend))
        in_child(lambda: leaves(wanted, EmuBackend(2)) and leaves(wanted, backend))
        in_child(lambda: leaves(wanted, backend) and frees())
        in_child(lambda: leaves(wanted, backend) and len(os.listdir("/proc/self/task")) == 3)
        in_child(grandchild)
        child = os.fork()
        if child == 0:
            sys.exit(0)
        assert ended(child)
        assert leaves(wanted, backend)
        """,
        fingerprint,
    )


@pytest.mark.slow
def test_a_fork_while_other_threads_compute(fingerprint: str) -> None:
    """Their locks are held in the child for ever."""
    python(
        """
        wanted, backend, stop = sys.argv[1], EmuBackend(3), threading.Event()

        def work():
            while not stop.is_set():
                assert leaves(wanted, backend)

        callers = [threading.Thread(target=work) for _ in range(2)]
        for caller in callers:
            caller.start()
        for _ in range(15):
            child = os.fork()
            if child == 0:
                right = leaves(wanted, backend)
                del backend
                os._exit(0 if right else 1)
            assert ended(child)
        stop.set()
        for caller in callers:
            caller.join()
        """,
        fingerprint,
    )


@pytest.mark.slow
def test_worker_processes_of_every_kind(tmp_path: Path, fingerprint: str) -> None:
    script = tmp_path / "pool.py"
    script.write_text(
        BEGIN
        + textwrap.dedent(
            """
            def work(wanted):
                backend = EmuBackend(2)
                right = leaves(wanted, backend)
                backend.close()
                return right

            if __name__ == "__main__":
                wanted = sys.argv[1]
                backend = EmuBackend(2)
                assert leaves(wanted, backend)
                for kind in multiprocessing.get_all_start_methods():
                    with multiprocessing.get_context(kind).Pool(2) as pool:
                        assert pool.map(work, [wanted] * 3) == [True] * 3
            """
        )
    )
    command = [*PYTHON, script, fingerprint]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: limits of threads are a user's")
def test_a_system_that_starts_no_more_threads(fingerprint: str) -> None:
    """Of a user that has no other process: this one's threads are all that count."""
    python(
        """
        wanted, user = sys.argv[1], 54321
        limit = 2
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
        os.setgid(user)
        os.setuid(user)
        backend = EmuBackend(5)
        info = backend.info()
        assert (info["threads"], info["threads_wanted"]) == ("2", "5")
        assert leaves(wanted, backend)
        assert leaves(wanted, EmuBackend(5))
        del backend
        """,
        fingerprint,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: limits of threads are a user's")
def test_other_packages_start_no_thread_that_the_system_does_not() -> None:
    """OpenBLAS would interrupt the process when numpy is imported, rich's display would raise."""
    python(
        """
        from unittest import mock
        import rich.live
        from fewmult_hls.cli import progress
        from fewmult_hls.runs.config import RunConfig
        from fewmult_hls.runs.course import Watcher
        from fewmult_hls.runs.plan import defaults
        from fewmult_hls.system.threads import spare_blas

        config = RunConfig(**defaults("ternary-qbp"), net="64-16-10", rate_exponent=1)
        del os.environ["OPENBLAS_NUM_THREADS"]
        with mock.patch("os.cpu_count", return_value=4):
            spare_blas()
            assert "OPENBLAS_NUM_THREADS" not in os.environ
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            os.setuid(54321)
            spare_blas()
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
        with mock.patch.object(progress, "_is_screen", return_value=True):
            with progress.watching(config, 9) as watcher:
                assert isinstance(watcher, Watcher)
        """
    )


def test_memory_for_few_threads(fingerprint: str) -> None:
    python(
        """
        wanted = sys.argv[1]
        EmuBackend(1)
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + (64 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        kernels = Kernels("portable", 256)
        assert 2 <= kernels.threads < 256
        del kernels
        assert leaves(wanted, EmuBackend(4))
        """,
        fingerprint,
    )


def test_fewer_threads_are_said() -> None:
    info = {"isa": "avx2", "threads": "2", "compiler": "12"}
    assert executor_text(info) == ": avx2, 2 threads"
    fewer = executor_text({**info, "threads_wanted": "8"})
    assert fewer == ": avx2, 2 threads of 8: the system starts no more"
    assert "threads_wanted" not in EmuBackend(2).info()


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_python_ends_while_daemon_threads_compute(seconds: float) -> None:
    python(
        """
        kernels = Kernels(levels()[-1], 2)
        words = np.full((1, 128, 4096), 2**64 - 1, np.uint64)
        source, z = np.full((8192, 256), 127, np.int8), np.zeros((4096, 256), np.int32)
        arrays = {"source": source, "sign": words, "mask": words, "z": z}
        sizes = {"inputs": 8192, "outputs": 4096, "log2_batch": 8, "transposed": False}
        call = BinaryMatmul(**arrays, **sizes)

        def work():
            while True:
                kernels.run(call)

        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(float(sys.argv[1]))
        """,
        str(seconds),
    )
