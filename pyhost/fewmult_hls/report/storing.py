# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A report in its folder: the page and its pictures, beside whatever else lies there.

Every picture is also inside the page. So a page tells which of the files around it are its own.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from ..system.errors import FewmultError, UsageError
from ..system.files import check_no_file, read_file, write_atomic, writing
from ..system.locking import lock_inside, locked
from ..system.placing import is_settled, placed_files, settle

PAGE = "report.html"
_MAX_BYTES = 1 << 28
_SIGN = b" - fewmult-hls report</title>"


def check_place(out: Path, *, overwrite: bool) -> None:
    """Whether a report may go into a folder; changes nothing of a report.

    Raises:
        UsageError: a report is there and ``overwrite`` is not set, or a page that is of no report.
        FewmultError: it cannot be looked into.
    """
    page = out / PAGE
    with writing(out):
        check_no_file(out, "a report")
        if not is_settled(out):
            with locked(lock_inside(out), out):
                settle(out)
        if not os.path.lexists(page):
            return
    if _SIGN not in _content(page):
        raise UsageError(f"{page} is of no report: move it away, or name another folder")
    if not overwrite:
        raise UsageError(f"{page} is there already: name another folder or add --overwrite")


def store(out: Path, page: str, pictures: Mapping[str, bytes], *, overwrite: bool) -> Path:
    """Writes a page and its pictures by name, all or none; an earlier report goes with all of its.

    Returns:
        The path of the page.

    Raises:
        UsageError: see ``check_place``; or a picture's name is that of a file of others, or
            another process is writing there.
        FewmultError: the folder cannot be written.
    """
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    with locked(lock_inside(out), out):
        check_place(out, overwrite=overwrite)
        old = _report_files(out)
        for name in pictures:
            if os.path.lexists(out / name) and out / name not in old:
                raise UsageError(
                    f"{out / name} is of no report: move it away, or name another folder"
                )
        with placed_files(out, old) as new:
            for name, png in pictures.items():
                write_atomic(new / name, png)
            write_atomic(new / PAGE, page)
    return out / PAGE


def _report_files(out: Path) -> list[Path]:
    """The pictures of the report that is there, and its page."""
    page = out / PAGE
    if not os.path.lexists(page):
        return []
    content = _content(page)
    named = sorted(path for suffix in (".png", ".csv") for path in out.glob(f"*{suffix}"))
    return [*(path for path in named if _is_inside(path, content)), page]


def _is_inside(picture: Path, page: bytes) -> bool:
    if not picture.is_file() or not 0 < picture.stat().st_size < len(page):
        return False
    return base64.b64encode(_content(picture)) in page


def _content(path: Path) -> bytes:
    """Of a file, but not of what a link points to."""
    if path.is_symlink():
        raise FewmultError(f"{path} is a link: move it away, or name another folder")
    return read_file(path, _MAX_BYTES)
