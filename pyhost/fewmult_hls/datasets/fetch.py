# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Fetching a published set from its mirrors into the user's data folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..system.errors import FewmultError, UsageError
from . import checksums, mnist
from .folder import STEMS, find_files, holds_set, stored_name
from .places import data_folder
from .store import stored_set
from .transfer import TransferError, download


def fetch(name: str) -> Path:
    """Download the set ``name`` and check it; nothing is done if it is there already.

    The mirrors are tried in turn (``$FEWMULT_MIRRORS``, base URLs set apart by spaces, replaces
    them), and the content of each file has to match its published SHA-256.

    Returns:
        The folder the set is in.

    Raises:
        UsageError: no such set can be fetched.
        FewmultError: no mirror gave the files, another set of that name is in the way, or the
            user's data folder cannot be written.
    """
    if name != "mnist":
        raise UsageError(f"'{name}' cannot be fetched, only mnist can; see `fewmult-hls data list`")
    target = data_folder() / name
    if _is_there(target):
        return target
    with stored_set(name, overwrite=True) as folder:
        _download(folder)
    return target


def _is_there(target: Path) -> bool:
    """Whether the published set is stored whole; a damaged one may be replaced."""
    if not holds_set(target):
        return False
    try:
        files = find_files(target)
        checksums.verify(target, [files[stem] for stem in STEMS])
        published = mnist.is_published(files)
    except FewmultError:
        return False
    if not published:
        raise FewmultError(
            f"{target} holds another set than the published MNIST; remove that folder first"
        )
    return True


def _download(folder: Path) -> None:
    """Fill ``folder``, going on to the next mirror at the first file one does not give."""
    left, faults = list(STEMS), []
    urls = os.environ.get("FEWMULT_MIRRORS", "").split() or mnist.MIRRORS
    for mirror in [f"{url.rstrip('/')}/" for url in urls]:
        try:
            while left:
                _download_file(mirror, left[0], folder)
                left.pop(0)
            return
        except TransferError as error:
            faults.append(f"{mirror} ({error})")
    raise FewmultError(
        f"cannot fetch mnist from {', '.join(faults)}; check the network, or bring the files "
        "from elsewhere with `fewmult-hls data import mnist --from FOLDER`"
    )


def _download_file(mirror: str, stem: str, folder: Path) -> None:
    loaded = folder / f"{stem}.part"
    try:
        download(f"{mirror}{stem}.gz", loaded, mnist.most_bytes(stem))
        is_right = False
        with suppress(FewmultError):
            is_right = mnist.is_published_file(stem, loaded)
        if not is_right:
            raise TransferError(f"{stem}.gz came damaged: its checksum is wrong")
        # A server may have unpacked the file.
        loaded.rename(folder / stored_name(stem, loaded))
    finally:
        loaded.unlink(missing_ok=True)
