# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The control groups around this process, and how much CPU time they leave it.

A container's, a job's or a service's limit stands in its group or in any group around it, in the
files of version 1, of version 2, or of both side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .files import system_text


def cpu_limit(root: Path = Path("/")) -> float | None:
    """The least number of CPUs that any group around this process leaves it; None for no limit.

    Args:
        root: where ``proc`` lies and what mount points are below.
    """
    limits = [_limit(folder) for folder in folders("cpu", root)]
    return min((limit for limit in limits if limit is not None), default=None)


class _Mount(NamedTuple):
    """A group of a hierarchy, and the folder where it and those in it are seen."""

    version: int
    group: str
    folder: str


def folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """The folders of the groups that this process is in, as far as they are mounted.

    Args:
        controller: what they limit: ``cpu`` or ``memory``.
        root: see ``cpu_limit``.
    """
    groups = list(_groups(controller, root))
    for mount in _mounts(controller, root):
        top = root / mount.folder.lstrip("/")
        for version, group in groups:
            inside = _inside(mount.group, group) if version == mount.version else None
            if inside is not None:
                yield from (top / below for below in (inside, *inside.parents))


def _groups(controller: str, root: Path) -> Iterator[tuple[int, str]]:
    """This process's groups, with the version of their hierarchy: those that may limit it."""
    for line in system_text(root / "proc/self/cgroup").splitlines():
        found = re.fullmatch(r"\d+:([^:]*):(.*)", line)
        if found and not found[1]:
            yield 2, found[2]
        elif found and controller in found[1].split(","):
            yield 1, found[2]


def _mounts(controller: str, root: Path) -> Iterator[_Mount]:
    """The hierarchies that may limit it."""
    for line in system_text(root / "proc/self/mountinfo").splitlines():
        found = re.fullmatch(r"\S+ \S+ \S+ (\S+) (\S+) .*?- cgroup(2?) \S+ (\S+)", line)
        if found and (found[3] or controller in found[4].split(",")):
            yield _Mount(2 if found[3] else 1, _unescaped(found[1]), _unescaped(found[2]))


def _inside(mounted: str, group: str) -> PurePosixPath | None:
    """Where a group is below what is mounted; None where it is elsewhere.

    Of groups outside a namespace only ``..`` is known: what is mounted stands for the nearest.
    """
    if ".." in PurePosixPath(group).parts or ".." in PurePosixPath(mounted).parts:
        return PurePosixPath()
    try:
        return PurePosixPath(group).relative_to(mounted)
    except ValueError:
        return None


def _limit(folder: Path) -> float | None:
    """The limit of one group: version 2 writes quota and period in one file, version 1 in two."""
    quota, period = (system_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    words = system_text(folder / "cpu.max") or quota + period
    numbers = re.fullmatch(r"(\d+)\s([1-9]\d*)\n?", words, re.ASCII)  # "max" or -1 is no limit
    return int(numbers[1]) / int(numbers[2]) if numbers else None


def _unescaped(text: str) -> str:
    """Blanks and backslashes are octal numbers in mountinfo."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
