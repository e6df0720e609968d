# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls doctor``."""

from __future__ import annotations

import sys

import click

from ..system.errors import FewmultError

PACKAGES = ("numpy", "pillow", "click", "rich", "pooch", "requests", "tomli-w")


@click.command()
def doctor() -> None:
    """Say what is here and what is missing: versions, CPU, kernels, data."""
    import platform

    from .. import __version__
    from ..backends.emu import has_kernels
    from ..system.cpu import features, model_name, physical_cores
    from .results import show_rows

    kernels, fault = _kernels()
    pynq = _version("pynq")
    packages = {name: _version(name) for name in PACKAGES}
    show_rows(
        [
            ("fewmult-hls", __version__),
            ("python", f"{platform.python_version()}, {sys.executable}"),
            *packages.items(),
            ("system", f"{platform.system()} {platform.machine()}"),
            ("cpu", model_name() or "unknown"),
            ("cpu features", " ".join(features()) or "unknown"),
            ("cpu cores", str(physical_cores())),
            ("kernels", kernels),
            ("pynq", pynq if pynq != _MISSING else "not here: only --backend pynq needs it"),
            *_data(),
        ]
    )
    missing = [name for name, version in packages.items() if version == _MISSING]
    if missing:
        raise FewmultError(f"{', '.join(missing)} not installed: install fewmult-hls again")
    # A board has kernels in its fabric, and nothing that is compiled.
    if fault and (has_kernels() or pynq == _MISSING):
        raise FewmultError(fault)


_MISSING = "missing"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return _MISSING


def _kernels() -> tuple[str, str]:
    """How the kernels were compiled, and what is wrong with them, if anything."""
    from ..backends.emu import chosen_level, load_kernels

    try:
        kernels = load_kernels()
        level = chosen_level()
    except FewmultError as error:
        return _MISSING, str(error)
    others = [name for name in kernels.levels() if name != level]
    return f"{level} (here: {', '.join([*others, level])}), {kernels.compiler}", ""


def _data() -> list[tuple[str, str]]:
    from ..datasets import available
    from ..datasets.published import PUBLISHED

    try:
        found = {name: str(where or "built in") for name, where in available().items()}
    except FewmultError as error:
        return [("data", str(error))]
    for name in PUBLISHED:
        found.setdefault(name, f"not here; get it with `fewmult-hls data fetch {name}`")
    return [("data", f"{name}: {where}") for name, where in sorted(found.items())]
