# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The package and its overlays onto a board, into the environment that its image has."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ...system.errors import FewmultError
from .payload import packed
from .remote import Login, log_in

IMAGE = "/usr/local/share/pynq-venv"  # where the PYNQ images have pynq
_SCRIPT = Path(__file__).with_name("deploy.sh")
_LONGEST_ANSWER = 200  # characters that are shown of one that is none
# Of the script, in one of the lines; a login shell may print others. It goes to the terminal.
_ANSWER = re.compile(
    r"^fewmult-hls finds (Python [ -~]+), installs with:([a-z -]*)\r?$", re.MULTILINE
)
# Exit codes of the script.
_FAILED = {
    10: "the installation failed; wheels that pip misses must lie beside the board's wheel, where "
    "`make board-wheel` puts them",
    11: "doctor failed",
    12: "verify failed",
}


def deploy(
    host: str,
    wheel: Path,
    overlays: Mapping[str, Path],
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
        wheel: see ``packed``.
        overlays: see ``packed``; those that are on the board stay if there are none.
        environment: there: the folder of a virtual environment with numpy and pynq.
        device: that ``verify`` tests, ``board`` or ``emulated``.
        verify: whether it does.
        config: for ssh instead of the user's own.
        say: called with a line about each step.

    Raises:
        UsageError: it is no wheel for boards.
        FewmultError: a step failed. Until all is copied, nothing of an earlier installation was
            touched.
    """
    archive = packed(wheel, overlays, _SCRIPT)
    with log_in(host, config) as login:
        sudo, facts = look(login, environment, device)
        say(f"{host}: {facts} in {environment}")
        if sudo == ["sudo"] and not sys.stdin.isatty():
            raise FewmultError(
                f"sudo on {host} asks for a password: run this in a terminal, where you can type "
                "it, or log in as root"
            )
        login.ask(["tar", "-xf", "-", "-C", login.folder], archive)
        say(f"{host}: copied {', '.join([wheel.name, *overlays])}")
        script = ["bash", f"{login.folder}/{_SCRIPT.name}", "install", environment, login.folder]
        code = login.run([*sudo, *script, *([device] if verify else [])], terminal=sudo == ["sudo"])
    if code:
        raise FewmultError(f"{host}: {_FAILED.get(code, f'the script ended with code {code}')}")


def look(login: Login, environment: str, device: str) -> tuple[list[str], str]:
    """What an environment there is.

    Returns:
        The words that stand before a command which installs, and on a board reaches the fabric;
        the versions that it has.

    Raises:
        FewmultError: it is none that can be installed to.
    """
    given = _SCRIPT.read_bytes()
    answer = login.ask(["bash", "-s", "--", "check", environment, device], given)
    found = _ANSWER.search(answer)
    if found is None:
        said = " ".join(answer.split())[:_LONGEST_ANSWER]
        raise FewmultError(f"{login.host}: {environment} answers {said!r}")
    return found[2].split(), found[1]
