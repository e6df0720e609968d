# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A trained network that answers: labels and margins for images."""

from __future__ import annotations

import io
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from ..backends.names import BACKENDS, Device, as_device
from ..contract.method_names import FLOAT_MARK
from ..datasets.arrays import as_images, read_labels
from ..nets.evaluator import evaluation_bytes
from ..system import html, memory
from ..system.archive import array_names, checked_bytes, opened_archive, save_checked
from ..system.errors import FewmultError, UsageError
from ..system.files import reading
from ..system.given import as_path, checked
from . import packed, saving
from .exports.formats import check_place
from .model import load_model
from .trained import Opened, Trained

_FEW = 12  # classes: so many are named
_LITTLE = 1 << 24  # bytes: to look for so many takes longer than an answer


class Classifier(AbstractContextManager["Classifier"]):
    """A trained network that answers. It closes itself at the end of a ``with`` block.

    Attributes:
        model: what it was opened from.
        net: text that names its layers, from pixels to classes.
        domain: shape of the images, names of the classes.
        features: values in an image.
        classes: how many there are.
        fingerprint: SHA-256 of the trained state.
        unit: logits of 1.0, 64 of integer nets.
        has_checksum: False for a model.npz of an earlier version, of which only the state is
            protected, by the fingerprint; means and names of classes are not.
        summary: what training came to, as in summary.json; empty for a loaded net.
    """

    def __init__(
        self, model: Trained, opened: Opened, summary: dict[str, Any] | None = None
    ) -> None:
        spec, self.model = model.spec, model
        self.net, self.features, self.classes = spec.name, spec.features, spec.classes
        self.domain, self.fingerprint = model.domain, model.fingerprint
        self.has_checksum, self.summary = model.has_checksum, summary or {}
        self.unit = model.unit
        self._opened: Opened | None = opened

    def logits(self, images: npt.ArrayLike) -> npt.NDArray[Any]:
        """The outputs of the net.

        Args:
            images: (N, rows, columns), with channels if the net takes such, or (N, features):
                uint8, grey values 0 to 255, or numbers of the scale that it learned from. What
                training did to images (``domain.preprocessing``) is done to these.

        Returns:
            (N, classes): integers in units of 1/64, or float32 of a floating-point net.

        Raises:
            UsageError: the images are something else or of another size, or the net is closed.
            FewmultError: there is not enough memory for so many.
        """
        return self._logits(self._prepared(images))

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The labels of images, (N,): the largest logit, of equal ones the lowest class.

        Images are as ``logits`` takes them.
        """
        return self.answers(images)[0]

    def margins(self, images: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """How far the largest logit is above the next, (N,); training aims at 2.0.

        Images are as ``logits`` takes them.
        """
        return self.answers(images)[1]

    def answers(
        self, images: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Labels and margins in one run through the net; see ``predict`` and ``margins``."""
        return self.answers_to(self._prepared(images))

    def answers_to(
        self, prepared: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Labels and margins for what ``models.images`` read, (N, features), prepared already."""
        logits = self._logits(prepared)
        labels = logits.argmax(axis=1).astype(np.int64)
        if self.classes == 1:
            return labels, np.zeros(len(labels))
        first, second = np.partition(logits, (-2, -1), axis=1).T[[-1, -2]]
        return labels, (first - second) / self.unit

    def evaluate(self, images: npt.ArrayLike, labels: npt.ArrayLike) -> float:
        """Wrongly classified images, in per cent.

        Args:
            images: see ``logits``; at least one.
            labels: as ``datasets.from_arrays`` takes them.

        Raises:
            UsageError: there are none, or not as many labels, or labels that the net lacks.
        """
        answers = self.predict(images)
        if not len(answers):
            raise UsageError("evaluate: there are no images: give at least one")
        names = self.domain.class_names
        right = read_labels("evaluate", labels, len(answers), names).numbers
        if right.max() >= self.classes:
            raise UsageError(f"evaluate: label {right.max()} is beyond {self.classes} classes")
        return 100.0 * float(np.count_nonzero(answers != right)) / len(right)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the net for ``load`` and for commands, whole or not at all.

        Args:
            path: of a model.npz, or of a packed file if the net was read from one.
            overwrite: a model that is there may be replaced.

        Raises:
            UsageError: something is there.
            FewmultError: the file cannot be written.
        """
        to = as_path("path", path)
        check_place(to, saving, overwrite=overwrite)
        save_checked(to, saving.arrays_of(self.model))

    def __repr__(self) -> str:
        return f"Classifier({', '.join(self._said.values())})"

    def _repr_html_(self) -> str:
        return html.card("Classifier", self._said)

    @property
    def _said(self) -> dict[str, str]:
        """What it is, for people."""
        names = ", ".join(map(self.domain.class_name, range(self.classes)))
        return {
            "net": f"net {self.net}",
            "weights": "closed" if self._opened is None else f"{self._opened.how[0]} weights",
            "images": self.domain.image_text(self.features),
            "classes": f"{self.classes} classes" if self.classes > _FEW else f"classes {names}",
            "fingerprint": f"fingerprint {self.fingerprint[:16]}..",
        }

    def __getstate__(self) -> dict[str, Any]:
        """What pickle keeps: the bytes of its file, which are checked when they are read.

        Raises:
            UsageError: it is closed, or on a board.
        """
        if self._opened is None or self._opened.how[1] == "pynq":
            raise UsageError("a net that is closed, or on a board, cannot be pickled: save it")
        content = bytes(checked_bytes(saving.arrays_of(self.model)))
        return {"model": content, "how": self._opened.how, "summary": self.summary}

    def __setstate__(self, state: dict[str, Any]) -> None:
        file = io.BytesIO(state["model"])
        with opened_archive("the pickled net", file, "save it again") as archive:
            model = saving.trained_in(archive)
            archive.verify()
        precision, backend, threads = state["how"]
        opened = model.open(precision, backend, threads)
        self.__init__(model, opened, state["summary"])  # type: ignore[misc]

    def close(self) -> None:
        """Gives back what the backend holds; there are no answers afterwards."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _logits(self, prepared: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        if self._opened is None:
            raise UsageError("this net is closed: load it again")
        return self._opened.scorer.logits(prepared)

    def _prepared(self, images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Images as the net takes them, (N, features), and a warning if they look unlike others."""
        if self._opened is None:
            raise UsageError("this net is closed: load it again")
        flat = self._flat(images)
        for doubt in self.domain.doubts(flat):
            warnings.warn(doubt, UserWarning, stacklevel=4)
        return flat

    def _flat(self, images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        array = as_images("images", images, self.domain.preprocessing)
        shape = array.shape[1:]
        if shape != (1, self.features) and not self.domain.fits(shape, self.features):
            raise UsageError(
                f"images: each is {'x'.join(map(str, shape))} and the net takes "
                f"{self.domain.image_text(self.features)}"
            )
        count = len(array)
        copied = 0 if array.flags.c_contiguous else self.features
        needed = count * (copied + evaluation_bytes(self.classes))
        if needed > _LITTLE:
            memory.check(f"answering for {count:,} images", needed, "ask for fewer at once")
        return np.ascontiguousarray(array.reshape(-1, self.features))


def read_model(path: Path) -> Trained:
    """The model in the folder of a run, a model.npz or a packed file.

    Raises:
        UsageError: there is no such folder or file.
        FewmultError: it holds no model, or a damaged one.
    """
    from ..runs.folder import MODEL, finish_replacing  # a run's folder is one place of a model

    finish_replacing(path)
    with reading(path):
        file = path / MODEL if path.is_dir() else path
        if not path.exists():
            raise UsageError(f"there is no folder or file {path}")
        if not file.exists():
            raise FewmultError(f"{file} is not there: is this the folder of a finished run?")
    names = array_names(file)
    if packed.MARK in names:
        return packed.load_packed(file)
    if FLOAT_MARK in names:
        from ..methods.floating.model import load_float_model

        return load_float_model(file)
    return load_model(file)


class _Options(TypedDict):
    precision: str | None
    backend: str
    threads: int | None


def load(
    path: str | Path,
    *,
    precision: str | None = None,
    backend: str = "emu",
    threads: int | None = None,
    device: Device | str | None = None,
) -> Classifier:
    """A trained network, ready to answer.

    Args:
        path: the folder of a run, a model.npz, or a file that ``export --format packed`` wrote.
        precision: of the weights: by default ``ternary`` or ``binary`` as the net was trained,
            one pass through the kernels, which is what a run's choices are made with and what a
            packed file holds; or ``8-bit``, seven. Of floating-point nets ``real-valued``, and
            of the method binary also ``binary``.
        backend: who computes, ``emu``, ``numpy`` or ``pynq``; floating-point nets run in numpy.
        threads: of emu, by default one for each physical core.
        device: of pynq, ``board``, ``emulated``, or a ``backends.Device``.

    Raises:
        UsageError: there is no such file, or it does not have weights of this precision.
        FewmultError: it is damaged, or the backend cannot run here.
    """
    given = checked(_Options, precision=precision, backend=backend, threads=threads)
    if backend not in BACKENDS:
        raise UsageError(f"there is no backend '{backend}': take {' or '.join(BACKENDS)}")
    threads, ready = given["threads"], as_device(device)
    model = read_model(as_path("path", path))
    chosen = precision or model.deployed
    if chosen not in model.precisions:
        there = " or ".join(model.precisions)
        raise UsageError(f"{path} has no {chosen} weights: take precision {there}")
    return Classifier(model, model.open(chosen, backend, threads, ready))
