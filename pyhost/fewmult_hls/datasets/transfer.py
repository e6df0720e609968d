# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A file from a server, bounded in bytes and in time, whatever the server does."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from ..system.errors import FewmultError, as_line
from ..system.files import writing

_TIMEOUT_SECONDS = 30  # without a byte
_PATIENCE_SECONDS = 30  # until the transfer must have kept its least rate
_LEAST_RATE = 16 << 10  # bytes a second
_REDIRECTS = 5
_CHUNK = 1 << 16
_LONGEST_REASON = 200
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class TransferError(Exception):
    """What a server, or what lies before it, did wrong, in a few words."""


def download(url: str, path: Path, limit: int) -> None:
    """Writes the file at ``url`` to ``path``, as it is sent: nothing is unpacked.

    Args:
        url: http or https; proxies and certificates are those of requests.
        path: of a new file; what there is of it stays when the transfer fails.
        limit: bytes that it may have.

    Raises:
        TransferError: it did not come, is too slow or too large.
        FewmultError: the file cannot be written.
    """
    with writing(path):
        file = path.open("xb", buffering=0)
    with file:
        transfer = _Transfer(url, path, file, limit)
        start = time.monotonic()
        try:
            transfer.start()
        except RuntimeError as error:  # a limit of threads
            raise TransferError(str(error)) from error
        while transfer.is_alive():
            transfer.join(0.05)
            seconds = time.monotonic() - start
            if seconds > _PATIENCE_SECONDS + transfer.received / _LEAST_RATE:
                raise TransferError(f"too slow: {transfer.received:,} bytes in {seconds:.0f} s")
    if transfer.fault is not None:
        raise transfer.fault


class _Transfer(threading.Thread):
    """A transfer that can be left: a server that sends a byte now and then holds up any call.

    It ends by itself when it finds its file closed.
    """

    def __init__(self, url: str, path: Path, file: io.FileIO, limit: int) -> None:
        super().__init__(daemon=True)
        self._url, self._path, self._file, self._limit = url, path, file, limit
        self.received = 0
        self.fault: Exception | None = None

    def run(self) -> None:
        """Ends with all of the file written, or with a fault."""
        try:
            self._run()
        except (TransferError, FewmultError) as error:
            self.fault = error
        # What requests and urllib3 raise has no common base.
        except Exception as error:
            self.fault = TransferError(_reason(error))

    def _run(self) -> None:
        import requests

        with requests.Session() as session, _open(session, self._url) as response:
            size = response.headers.get("Content-Length", "")[:20]
            self._check(int(size) if size.isdecimal() else 0)
            # Unpacked, as requests would have it, a few bytes may be more than any memory holds.
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                self.received += len(chunk)
                self._check(self.received)
                with writing(self._path):
                    while chunk := chunk[self._file.write(chunk) :]:
                        pass
            if size.isdecimal() and self.received < int(size):  # some releases look themselves
                raise TransferError(f"it ended after {self.received:,} of {int(size):,} bytes")

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TransferError(f"it sends {size:,} bytes where {self._limit:,} are the most")


def _open(session: Any, url: str) -> Any:
    """The response, of which no more than the headers has been read."""
    import requests

    for _ in range(_REDIRECTS + 1):
        request = session.prepare_request(
            requests.Request("GET", url, headers={"Accept-Encoding": "identity"})
        )
        settings = session.merge_environment_settings(request.url, {}, True, None, None)
        # Not through the session, which reads all of a response that sends it elsewhere.
        response = session.get_adapter(request.url).send(
            request, timeout=_TIMEOUT_SECONDS, **settings
        )
        if response.status_code == requests.codes.ok:
            return response
        response.close()
        if not response.is_redirect:
            raise TransferError(f"HTTP status {response.status_code}")
        url = urljoin(url, response.headers["Location"])
    raise TransferError(f"it sends us on more than {_REDIRECTS} times")


def _reason(error: BaseException) -> str:
    """What is at the bottom of an error, in a few words; those of requests fill many lines."""
    import ssl

    passed = {type(error).__name__}
    while (inner := _inner(error)) is not None:
        error = inner
        passed.add(type(error).__name__)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if "ProxyError" in passed:
        text = f"the proxy: {text}"
    if isinstance(error, ssl.SSLError):
        given = next((name for name in _BUNDLES if os.environ.get(name)), None)
        bundle = f"${given} is {os.environ[given]}" if given else f"${_BUNDLES[0]} names others"
        text = f"{text}; of the certificates, {bundle}"
    return as_line(text)[:_LONGEST_REASON]  # a server's words may steer a terminal


def _inner(error: BaseException) -> BaseException | None:
    """What an error wraps."""
    context = None if error.__suppress_context__ else error.__context__
    wrapped = (getattr(error, "reason", None), *error.args, error.__cause__, context)
    return next((found for found in wrapped if isinstance(found, BaseException)), None)
