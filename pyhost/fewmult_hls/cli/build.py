# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..system.errors import FewmultError
from .arguments import BOARD, examples, flag, option, path

if TYPE_CHECKING:
    from ..hardware.board.manifest import Manifest


STAGES = ("csim", "synth", "cosim", "package", "impl", "overlay", "all")


@click.command(
    epilog=examples(
        "fewmult-hls build --out plan --plan-only",
        "fewmult-hls build --out plan --stage synth --kernel layer",
    )
)
@path("out", "DIR", "Where the plan goes.", required=True)
@BOARD
@option(
    "overlay",
    "fewmult trains; fewmult_units has its parts, to be tested alone.",
    default="fewmult",
    metavar="NAME",
)
@option(
    "kernel",
    "Only this kernel, and no overlay; may be repeated.",
    metavar="NAME",
    to="kernels",
    multiple=True,
)
@option(
    "stage", "How far to build; a stage brings those that it needs.", default="all", allowed=STAGES
)
@flag("plan-only", "Write the plan and run nothing.")
@flag("overwrite", "Replace a plan that is there.")
def build(
    out: Path,
    board: str,
    overlay: str,
    kernels: tuple[str, ...],
    stage: str,
    plan_only: bool,
    overwrite: bool,
) -> None:
    """Build a bitstream for a board with Vitis HLS and Vivado.

    Writes a plan: a folder with sources, test data, the tools' configs and one script. Then runs
    the script, if the tools are on PATH; a plan can also be copied to a machine that has them.
    """
    from ..hardware.board.board import load_board
    from ..hardware.build.plan import SCRIPT, check_request, locked_plan, missing_tool, write_plan
    from ..system.errors import UsageError

    if kernels and stage == "overlay":
        raise UsageError("an overlay holds all its kernels: drop --kernel")
    chosen = load_board(board)
    check_request(chosen, overlay, kernels)
    with locked_plan(out):
        manifest = write_plan(out, chosen, overlay, kernels, overwrite=overwrite)
        click.echo(f"{out}: plan of overlay {overlay}, build id {manifest.build_id:#010x}")
        if plan_only:
            click.echo(f"run {out / SCRIPT} {stage} on a machine with Vitis and Vivado")
            return
        missing = missing_tool(stage, has_overlay=(out / "overlay").is_dir())
        if missing:
            raise FewmultError(
                f"{missing} is not on PATH: source settings64.sh of Vitis and go on with "
                f"{out / SCRIPT}, or copy the folder to a machine with the tools (--plan-only)"
            )
        _run(out, SCRIPT, stage)
        _check_overlay(out, manifest)


def _check_overlay(folder: Path, manifest: Manifest) -> None:
    """What Vivado made, if it did, must be what was planned; its own addresses count."""
    from ..hardware.board.hwh import check_hwh, manifest_of_build
    from ..hardware.board.manifest import save_manifest

    hwh = folder / "overlay" / f"{manifest.overlay}.hwh"
    if hwh.exists():
        check_hwh(manifest, hwh)
        save_manifest(hwh.with_suffix(".json"), manifest_of_build(manifest, hwh))


def _run(folder: Path, script: str, stage: str) -> None:
    import os
    import signal
    import subprocess
    import sys

    # A group of its own, so that an interrupt reaches the tools as well, once.
    process = subprocess.Popen(
        ["bash", script, stage],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable},
        start_new_session=True,
    )
    try:
        code = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if code:
        raise FewmultError(f"the build stopped; mend it and go on with {folder / script} {stage}")
