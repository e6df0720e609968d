# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Fetching a published set from its mirrors into the user's data folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..system.errors import FewmultError, UsageError
from . import checksums
from .folder import stored_name
from .formats import format_of
from .places import data_folder
from .published import PUBLISHED, PublishedFile, PublishedSet
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
    if name not in PUBLISHED:
        raise UsageError(
            f"'{name}' cannot be fetched, only {', '.join(PUBLISHED)} can; "
            "see `fewmult-hls data list`"
        )
    target = data_folder() / name
    if _is_there(target, PUBLISHED[name]):
        return target
    with stored_set(name, overwrite=True) as folder:
        _download(name, PUBLISHED[name], folder)
    return target


def _is_there(target: Path, wanted: PublishedSet) -> bool:
    """Whether the published set is stored whole; a damaged one may be replaced."""
    form = format_of(target)
    if form is None:
        return False
    try:
        files = form.find_files(target)
        checksums.verify(target, files.values())
        published = wanted.is_in(files)
    except FewmultError:
        return False
    if not published:
        raise FewmultError(
            f"{target} holds another set than the published {wanted.title}; "
            "remove that folder first"
        )
    return True


def _download(name: str, wanted: PublishedSet, folder: Path) -> None:
    """Fill ``folder``, going on to the next mirror at the first file one does not give."""
    left, faults = list(wanted.files), []
    urls = os.environ.get("FEWMULT_MIRRORS", "").split() or wanted.mirrors
    for mirror in [f"{url.rstrip('/')}/" for url in urls]:
        try:
            while left:
                _download_file(mirror, left[0], folder)
                left.pop(0)
            return
        except TransferError as error:
            faults.append(f"{mirror} ({error})")
    raise FewmultError(
        f"cannot fetch {name} from {', '.join(faults)}; check the network, or bring the files "
        f"from elsewhere with `fewmult-hls data import {name} --from FOLDER`"
    )


def _download_file(mirror: str, wanted: PublishedFile, folder: Path) -> None:
    loaded = folder / f"{wanted.name}.part"
    try:
        download(f"{mirror}{wanted.remote_name}", loaded, wanted.most_bytes)
        is_right = False
        with suppress(FewmultError):
            is_right = wanted.is_in(loaded)
        if not is_right:
            raise TransferError(f"{wanted.remote_name} came damaged: its checksum is wrong")
        # A server may have unpacked the file.
        loaded.rename(folder / (stored_name(wanted.name, loaded) if wanted.packed else wanted.name))
    finally:
        loaded.unlink(missing_ok=True)
