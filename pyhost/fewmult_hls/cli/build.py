# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from ..system.errors import FewmultError
from .arguments import BOARD, examples, flag, option, path

if TYPE_CHECKING:
    from ..hardware.board.manifest import Manifest


class Tools(NamedTuple):
    """A compiler, and what stands behind it.

    Attributes:
        name: for people.
        script: of a plan, that runs it.
        stages: that it has.
        remedy: where it is not on PATH.
    """

    name: str
    script: str
    stages: tuple[str, ...]
    remedy: str


STAGES = ("csim", "synth", "cosim", "package", "impl", "overlay", "all")
TOOLS = {
    "vitis": Tools("Vitis and Vivado", "run.sh", STAGES, "source settings64.sh of Vitis"),
    "bambu": Tools("Bambu", "run_bambu.sh", ("synth", "cosim", "all"), "install it"),
}


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
    "fewmult trains, fewmult_places also nets that pool; fewmult_units has parts, to test alone.",
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
@option(
    "hls",
    "Who makes Verilog of the kernels: vitis, or bambu, an open-source compiler, which makes "
    "neither IP nor overlay.",
    default="vitis",
    allowed=tuple(TOOLS),
)
@flag("plan-only", "Write the plan and run nothing.")
@flag("overwrite", "Replace a plan that is there.")
def build(
    out: Path,
    board: str,
    overlay: str,
    kernels: tuple[str, ...],
    stage: str,
    hls: str,
    plan_only: bool,
    overwrite: bool,
) -> None:
    """Build a bitstream for a board with Vitis HLS and Vivado.

    Writes a plan: a folder with sources, test data, the tools' configs and a script for each
    compiler. Then runs one, if the tools are on PATH; a plan can also be copied to a machine that
    has them. With --hls bambu an open-source compiler makes Verilog of the kernels, and its
    simulation is compared with the same test data.
    """
    from ..hardware.board.board import load_board
    from ..hardware.build.plan import check_request, locked_plan, missing_tool, write_plan
    from ..system.errors import UsageError

    tools = TOOLS[hls]
    if stage not in tools.stages:
        raise UsageError(f"{tools.name} has no stage {stage}: take {', '.join(tools.stages)}")
    if kernels and stage == "overlay":
        raise UsageError("an overlay holds all its kernels: drop --kernel")
    chosen = load_board(board)
    check_request(chosen, overlay, kernels)
    with locked_plan(out):
        manifest = write_plan(out, chosen, overlay, kernels, overwrite=overwrite)
        click.echo(f"{out}: plan of overlay {overlay}, build id {manifest.build_id:#010x}")
        if plan_only:
            click.echo(f"run {out / tools.script} {stage} on a machine with {tools.name}")
            return
        missing = missing_tool(hls, stage, has_overlay=(out / "overlay").is_dir())
        if missing:
            raise FewmultError(
                f"{missing} is not on PATH: {tools.remedy} and go on with {out / tools.script}, "
                "or copy the folder to a machine with the tools (--plan-only)"
            )
        _run(out, tools.script, stage)
        if hls == "vitis":
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
