# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls deploy``."""

from __future__ import annotations

from pathlib import Path

import click

from .arguments import BOARD, examples, flag, option, path


@click.command(
    epilog=examples(
        "fewmult-hls deploy xilinx@pynq --overlay plan --overlay plan_units",
        "fewmult-hls deploy xilinx@pynq                    "
        "(a new wheel, the overlays that are there)",
        "fewmult-hls deploy me@laptop --environment /home/me/venv --device emulated",
    )
)
@click.argument("host")
@path(
    "overlay",
    "DIR",
    "With .bit, .hwh and .json, or a plan that was built; may be repeated.",
    says="what the board has stays",
    to="folders",
    multiple=True,
)
@path("wheel", "FILE", "Of `make board-wheel`.", says="where that leaves it")
@BOARD
@option(
    "environment",
    "There: the virtual environment that has pynq.",
    says="the PYNQ image's own",
    metavar="DIR",
)
@option(
    "device",
    "What verify tests; emulated needs no board there.",
    default="board",
    allowed=("board", "emulated"),
)
@flag("no-verify", "Do not run verify there.")
@path("ssh-config", "FILE", "For ssh, as its option -F.")
def deploy(
    host: str,
    folders: tuple[Path, ...],
    wheel: Path | None,
    board: str,
    environment: str | None,
    device: str,
    no_verify: bool,
    ssh_config: Path | None,
) -> None:
    """Install the package and its overlays on a board, over ssh.

    HOST is anything that your ssh takes. Nothing there is compiled, and numpy stays what it is.
    Then `doctor` and `verify --backend pynq` run there.
    """
    from ..backends.pynq_backend import TRAINS, UNITS
    from ..hardware.board.board import load_board
    from ..hardware.deploy import steps
    from ..hardware.deploy.payload import find_wheel, read_overlays
    from ..hardware.deploy.remote import check_host
    from ..system.errors import UsageError

    check_host(host)
    if environment is not None and not environment.startswith("/"):
        raise UsageError(f"--environment {environment} must be a path from the root, there")
    if environment is not None and (not environment.isprintable() or set("!\\") & set(environment)):
        raise UsageError(
            f"--environment {environment!r} has characters that not every shell passes on"
        )
    known = load_board(board)
    overlays = read_overlays(folders, known)
    missing = [name for name in (TRAINS, UNITS) if name not in overlays]
    if overlays and missing and device == "board" and not no_verify:
        raise UsageError(
            f"verify also needs the overlay {missing[0]}: add --overlay with its folder, "
            "or --no-verify"
        )
    steps.deploy(
        host,
        wheel or find_wheel(),
        overlays,
        environment=environment or steps.IMAGE,
        device=device,
        verify=not no_verify,
        config=ssh_config,
        say=click.echo,
    )
    click.echo(f"{host} is ready")
