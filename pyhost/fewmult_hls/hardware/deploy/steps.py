# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The package and its overlays onto a board, into the environment that its image has."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...system.errors import FewmultError
from ...system.schema import parse_json, typed
from .payload import COMPLETE, Payload
from .remote import Login, log_in, printable

IMAGE = "/usr/local/share/pynq-venv"  # where the PYNQ images have pynq
_SCRIPT = Path(__file__).with_name("deploy.sh")
_LONGEST_ANSWER = 200  # characters that are shown of one that is none
_UNPACK = f'tar -xf - -C "$0" && test -e "$0/{COMPLETE}"'
# Exit codes of the script.
_FAILED = {
    10: "the installation failed; wheels that pip misses must lie beside the board's wheel, where "
    "`make board-wheel` puts them",
    11: "doctor failed",
    12: "verify failed",
}


@dataclass(frozen=True)
class Environment:
    """What is on the board.

    Attributes:
        python: version.
        pip: version, or None; the same for the next two.
        numpy: see ``pip``.
        pynq: see ``pip``.
        root: whether the login is root's.
        writable: whether it may install there.
        sudo: ``free``, or ``asks`` for a password.
    """

    python: str
    pip: str | None
    numpy: str | None
    pynq: str | None
    root: bool
    writable: bool
    sudo: str


def deploy(
    host: str,
    payload: Payload,
    *,
    environment: str = IMAGE,
    device: str = "board",
    verify: bool = True,
    config: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Copies, installs, and lets the board check itself; its output goes to this process's.

    Args:
        host: anything that ssh takes.
        payload: what to copy.
        environment: there: the folder of a virtual environment with numpy and pynq.
        device: that ``verify`` tests, ``board`` or ``emulated``.
        verify: whether it does.
        config: for ssh instead of the user's own.
        say: called with a line about each step.

    Raises:
        FewmultError: a step failed. Until all is copied, nothing of an earlier installation was
            touched.
    """
    with log_in(host, config) as login:
        there = _look(login, environment)
        say(
            f"{host}: Python {there.python}, numpy {there.numpy}, pynq {there.pynq} "
            f"in {environment}"
        )
        sudo = _sudo(login, there, device)
        login.ask(["sh", "-c", _UNPACK, login.folder], payload.packed(_SCRIPT))
        say(f"{host}: copied {', '.join([payload.wheel.path.name, *payload.overlays])}")
        script = ["bash", f"{login.folder}/{_SCRIPT.name}", "install", environment, login.folder]
        code = login.run([*sudo, *script, *([device] if verify else [])], terminal=sudo == ["sudo"])
    if code:
        raise FewmultError(f"{host}: {_FAILED.get(code, f'the script ended with code {code}')}")


def _look(login: Login, environment: str) -> Environment:
    answer = login.ask(["bash", "-s", "--", "check", environment], _SCRIPT.read_bytes())
    found = _environment(answer)
    if found is None:
        said = " ".join(printable(answer).split())[:_LONGEST_ANSWER]
        raise FewmultError(f"{login.host}: {environment} answers {said!r}")
    version = re.match(r"(\d{1,3})\.(\d{1,3})", found.python)
    if version is None or (int(version[1]), int(version[2])) < (3, 10):
        raise FewmultError(
            f"{login.host}: {environment} has Python {found.python}, and 3.10 is the least: "
            "take the image v3.0.1 or later"
        )
    for name in ("pip", "numpy", "pynq"):
        if getattr(found, name) is None:
            raise FewmultError(
                f"{login.host}: {environment} has no {name}: name the environment that has it "
                "with --environment"
            )
    return found


def _environment(answer: str) -> Environment | None:
    """What the script says, in one of the lines; a login shell may print others."""
    for line in answer.splitlines():
        try:
            found = typed(Environment, parse_json(line.encode()))
        except ValueError:
            continue
        if all(str(value).isprintable() for value in vars(found).values()):
            return found
    return None


def _sudo(login: Login, there: Environment, device: str) -> Sequence[str]:
    """What stands before a command that installs, and on a board reaches the fabric."""
    if there.root or (there.writable and device != "board"):
        return []
    if there.sudo == "free":
        return ["sudo", "-n"]
    if not sys.stdin.isatty():
        raise FewmultError(
            f"sudo on {login.host} asks for a password: run this in a terminal, where you can type "
            "it, or log in as root"
        )
    return ["sudo"]
