# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory is free: what the machine, control groups and limits leave."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from command import assert_one_line, environment, fewmult, limited, write_set
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.system import cgroups, memory
from fewmult_hls.system.errors import FewmultError

GIB = 1 << 30
NO_LIMIT_V1 = 9223372036854771712


def write(path: Path, text: str | int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n" if text != "" else "")


def machine(root: Path, groups: str, *mounts: str, available: int = 8 * GIB) -> Path:
    """A file system whose /proc says so."""
    write(root / "proc/meminfo", f"MemTotal: 99999999 kB\nMemAvailable: {available >> 10} kB")
    write(root / "proc/self/cgroup", groups)
    lines = (f"3{k} 31 0:2{k} {mount}" for k, mount in enumerate(mounts))
    write(root / "proc/self/mountinfo", "\n".join(["22 1 8:1 / / rw - ext4 /dev/sda rw", *lines]))
    return root


V2 = "/ /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "/ /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


def v2(folder: Path, limit: str | int, used: int, cached: int = 0) -> None:
    write(folder / "memory.max", limit)
    write(folder / "memory.current", used)
    write(folder / "memory.stat", f"anon 7\nactive_file {cached}\ninactive_file 0")


def test_a_machine_without_groups(tmp_path: Path) -> None:
    assert memory.free_memory(machine(tmp_path, "")) == 8 * GIB


def test_the_least_of_nested_groups_counts(tmp_path: Path) -> None:
    machine(tmp_path, "0::/pod/job/step", V2)
    top = tmp_path / "sys/fs/cgroup"
    v2(top / "pod/job/step", "max", 5)
    v2(top / "pod/job", 3 * GIB, 2 * GIB)
    v2(top / "pod", 4 * GIB, 3 * GIB + 5, cached=5 + 7)
    assert memory.free_memory(tmp_path) == GIB
    v2(top / "pod/job", 3 * GIB, 2 * GIB, cached=9)
    assert memory.free_memory(tmp_path) == GIB + 7
    v2(top / "pod/job/step", 100, 200)
    assert memory.free_memory(tmp_path) == 0


def test_version_1_and_both_at_once(tmp_path: Path) -> None:
    machine(tmp_path, "4:cpu,memory:/a/b\n0::/x", V1, V2.replace("cgroup rw", "cgroup/unified rw"))
    for name, limit in {"a/b": NO_LIMIT_V1, "a": 2 * GIB}.items():
        folder = tmp_path / "sys/fs/cgroup/memory" / name
        write(folder / "memory.limit_in_bytes", limit)
        write(folder / "memory.usage_in_bytes", GIB)
        write(folder / "memory.stat", "cache 1\ntotal_active_file 2\ntotal_inactive_file 3")
    assert memory.free_memory(tmp_path) == GIB + 5
    v2(tmp_path / "sys/fs/cgroup/unified/x", GIB, 1)
    assert memory.free_memory(tmp_path) == GIB - 1


@pytest.mark.parametrize("path", ["/docker/abc", "/docker/abc/gone", "/../../else"])
def test_a_container_that_sees_its_own_group_as_the_top(tmp_path: Path, path: str) -> None:
    machine(tmp_path, f"0::{path}", V2.replace("/ /sys", "/docker/abc /sys"))
    v2(tmp_path / "sys/fs/cgroup", GIB, 0)
    assert memory.free_memory(tmp_path) == GIB
    assert list(cgroups.folders("cpu", tmp_path))[-1] == tmp_path / "sys/fs/cgroup"


def test_a_system_that_does_not_say(tmp_path: Path) -> None:
    assert memory.free_memory(tmp_path) is None


def test_limits_of_this_process() -> None:
    script = (
        "import resource, sys\nfrom fewmult_hls.system.memory import free_memory\n"
        "resource.setrlimit(int(sys.argv[1]), (256 << 20,) * 2)\nprint(free_memory())"
    )
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        command = [sys.executable, "-c", script, str(kind)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        assert 128 << 20 < int(done.stdout) < 256 << 20, done


def test_the_line_says_how_much_is_needed_and_how_much_is_free() -> None:
    memory.check("nothing", 0, "")
    with pytest.raises(FewmultError) as error:
        memory.check("the net", 1 << 60, "take a smaller one")
    text = str(error.value)
    assert text.startswith("the net needs about 1073741824.0 GiB of memory, and ")
    assert text.endswith("B are free: take a smaller one")


def test_what_training_takes_for_its_images_counts(tmp_path: Path) -> None:
    """The images fit, but not the order of an epoch."""
    folder, count = tmp_path / "set", 12_000_000
    write_set(folder, side=1)
    for stem, shape in zip(STEMS, ((count, 1, 1), (count,)), strict=False):
        header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        with (folder / stem).open("wb") as sparse:
            sparse.write(header)
            sparse.truncate(len(header) + count)
    (folder / "classes.json").write_text(str([*"abcdefghij"]).replace("'", '"'))
    options = ["--dataset", folder, "--net", "1-16-10", "--out", tmp_path / "run"]
    done = fewmult("train", *options, before=limited(500 << 20))
    assert done.returncode == 1
    assert_one_line(done.stderr, "net 1-16-10 needs about", "MiB are free: take a smaller net or")
    assert not (tmp_path / "run").exists()
