# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Transfers from servers that do whatever they like, on this machine."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from fewmult_hls.datasets import transfer
from fewmult_hls.datasets.transfer import TransferError, download
from fewmult_hls.system.errors import FewmultError

LIMIT = 1000
Answer = Callable[[socket], Any]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", *transfer._BUNDLES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers each request so; its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            there: socket = self.request
            with context.wrap_socket(there, server_side=True) if context else there as there:
                there.recv(1 << 16)
                answer(there)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # whoever was served went away

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        scheme = "https" if context else "http"
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}/file"
        finally:
            server.shutdown()
            thread.join()


def sending(*parts: bytes, status: str = "200 OK") -> Answer:
    """The headers, an empty line, the body."""
    return lambda there: there.sendall(f"HTTP/1.1 {status}\r\n".encode() + b"".join(parts))


def endless(begin: bytes, part: bytes, pause: float = 0) -> Answer:
    def answer(there: socket) -> None:
        there.sendall(begin)
        while True:
            there.sendall(part)
            time.sleep(pause)

    return answer


BOMB = gzip.compress(gzip.compress(bytes(1 << 26)))
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (sending(b"Content-Length: 3\r\n\r\n", b"abc"), b"abc"),
        (sending(b"Connection: close\r\n\r\n", b"abc"), b"abc"),
        (sending(b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), b"abc"),
        (sending(b"Content-Length: 2\r\n\r\n", b"abc"), b"ab"),
        (sending(b"Content-Length: x\r\n\r\n", b"abc"), b"abc"),
        (sending(b"Content-Length: 1000\r\n\r\n", bytes(1000)), bytes(1000)),
        # What it claims to be packed with is not looked at.
        (sending(b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n", b"abc"), b"abc"),
        (sending(b"Content-Encoding: gzip, gzip\r\nConnection: close\r\n\r\n", BOMB), BOMB),
    ],
)
def test_what_is_sent_is_kept_as_it_is(answer: Answer, content: bytes, tmp_path: Path) -> None:
    with serving(answer) as url:
        download(url, tmp_path / "file", LIMIT)
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (sending(b"Content-Length: 1001\r\n\r\n"), "it sends 1,001 bytes where 1,000 are the most"),
        (sending(b"Content-Length: " + b"9" * 40 + b"\r\n\r\n"), "where 1,000 are the most"),
        (endless(OK + b"\r\n", bytes(9999)), "bytes where 1,000 are the most"),
        (
            endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"40\r\n" + bytes(64) + b"\r\n"),
            "bytes where 1,000 are the most",
        ),
        (
            sending(b"Content-Length: 9\r\n\r\n", b"abc"),
            "3 bytes read, 6 more expected|ended after 3 of 9 bytes",
        ),
        (
            sending(b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\nab\r\n"),
            "zz|invalid chunk|InvalidChunk",
        ),
        (lambda there: there.close(), "without response|Connection"),
        (lambda there: there.sendall(b"hello\r\n\r\n"), "hello"),
        (endless(OK, b"a: b\r\n"), "more than 100 headers"),
        (endless(OK, b"a" * 9999), "line"),
        (sending(b"\r\n", status="404 Not found"), "HTTP status 404"),
        (sending(b"\r\n", status="206 Part"), "HTTP status 206"),
        (sending(b"Location: /file\r\n\r\n", status="302 There"), "sends us on more than 5 times"),
        (endless(b"HTTP/1.1 302 There\r\nLocation: file:///etc\r\n\r\n", bytes(9999)), "file:///e"),
        (sending(b"Location: ftp://\x1b31m\x9b\r\n\r\n", status="301 There"), "ftp://"),
    ],
)
def test_what_a_server_does_wrong(answer: Answer, reason: str, tmp_path: Path) -> None:
    with serving(answer) as url, pytest.raises(TransferError) as error:
        download(url, tmp_path / "file", LIMIT)
    assert re.search(reason, str(error.value)), error.value
    assert str(error.value).isprintable()
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size <= LIMIT


@pytest.mark.parametrize(
    "answer",
    [
        endless(OK + b"\r\n", b"a", 0.05),
        endless(OK, b"a", 0.05),  # within a header
        endless(b"", b"", 1),
    ],
)
def test_a_server_that_takes_its_time(
    answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_PATIENCE_SECONDS", 0.5)
    start = time.monotonic()
    with serving(answer) as url, pytest.raises(TransferError, match="too slow: "):
        download(url, tmp_path / "file", LIMIT)
    assert time.monotonic() - start < 20  # all of it takes 50 s, or never ends


def test_a_timeout_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "_TIMEOUT_SECONDS", 0.2)
    with serving(endless(b"", b"", 1)) as url, pytest.raises(TransferError, match="timed out"):
        download(url, tmp_path / "file", LIMIT)


def test_a_redirect_is_followed(tmp_path: Path) -> None:
    with serving(sending(b"Content-Length: 3\r\n\r\n", b"abc")) as there:
        moved = sending(b"Location: " + there.encode() + b"\r\n\r\n", status="307 There")
        with serving(moved) as url:
            download(url, tmp_path / "file", LIMIT)
    assert (tmp_path / "file").read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("variables", "url", "reason"),
    [
        ({"REQUESTS_CA_BUNDLE": "/dev/none"}, "https://127.0.0.1:1/", "invalid path: /dev/none"),
        ({"CURL_CA_BUNDLE": "/dev/none"}, "https://127.0.0.1:1/", "invalid path: /dev/none"),
        (
            {"NO_PROXY": "", "http_proxy": "http://127.0.0.1:1"},
            "http://a.b/",
            "the proxy: Connecti",
        ),
        ({}, "http://127.0.0.1:1/", "Connection refused"),
        ({}, "example.com/x", "No schem[ea] supplied"),
        ({}, "http://", "No host supplied"),
        ({}, "gopher://127.0.0.1/", "No connection adapters"),
        ({}, "http://127.0.0.1:99999/", "99999"),
    ],
)
def test_every_reason_is_said(
    variables: dict[str, str],
    url: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(TransferError, match=reason):
        download(url, tmp_path / "file", LIMIT)


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=here"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(sending(b"Content-Length: 3\r\n\r\n", b"abc"), context) as url:
        with pytest.raises(TransferError, match=r"self.signed.*\$REQUESTS_CA_BUNDLE names others"):
            download(url, tmp_path / "one", LIMIT)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(key))
        with pytest.raises(TransferError, match=rf"\$REQUESTS_CA_BUNDLE is {re.escape(str(key))}"):
            download(url, tmp_path / "two", LIMIT)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        download(url, tmp_path / "three", LIMIT)
    assert (tmp_path / "three").read_bytes() == b"abc"


def test_no_thread_to_be_had(tmp_path: Path) -> None:
    size = threading.stack_size()
    with serving(sending(b"Content-Length: 3\r\n\r\n", b"abc")) as url:
        threading.stack_size(1 << 46)  # of which no address space has so much
        try:
            with pytest.raises(TransferError, match="can't start new thread"):
                download(url, tmp_path / "file", LIMIT)
        finally:
            threading.stack_size(size)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with serving(sending(b"Content-Length: 3\r\n\r\n", b"abc")) as url:
        with pytest.raises(FewmultError, match=r"cannot write .*No such file or directory"):
            download(url, tmp_path / "none" / "file", LIMIT)
        if Path("/dev/full").exists():
            (tmp_path / "full").symlink_to("/dev/full")
            with pytest.raises(FewmultError, match="File exists"):
                download(url, tmp_path / "full", LIMIT)
    assert os.listdir(tmp_path) in (["full"], [])  # noqa: PTH208
