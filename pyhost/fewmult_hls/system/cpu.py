# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The CPU's cores, as this process may use them."""

from __future__ import annotations

import os
from pathlib import Path

from .cgroups import cpu_limit
from .files import system_text

_TOPOLOGY = Path("/sys/devices/system/cpu")

FEATURES = ("sse2", "avx2", "avx512f", "avx512bw", "avx512_vnni", "neon", "asimd")


def physical_cores() -> int:
    """Cores that this process may run on, and has time for under the limits of its groups.

    Two hardware threads of one core count once.
    """
    cpus = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    cores = len({_core_of(cpu) for cpu in cpus})
    limit = cpu_limit()
    return cores if limit is None else max(1, min(cores, int(limit)))


def _core_of(cpu: int) -> str:
    """The hardware threads of a core share this text; without it, every CPU is its own core."""
    return system_text(_TOPOLOGY / f"cpu{cpu}/topology/thread_siblings") or str(cpu)


def model_name() -> str:
    """What the CPU calls itself, or nothing."""
    return _cpu_line("model name")


def features() -> list[str]:
    """The ``FEATURES`` that the CPU has."""
    flags = (_cpu_line("flags") or _cpu_line("Features")).split()
    return [feature for feature in FEATURES if feature in flags]


def _cpu_line(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo, or nothing."""
    lines = system_text(Path("/proc/cpuinfo")).splitlines()
    values = (line.split(":", 1)[1] for line in lines if line.startswith(field))
    return next(values, "").strip()
