# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Taking a set from a folder of IDX files or of images into the user's data folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..system.errors import FewmultError
from ..system.files import atomic_file, open_regular, reading
from .class_folders import has_class_folders, read_class_folders
from .folder import find_files, holds_set, read_folder, stored_name, write_folder
from .places import KNOWN_CLASSES, check_new_name, data_folder
from .store import check_place, stored_set


def import_set(name: str, source: Path, *, overwrite: bool = False) -> Path:
    """Check the files in ``source`` and keep them as the set ``name``.

    IDX files are copied; folders of images, a folder a class, become IDX files.

    Args:
        name: small letters, digits, ``-`` and ``_``; not ``digits``.
        source: the folder with the four IDX files or with the folders.
        overwrite: replace a set of that name instead of refusing.

    Returns:
        The folder the set is now in.

    Raises:
        UsageError: no such name can be given.
        FewmultError: the files are not a whole and consistent set, a set of that name is there
            or something that is none, or the user's data folder cannot be written.
    """
    check_new_name(name)
    target = data_folder() / name
    with reading(target):
        check_place(target, overwrite=overwrite)
    with reading(source):
        if not source.is_dir():
            raise FewmultError(f"{source} is no folder; give the folder that holds the four files")
    if not holds_set(source) and has_class_folders(source):
        dataset = read_class_folders(name, source)
        with stored_set(name, overwrite=overwrite) as folder:
            write_folder(folder, dataset)
        return target
    read_folder(name, source, KNOWN_CLASSES.get(name))
    files = find_files(source)
    with stored_set(name, overwrite=overwrite) as folder:
        for stem, path in files.items():
            with open_regular(path) as read, atomic_file(folder / stored_name(stem, path)) as copy:
                shutil.copyfileobj(read, copy)
    return target
