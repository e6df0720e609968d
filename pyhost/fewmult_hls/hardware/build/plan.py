# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A plan: a folder with all that the vendor's tools need to build an overlay, and one script.

It holds copies, and only relative paths: it can be taken to the machine that has the tools.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

from ...proof.golden import encode, golden_cases
from ...system.errors import FewmultError, UsageError
from ...system.files import check_no_file, read_file, resolved, write_atomic, writing
from ...system.locking import lock_beside, locked
from ...system.replacing import bring_back, replaced_folder
from ..board.board import Board
from ..board.manifest import Manifest, planned_manifest, save_manifest
from ..source.interfaces import Interface
from ..source.reading import Sources, kernel_sources, load_interface, source_root
from . import bambu
from .hls_project import config_text, period_ns, tcl_text
from .overlay_tcl import overlay_script

SCRIPT = "run.sh"
CHECK = "check_reports.py"
MANIFEST = "fewmult.json"
FACTS = "plan.json"
_TEMPLATES = Path(__file__).with_name("templates")
_UNIX_MODE = 0o755
_MAX_FACTS = 1 << 20
_CONTENT = (
    *("README.md", SCRIPT, bambu.SCRIPT, CHECK, MANIFEST, FACTS),
    *("kernels", "testbench", "golden", "hls", "overlay", bambu.FOLDER),
    *("logs", "build.json", "*.log", "*.jou", "*.str", ".Xil", "__pycache__", ".build.json*"),
)


