# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Other CPUs than this one, under QEMU's user-mode emulation."""

import platform
import shutil
import subprocess
import sys

import pytest

from command import environment
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.datasets import load
from fewmult_hls.proof.parity import train_briefly

QEMU = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
pytestmark = [
    pytest.mark.skipif(platform.machine() != "x86_64", reason="these are x86-64's levels"),
    pytest.mark.skipif(QEMU is None, reason="needs qemu-x86_64 (Debian: qemu-user-static)"),
]


def on_cpu(cpu: str, script: str) -> list[str]:
    """The words that a script prints on an emulated CPU."""
    assert QEMU is not None
    command = [QEMU, "-cpu", cpu, sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment())
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cpu", "names"),
    [
        ("qemu64", ["portable"]),
        ("SandyBridge", ["portable"]),
        ("Haswell,-xsave", ["portable"]),
        ("Haswell,-popcnt", ["portable"]),
        ("Haswell", ["portable", "avx2"]),
    ],
)
def test_a_cpu_gets_the_levels_that_it_runs(cpu: str, names: list[str]) -> None:
    """Without numpy, which needs more than the oldest of these have."""
    assert on_cpu(cpu, "from fewmult_hls._kernels import levels; print(*levels())") == names


@pytest.mark.slow
@pytest.mark.parametrize(("cpu", "level"), [("Nehalem", "portable"), ("Haswell", "avx2")])
def test_every_cpu_leaves_the_fingerprint(cpu: str, level: str) -> None:
    digits = load("digits")
    wanted = train_briefly(EmuBackend(1, "portable"), digits, binary=False, master_bits=16)
    script = """
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.datasets import load
from fewmult_hls.proof.parity import train_briefly
backend = EmuBackend(2)
print(backend.info()["isa"], train_briefly(backend, load("digits"), False, 16))
"""
    assert on_cpu(cpu, script) == [level, wanted]
