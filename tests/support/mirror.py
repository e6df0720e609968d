# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A mirror of a published set on this machine."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fewmult_hls.datasets.published import PUBLISHED


def publish(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "mnist") -> Path:
    """The folder of a set, packed as on a mirror; its checksums are taken for the published."""
    files = []
    for file in PUBLISHED[name].files:
        content = (folder / file.name).read_bytes()
        size = file.size if file.packed else len(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(dataclasses.replace(file, sha256=digest, size=size))
        if file.packed:
            (folder / file.remote_name).write_bytes(gzip.compress(content))
    published = dataclasses.replace(PUBLISHED[name], files=tuple(files))
    monkeypatch.setitem(PUBLISHED, name, published)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a server, in a process of its own: a thread would be lost in a fork."""
    script = (
        "import sys\nfrom functools import partial\nfrom http.server import *\n"
        "handler = partial(SimpleHTTPRequestHandler, directory=sys.argv[1])\n"
        "with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:\n"
        "    print(server.server_port, flush=True)\n    server.serve_forever()\n"
    )
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.kill()


def closed_port() -> str:
    """The URL of a server that has ended."""
    with serving(Path()) as url:
        return f"{url}/mnist/"
