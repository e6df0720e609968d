# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The forms in which a net can be written, and where such a file may go."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ...system.errors import FewmultError, UsageError
from ...system.files import open_regular, writing
from ..model import Model
from .names import FORMATS


class Form(Protocol):
    """A module that knows files of one form.

    Attributes:
        WHAT: a file of it, for people.
    """

    WHAT: str

    def is_ours(self, path: Path) -> bool:
        """Whether such a file is there.

        Raises:
            FewmultError: it cannot be read.
        """


class Writer(Form, Protocol):
    """A module that writes nets in one form."""

    def save(self, path: Path, model: Model) -> str:
        """Writes a model, whole or not at all; what is to be said of the file.

        Raises:
            UsageError: the net has no such form.
            FewmultError: the file cannot be written.
        """


def writer(name: str) -> Writer:
    """The writer of a form.

    Raises:
        FewmultError: it needs a package that is not there.
    """
    try:
        return cast(Writer, import_module(FORMATS[name], __package__))
    except ModuleNotFoundError as error:
        raise FewmultError(
            f"--format {name} needs {error.name}: pip install 'fewmult-hls[onnx]'"
        ) from error


def check_preprocessing(model: Model, name: str) -> None:
    """Whether files of a form can say what happens to images before the net sees them.

    Raises:
        UsageError: they cannot: it multiplies.
    """
    if name != "packed" and model.domain.preprocessing.whitening is not None:
        raise UsageError(
            f"the net learned from whitened images, which --format {name} has no words for: take "
            "--format packed"
        )


def check_place(path: Path, to: Form, *, overwrite: bool) -> None:
    """Whether a file may go to a path; changes nothing.

    Raises:
        UsageError: a folder is there, or what is no file of the form (a device, another file), or
            ``overwrite`` is not set.
        FewmultError: it cannot be looked at.
    """
    with writing(path):
        if not os.path.lexists(path):
            return
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file with --out")
    if not overwrite:
        raise UsageError(f"{path} is there already: name another file or add --overwrite")
    if not _is_ours(path, to):
        raise UsageError(f"{path} is no {to.WHAT}: move it away, or name another file")


def _is_ours(path: Path, to: Form) -> bool:
    try:
        return to.is_ours(path)
    except FewmultError:  # such as a device, or a link to nothing
        return False


def begins(path: Path, mark: bytes) -> bool:
    """Whether a file begins with these bytes.

    Raises:
        FewmultError: it cannot be read.
    """
    with open_regular(path) as file:
        return file.read(len(mark)) == mark
