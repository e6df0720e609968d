# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The control groups that this process is in, of versions 1 and 2: any of them may limit it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def folders(controller: str, root: Path = _ROOT) -> Iterator[Path]:
    """The folders of its groups, each followed by those above it; some may not be there.

    Args:
        controller: ``cpu``, ``memory``, ..; of version 2, where one group has all, any.
        root: of the file system.
    """
    groups = _groups(root)
    for above, point, version, controllers in _mounts(root):
        name = controller if version == "cgroup" else ""
        if name in groups and (not name or name in controllers):
            top = root / point.lstrip("/")
            below = _below(groups[name], above)
            yield from (top / part for part in (below, *below.parents))


def _groups(root: Path) -> dict[str, str]:
    """Paths of groups by controller; that of version 2 by an empty name."""
    groups = {}
    for line in _lines(root / "proc/self/cgroup"):
        _, names, path = line.split(":", 2)
        groups.update(dict.fromkeys(names.split(","), path))
    return groups


def _mounts(root: Path) -> Iterator[tuple[str, str, str, list[str]]]:
    """Of all hierarchies: the group that is mounted, where, the version, and its controllers."""
    for line in _lines(root / "proc/self/mountinfo"):
        place, _, kind = line.partition(" - ")
        version, *_, options = kind.split(" ")
        if version in ("cgroup", "cgroup2"):
            above, point = place.split(" ")[3:5]
            yield above, point, version, options.split(",")


def _below(path: str, above: str) -> PurePosixPath:
    """The group's path from the one that is mounted, which a container may have for its own."""
    with suppress(ValueError):
        return PurePosixPath(path).relative_to(above)
    return PurePosixPath()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
