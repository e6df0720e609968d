# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A real sshd on this machine, with keys, a config and a home of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")

# Passes bytes on to a port, and ends after so many of them.
_CUT = """
import os, socket, sys, threading
port, left = map(int, sys.argv[1:])
there = socket.create_connection(("127.0.0.1", port))

def back():
    while data := there.recv(65536):
        os.write(1, data)

threading.Thread(target=back, daemon=True).start()
while left > 0 and (data := os.read(0, min(left, 65536))):
    there.sendall(data)
    left -= len(data)
os._exit(1)
"""


# What runs the command that is asked for: login shells as they are elsewhere.
_SHELLS = {
    "noisy": 'echo "Welcome: {}"; eval "$SSH_ORIGINAL_COMMAND"; code=$?; echo Bye; exit $code',
    # It would leave its settings at home.
    "fish": (
        "export XDG_CONFIG_HOME=$HOME.fish XDG_DATA_HOME=$HOME.fish; "
        'exec fish -c "$SSH_ORIGINAL_COMMAND"'
    ),
    "tcsh": 'exec tcsh -c "$SSH_ORIGINAL_COMMAND"',
}


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        pid: of its process.
        home: of who logs in.
        config: for ssh.
    """

    pid: int
    home: Path
    config: Path

    def is_idle(self) -> bool:
        """Whether nobody is logged in, and nothing was left."""
        return not list(self.home.iterdir()) and not self._children()

    def _children(self) -> list[str]:
        stats = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # one that has just ended
                stats.append(path.read_text().rpartition(")")[2].split())
        return [state for state, parent, *_ in stats if int(parent) == self.pid]


@contextmanager
def sshd(place: Path) -> Iterator[Server]:
    """Runs a server; ``place/ssh_config`` then knows these hosts.

    ``board`` is this machine, ``stranger`` is it without a key that it knows, ``closed`` a port
    where nobody listens, ``cut`` loses the connection after 200,000 bytes, ``noisy``, ``fish`` and
    ``tcsh`` have such login shells. Home is ``place/home``.
    """
    assert SSHD is not None
    (place / "home").mkdir(parents=True)
    for name in ("host_key", "key", "strange_key", *_SHELLS):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name)
    keys = [(place / "key.pub").read_text()]
    for name, command in _SHELLS.items():
        quoted = command.replace('"', '\\"')
        keys.append(f'command="{quoted}" {(place / name).with_suffix(".pub").read_text()}')
    (place / "authorized_keys").write_text("".join(keys))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # which the service would make
    port, closed = _free_ports()
    (place / "sshd_config").write_text(
        f"""ListenAddress 127.0.0.1:{port}
HostKey {place}/host_key
AuthorizedKeysFile {place}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv HOME={place}/home
"""
    )
    host_key = " ".join((place / "host_key.pub").read_text().split()[:2])
    (place / "known_hosts").write_text(f"loopback {host_key}\n")
    (place / "cut.py").write_text(_CUT)
    identities = "".join(f"Host {name}\n  IdentityFile {place}/{name}\n" for name in _SHELLS)
    # Besides, the config asks for what people have in theirs.
    (place / "ssh_config").write_text(
        f"""Host board
  ControlMaster auto
  ControlPath {place}/shared
  ControlPersist yes
  RemoteCommand tmux
  RequestTTY force
  LocalForward 127.0.0.1:{port} 127.0.0.1:{port}
  ExitOnForwardFailure yes
  StdinNull yes
  SessionType none
  ForkAfterAuthentication yes
  PermitLocalCommand yes
  LocalCommand echo "a local command"
  LogLevel QUIET
  ForwardX11 yes
  Tunnel yes
  VisualHostKey yes
  IgnoreUnknown UseKeychain
  UseKeychain yes
Host closed
  LogLevel QUIET
  Port {closed}
Host stranger
  LogLevel DEBUG
  IdentityFile {place}/strange_key
Host cut
  ProxyCommand {sys.executable} {place}/cut.py {port} 200000
{identities}Host {" ".join(["*", "!stranger", *(f"!{name}" for name in _SHELLS)])}
  IdentityFile {place}/key
Host *
  HostName 127.0.0.1
  HostKeyAlias loopback
  Port {port}
  User {getpass.getuser()}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {place}/known_hosts
  BatchMode yes
"""
    )
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", place / "sshd_config"], stderr=log)
    try:
        _wait_for(port, server, place / "log")
        yield Server(server.pid, place / "home", place / "ssh_config")
    finally:
        server.terminate()
        server.wait()


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
