# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Taking a set, in any format that is read, into the user's data folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..system.errors import FewmultError
from ..system.files import atomic_file, open_regular, reading
from .class_folders import has_class_folders, read_class_folders
from .folder import write_folder
from .formats import IDX, format_of
from .places import check_new_name, data_folder
from .published import known_classes
from .store import check_place, stored_set
from .wanted import Wanted


def import_set(name: str, source: Path, *, overwrite: bool = False) -> Path:
    """Check the files in ``source`` and keep them as the set ``name``.

    Files are copied as they are; folders of images, a folder a class, become IDX files.

    Args:
        name: small letters, digits, ``-`` and ``_``; not ``digits``.
        source: the folder with the files or with the folders, or an archive of CIFAR-10.
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
        form = format_of(source)
        if form is None and not source.is_dir():
            raise FewmultError(
                f"{source} is no folder; give the folder that holds the files, or an archive of "
                "CIFAR-10 under the name that it was published with"
            )
    if form is None and has_class_folders(source):
        dataset = read_class_folders(name, source, Wanted())
        if len(dataset.image_shape) > 2:
            raise FewmultError(
                f"{source} has images in colour, and a copy is kept as IDX files, which are grey: "
                f"train with --dataset {source} itself"
            )
        with stored_set(name, overwrite=overwrite) as folder:
            write_folder(folder, dataset)
        return target
    form = form or IDX
    form.read(name, source, known_classes(name))
    with stored_set(name, overwrite=overwrite) as folder:
        for file, path in form.find_files(source).items():
            stored = folder / form.stored_name(file, path)
            with open_regular(path) as read, atomic_file(stored) as copy:
                shutil.copyfileobj(read, copy)
    return target