def check_request(board: Board, overlay: str, kernels: Sequence[str]) -> tuple[str, ...]:
    """The kernels to build: those that are named, or all of the overlay.

    Raises:
        UsageError: the board has no such overlay, or the overlay no such kernel.
    """
    if overlay not in board.overlays:
        raise UsageError(
            f"{board.name} has no overlay '{overlay}': take {' or '.join(board.overlays)}"
        )
    there = board.overlays[overlay]
    for name in kernels:
        if name not in there:
            others = [other for other, names in board.overlays.items() if name in names]
            more = f", and --overlay {others[0]} has it" if others else ""
            raise UsageError(f"overlay {overlay} has {', '.join(there)}, no '{name}'{more}")
    return tuple(name for name in there if name in kernels) if kernels else there


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Whether a plan may go into a folder; changes nothing.

    Raises:
        UsageError: something is there, and it is no plan or ``overwrite`` is not set.
    """
    with writing(folder):
        bring_back(folder)
        check_no_file(folder, "a plan")
        if not folder.exists():
            return
        if resolved(Path()).is_relative_to(folder):
            raise UsageError(
                f"you are in {folder}, which a plan would replace: cd out of it, or name another"
            )
        if next(folder.iterdir(), None) is None:
            return
        if not _is_plan(folder):
            raise UsageError(f"{folder} is not empty, and no plan: name another with --out")
        foreign = sorted(path for path in folder.iterdir() if not _is_known(path.name))
        if foreign and overwrite:
            raise UsageError(f"{foreign[0]} is no part of a plan: move it away, or name another")
        if not overwrite:
            raise UsageError(
                f"{folder} holds a plan: go on with {folder / SCRIPT}, "
                "name another folder with --out, or add --overwrite"
            )


def _is_plan(folder: Path) -> bool:
    """Whether the two files that tell what a plan is of are there, and agree."""
    try:
        facts, manifest = (
            json.loads(read_file(folder / name, _MAX_FACTS)) for name in (FACTS, MANIFEST)
        )
        signs = ("board", "overlay", "build_id")
        return [facts[key] for key in signs] == [manifest[key] for key in signs]
    except (FewmultError, ValueError, RecursionError, TypeError, LookupError):
        return False


def _is_known(name: str) -> bool:
    """Whether a plan, its script, the tools or a killed process put a file of that name there."""
    return any(fnmatchcase(name, pattern) for pattern in _CONTENT)


@contextmanager
def locked_plan(folder: Path) -> Iterator[None]:
    """Keep other builds off a plan while the block runs.

    Raises:
        UsageError: another process is building there, or it is the root of all folders.
        FewmultError: the folder beside it cannot be written.
    """
    folder = resolved(folder)
    if not folder.name:
        raise UsageError("a plan needs a folder of its own: name another with --out")
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(lock_beside(folder), folder):
        yield


def write_plan(
    folder: Path, board: Board, overlay: str, kernels: Sequence[str] = (), *, overwrite: bool
) -> Manifest:
    """Writes a plan, whole or not at all. The caller holds the lock of ``locked_plan``.

    Args:
        folder: new, empty, or with ``overwrite`` an earlier plan.
        board: to build for.
        overlay: of the board.
        kernels: only these; all, and then the overlay, if none is named.
        overwrite: replace an earlier plan, with all that the tools left in it.

    Returns:
        What the build must come to.

    Raises:
        UsageError: see ``check_request`` and ``check_folder``.
        FewmultError: this installation has no sources, or the folder cannot be written.
    """
    chosen = check_request(board, overlay, kernels)
    folder = resolved(folder)
    check_folder(folder, overwrite=overwrite)
    manifest = planned_manifest(board, overlay, git=_revision(source_root()))
    with replaced_folder(folder) as new, writing(folder):
        _fill(new, board, manifest, chosen)
        if not kernels:
            _write_overlay(new / "overlay", board, manifest)
    return manifest


def _fill(plan: Path, board: Board, manifest: Manifest, kernels: Sequence[str]) -> None:
    for name in ("kernels", "testbench"):
        _copy_sources(source_root() / name, plan / name)
    _set_build_id(plan / "kernels" / "build_id.hpp", manifest.build_id)
    (plan / "golden").mkdir()
    for name in kernels:
        write_atomic(plan / "golden" / f"{name}.bin", encode(golden_cases(name)))
        _write_project(plan / "hls" / name, board, load_interface(name))
    save_manifest(plan / MANIFEST, manifest)
    facts = {
        "board": board.name,
        "overlay": manifest.overlay,
        "build_id": manifest.build_id,
        "clock_ns": round(period_ns(board), 3),
        "limits": {"dsp": board.limits.dsp},
        "kernels": list(kernels),
        "loops": loop_targets(kernel_sources()),
    }
    write_atomic(plan / FACTS, json.dumps(facts, indent=2) + "\n")
    shutil.copyfile(Path(__file__).with_name("reports.py"), plan / CHECK)
    interfaces = [load_interface(name) for name in kernels]
    bambu.write_sources(plan, board, period_ns(board), interfaces)
    for script in (SCRIPT, bambu.SCRIPT):
        shutil.copyfile(_TEMPLATES / script, plan / script)
        (plan / script).chmod(_UNIX_MODE)
    readme = Template((_TEMPLATES / "plan.md").read_text(encoding="utf-8"))
    values = {"board": board.title, "part": board.part, "overlay": manifest.overlay}
    write_atomic(
        plan / "README.md", readme.substitute(values, build_id=f"{manifest.build_id:#010x}")
    )


def loop_targets(sources: Sources) -> list[dict[str, str | int | None]]:
    """Every loop, and the interval that its pragma asks for: what check_reports.py judges by."""
    return [
        {"place": f"{loop.file}:{loop.line}", "label": loop.label, "interval": loop.interval}
        for loop in sources.loops
    ]


def _copy_sources(source: Path, target: Path) -> None:
    # copytree goes on where a disk is full, and then tells of every file.
    target.mkdir()
    for path in source.iterdir():
        if path.suffix in (".hpp", ".cpp"):
            shutil.copy2(path, target / path.name)


def _write_project(folder: Path, board: Board, interface: Interface) -> None:
    folder.mkdir(parents=True)
    write_atomic(folder / "hls_config.cfg", config_text(board, interface))
    write_atomic(folder / "hls.tcl", tcl_text(board, interface))


def _set_build_id(path: Path, build_id: int) -> None:
    before = path.read_text(encoding="utf-8")
    after = before.replace("kBuildId = 0;", f"kBuildId = {build_id:#010x};")
    if after == before:
        raise FewmultError(
            f"{path.name} has no kBuildId to set: are these sources of this version?"
        )
    write_atomic(path, after)


def _write_overlay(folder: Path, board: Board, manifest: Manifest) -> None:
    folder.mkdir()
    write_atomic(folder / f"{manifest.overlay}.tcl", overlay_script(board, manifest))


def _revision(root: Path) -> str:
    """Of the checkout that the sources are in, or empty."""
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def missing_tool(hls: str, stage: str, *, has_overlay: bool) -> str:
    """What a stage with ``vitis`` or ``bambu`` needs and PATH lacks, or empty."""
    if hls == "bambu":
        tools = ["bambu", *(["verilator"] if stage != "synth" else [])]
    else:
        is_unified = shutil.which("vitis-run") or not shutil.which("vitis_hls")
        tools = ["vitis-run", "v++"] if is_unified else ["vitis_hls"]
        if stage == "overlay" or (stage == "all" and has_overlay):
            tools.append("vivado")
    return next((tool for tool in ["bash", *tools] if shutil.which(tool) is None), "")
