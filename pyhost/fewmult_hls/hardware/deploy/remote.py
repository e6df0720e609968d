# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A login on another machine, through the user's own ssh: one program, one password."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...system.errors import FewmultError, UsageError

_MARK = "fewmult-hls folder: "  # a login shell may print lines of its own before
# Holds a new folder for as long as the login lasts. However this side ends, the input ends too.
_HOLD = (
    'folder=$(mktemp -d "$HOME/.fewmult-deploy.XXXXXX") || exit; '
    f'echo \'{_MARK}\'"$folder"; cat > /dev/null; rm -rf "$folder"'
)
_LOST = 255  # exit code of ssh itself
_PATIENCE = 10  # seconds for the other side to tidy up
# What a user's config may want of a login, and what would break one plain connection that runs a
# command, hears us, and ends with us. The first value of an option holds: these stand before.
_PLAIN = (
    "IgnoreUnknown=*",  # what an older ssh does not know of these, or of the config
    "ClearAllForwardings=yes",
    "ControlPersist=no",
    "ForkAfterAuthentication=no",
    "ForwardX11=no",
    "LogLevel=ERROR",  # what remains says what is wrong
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ServerAliveInterval=15",
    "SessionType=default",
    "StdinNull=no",
    "Tunnel=no",
)


def check_host(host: str) -> None:
    """Whether this can be a host, and nothing that ssh takes for an option.

    Raises:
        UsageError: it cannot.
    """
    name = host.removeprefix("ssh://").rpartition("@")[2]
    if not name:
        raise UsageError("the host is empty: name it as for ssh, such as xilinx@pynq")
    if host.startswith("-") or name.startswith("-"):
        raise UsageError(f"host {host!r} begins with '-': that would be an option of ssh")
    if " " in host or not host.isprintable():
        raise UsageError(f"host {host!r} has blanks or other characters that no host has")


class Login:
    """Commands on a host, over one connection; see ``log_in``.

    Attributes:
        host: as ssh knows it.
        folder: a new one there, which goes with the login.
    """

    def __init__(self, host: str, folder: str, ssh: Sequence[str]) -> None:
        self.host, self.folder = host, folder
        self._ssh = ssh

    def ask(self, command: Sequence[str], given: bytes = b"") -> str:
        """What a command prints.

        Args:
            command: words, as its ``argv`` gets them.
            given: its input.

        Raises:
            FewmultError: it failed, with the last line that it wrote to stderr.
        """
        done = subprocess.run(self._line(command), input=given, capture_output=True)
        if done.returncode:
            self._fail(done.returncode, done.stderr)
        return done.stdout.decode(errors="replace")

    def run(self, command: Sequence[str], *, terminal: bool) -> int:
        """Runs a command with the input and output of this process.

        Args:
            command: words, as its ``argv`` gets them.
            terminal: give it one, where it can ask for a password.

        Returns:
            Its exit code.

        Raises:
            FewmultError: the connection broke.
        """
        line = self._line(command, "-t" if terminal else "-T")
        with subprocess.Popen(line, stdin=None if terminal else subprocess.DEVNULL) as process:
            try:
                code = process.wait()
            finally:  # an interrupt: ssh gives the terminal back, and ends
                process.terminate()
        if code == _LOST:
            self._fail(code, b"")
        return code

    def _line(self, command: Sequence[str], tty: str = "-T") -> list[str]:
        # Over the connection that is there, or not at all.
        return [*self._ssh, tty, "-o", "ProxyCommand=false", "--", self.host, shlex.join(command)]

    def _fail(self, code: int, errors: bytes) -> None:
        line = _last_line(errors)
        if code == _LOST:
            raise FewmultError(f"the connection to {self.host} broke: {line or 'try again'}")
        raise FewmultError(f"{self.host}: {line or f'a command ended with code {code}'}")


@contextmanager
def log_in(host: str, config: Path | None = None) -> Iterator[Login]:
    """Logs in; ssh asks for what it needs, once.

    Args:
        host: anything that ssh takes, such as ``xilinx@pynq``.
        config: for ssh instead of the user's own.

    Raises:
        FewmultError: there is no ssh, or it cannot log in.
    """
    if shutil.which("ssh") is None:
        raise FewmultError("ssh is not on PATH: install the OpenSSH client")
    # A socket's path must be short: not where TMPDIR may point.
    with tempfile.TemporaryDirectory(prefix="fewmult-", dir="/tmp") as place:
        options = [word for option in _PLAIN for word in ("-o", option)]
        ssh = ["ssh", *(["-F", str(config)] if config else [])]
        line = [*ssh, *options, "-S", f"{place}/ssh"]
        errors = Path(place, "errors")
        with errors.open("wb") as file:
            master = subprocess.Popen(
                [*line, "-M", "-T", "--", host, shlex.join(["sh", "-c", _HOLD])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        try:
            folder = _folder(master)
            if folder is None:
                said = _last_line(errors.read_bytes()) or "no answer"
                raise FewmultError(
                    f"cannot log in to {host}: {said}: `{shlex.join([*ssh, '--', host])}` "
                    "must work first"
                )
            yield Login(host, folder, [*line, "-o", "ControlMaster=no"])
        finally:
            _end(master)


def _folder(master: subprocess.Popen[bytes]) -> str | None:
    assert master.stdout is not None
    for line in master.stdout:
        _, mark, folder = line.decode(errors="replace").rstrip("\r\n").partition(_MARK)
        if mark:
            return folder
    return None


def _end(master: subprocess.Popen[bytes]) -> None:
    """Lets the other side remove its folder."""
    assert master.stdin is not None
    master.stdin.close()
    try:
        master.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        master.kill()
        master.wait()
    assert master.stdout is not None
    master.stdout.close()


def _last_line(errors: bytes) -> str:
    if errors.startswith(b"usage: ssh"):
        return "ssh takes no such host"
    lines = errors.decode(errors="replace").splitlines()
    text = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return text.removeprefix("error: ")
