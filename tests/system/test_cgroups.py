# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Limits of control groups, in file systems as containers and services see them."""

from pathlib import Path

import pytest

from fewmult_hls.system import cpu
from fewmult_hls.system.cgroups import cpu_limit

V2 = "30 23 0:26 {group} {folder} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "33 31 0:30 {group} {folder} rw,relatime shared:9 - cgroup cgroup rw,{controllers}"


def system(root: Path, groups: list[str], mounts: list[str], files: dict[str, str]) -> Path:
    """A root folder with the process's groups, the mounts and their files."""
    proc = root / "proc/self"
    proc.mkdir(parents=True)
    (proc / "cgroup").write_text("".join(f"{line}\n" for line in groups))
    others = ["22 1 8:1 / / rw - ext4 /dev/sda1 rw", "broken", "31 23 0:28 / /sys - sysfs"]
    (proc / "mountinfo").write_text("".join(f"{line}\n" for line in [*others, *mounts]))
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def v2(group: str = "/", folder: str = "/sys/fs/cgroup") -> str:
    return V2.format(group=group, folder=folder)


def v1(group: str, folder: str = "/sys/fs/cgroup/cpu,cpuacct", controllers: str = "cpu") -> str:
    return V1.format(group=group, folder=folder, controllers=controllers)


def quota_v1(folder: str, quota: int, period: int = 100000) -> dict[str, str]:
    return {
        f"{folder}/cpu.cfs_quota_us": f"{quota}\n",
        f"{folder}/cpu.cfs_period_us": f"{period}\n",
    }


SERVICE = "/system.slice/train.service"
CPU = "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("groups", "mounts", "files", "limit"),
    [
        pytest.param(["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2, id="v2"),
        pytest.param(["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None, id="max"),
        pytest.param(["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "junk\n"}, None, id="junk"),
        pytest.param(["0::/"], [v2()], {"sys/fs/cgroup/cpu.max": "9 0\n"}, None, id="no-period"),
        pytest.param(
            [f"0::{SERVICE}"],
            [v2()],
            {f"sys/fs/cgroup{SERVICE}/cpu.max": "150000 100000\n"},
            1.5,
            id="v2-nested",
        ),
        pytest.param(
            [f"0::{SERVICE}"],
            [v2()],
            {
                f"sys/fs/cgroup{SERVICE}/cpu.max": "800000 100000\n",
                "sys/fs/cgroup/system.slice/cpu.max": "150000 50000\n",
                "sys/fs/cgroup/other.slice/cpu.max": "50000 100000\n",
            },
            3,
            id="v2-ancestor",
        ),
        pytest.param(
            ["4:cpu,cpuacct:/", "0::/"],
            [v1("/", controllers="cpu,cpuacct")],
            quota_v1(CPU, 250000),
            2.5,
            id="v1",
        ),
        pytest.param(
            ["4:cpu,cpuacct:/a/b", "3:memory:/m"],
            [
                v1("/", controllers="cpu,cpuacct"),
                v1("/", "/sys/fs/cgroup/memory", controllers="memory"),
            ],
            {
                **quota_v1(f"{CPU}/a/b", -1),
                **quota_v1(f"{CPU}/a", 400000),
                **quota_v1("sys/fs/cgroup/memory/m", 1000),
            },
            4,
            id="v1-ancestor",
        ),
        pytest.param(
            ["4:cpu,cpuacct:/docker/0a1b"],
            [v1("/docker/0a1b", controllers="cpu,cpuacct")],
            quota_v1(CPU, 300000),
            3,
            id="v1-container",
        ),
        pytest.param(
            [f"0::{SERVICE}", "4:cpu:/batch"],
            [v2(folder="/sys/fs/cgroup/unified"), v1("/", "/sys/fs/cgroup/cpu")],
            {
                f"sys/fs/cgroup/unified{SERVICE}/cpu.max": "700000 100000\n",
                **quota_v1("sys/fs/cgroup/cpu/batch", 600000),
            },
            6,
            id="hybrid",
        ),
        pytest.param(
            ["0::/../../job"],
            [v2("/../..")],
            {"sys/fs/cgroup/cpu.max": "500000 100000\n"},
            5,
            id="outside-a-namespace",
        ),
        pytest.param(
            ["0::/here"],
            [v2("/elsewhere")],
            {"sys/fs/cgroup/cpu.max": "1 1\n"},
            None,
            id="elsewhere",
        ),
        pytest.param(
            ["0::/a b:c"],
            [v2(folder="/mnt/my\\040groups")],
            {"mnt/my groups/a b:c/cpu.max": "100000 100000\n"},
            1,
            id="blanks",
        ),
        pytest.param(["0::/"], [], {}, None, id="not-mounted"),
    ],
)
def test_the_least_limit_on_the_way_up_counts(
    tmp_path: Path, groups: list[str], mounts: list[str], files: dict[str, str], limit: float | None
) -> None:
    assert cpu_limit(system(tmp_path, groups, mounts, files)) == limit


def test_a_system_without_groups_has_no_limit(tmp_path: Path) -> None:
    assert cpu_limit(tmp_path) is None


def test_cores_are_whole_and_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_core_of", str)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8))
    for limit, cores in ((None, 8), (0.1, 1), (2.9, 2), (8.5, 8), (64.0, 8)):
        monkeypatch.setattr(cpu, "cpu_limit", lambda limit=limit: limit)
        assert cpu.physical_cores() == cores
