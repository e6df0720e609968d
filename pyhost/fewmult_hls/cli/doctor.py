# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls doctor``."""

from __future__ import annotations

from pathlib import Path

import click

CPU_FEATURES = ("sse2", "avx2", "avx512f", "avx512bw", "avx512_vnni", "neon", "asimd")


@click.command()
def doctor() -> None:
    """Say what is here and what is missing: versions, CPU, kernels, data."""
    import platform
    from importlib.metadata import version

    from .. import __version__
    from ..errors import FewmultError

    rows = [
        ("fewmult-hls", __version__),
        ("python", platform.python_version()),
        *((name, version(name)) for name in ("numpy", "click", "rich", "pooch")),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("cpu", _cpu_line("model name") or "unknown"),
        ("cpu features", " ".join(_cpu_features()) or "unknown"),
        ("kernels", _kernels()),
    ]
    for name, value in rows:
        click.echo(f"{name:13} {value}")
    for name, where in _data():
        click.echo(f"{'data':13} {name}: {where}")
    if _kernels_missing():
        raise FewmultError(
            "no compiled kernels: install fewmult-hls where a C++ compiler is; "
            "until then take --backend numpy"
        )


def _cpu_line(field: str) -> str:
    """A field of the first processor in /proc/cpuinfo, or nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    values = (line.split(":", 1)[1].strip() for line in lines if line.startswith(field))
    return next(values, "")


def _cpu_features() -> list[str]:
    flags = (_cpu_line("flags") or _cpu_line("Features")).split()
    return [feature for feature in CPU_FEATURES if feature in flags]


def _kernels() -> str:
    from ..backends.emu import load_kernels
    from ..errors import FewmultError

    try:
        return str(load_kernels().build_info())
    except FewmultError as error:
        return f"missing: {error}"


def _kernels_missing() -> bool:
    return _kernels().startswith("missing")


def _data() -> list[tuple[str, str]]:
    from ..datasets import available
    from ..datasets.places import KNOWN_CLASSES

    found = {name: str(where or "built in") for name, where in available().items()}
    for name in KNOWN_CLASSES:
        found.setdefault(name, f"not here: fewmult-hls data fetch {name}")
    return sorted(found.items())
