# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory this process may still take; what needs more is refused beforehand.

A system that overcommits memory would otherwise kill the process, or another.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import cgroups
from .errors import FewmultError
from .files import system_text

# The limit, the use, and of memory.stat what the kernel takes back before it refuses.
_GROUP_FILES = {
    "memory.max": ("memory.current", ("inactive_file", "active_file")),
    "memory.limit_in_bytes": (
        "memory.usage_in_bytes",
        ("total_inactive_file", "total_active_file"),
    ),
}


def check(what: str, needed: int, advice: str) -> None:
    """Refuses ``what`` if it needs more memory, about so many bytes, than there is.

    The message ends with ``advice``.

    Raises:
        FewmultError: it needs more than is free.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise FewmultError(
            f"{what} needs about {_text(needed)} of memory, and {_text(free)} are free: {advice}"
        )


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that neither the machine nor a limit denies; None where the system does not say.

    Args:
        root: of the file system.
    """
    found = [*_available(root), *_left_by_groups(root), *_left_by_limits(root)]
    return max(0, min(found)) if found else None


def resident_memory(root: Path = Path("/")) -> int | None:
    """Bytes of this process that are in memory; None where the system does not say.

    Args:
        root: of the file system.
    """
    with suppress(OSError, ValueError, IndexError):
        return int(system_text(root / "proc/self/statm").split()[1]) * resource.getpagesize()
    return None


def peak_memory() -> int | None:
    """The most bytes of this process that were in memory at once; None where that is not known."""
    if resident_memory() is None:  # then the unit of the system's number is not Linux's
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _available(root: Path) -> Iterator[int]:
    """What the machine has."""
    stat = _numbers(root / "proc/meminfo")
    if "MemAvailable:" in stat:
        yield stat["MemAvailable:"] << 10


def _left_by_groups(root: Path) -> Iterator[int]:
    """What containers and the like leave; the least counts."""
    for folder in cgroups.folders("memory", root):
        for limit, (use, reclaimable) in _GROUP_FILES.items():
            with suppress(ValueError):  # no such limit, or none set
                left = int(system_text(folder / limit)) - int(system_text(folder / use))
                stat = _numbers(folder / "memory.stat")
                yield left + sum(stat.get(name, 0) for name in reclaimable)


def _left_by_limits(root: Path) -> Iterator[int]:
    """What the limits of a process (``ulimit -v`` and ``-d``) leave."""
    with suppress(OSError, ValueError, IndexError):
        pages = system_text(root / "proc/self/statm").split()
        for kind, field in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
            limit, _ = resource.getrlimit(kind)
            if limit != resource.RLIM_INFINITY:
                yield limit - int(pages[field]) * resource.getpagesize()


def _numbers(path: Path) -> dict[str, int]:
    """The second word of each line, a number, by the first."""
    with suppress(ValueError):
        lines = system_text(path).splitlines()
        return {name: int(number) for name, number in (line.split()[:2] for line in lines)}
    return {}


def _text(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 1 << 30 else f"{size / 2**20:.0f} MiB"
