# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""An estimator of scikit-learn (docs/sklearn.md): ``fewmult_hls.sklearn.FewMultClassifier``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        f"fewmult_hls.sklearn needs scikit-learn 1.6 or later ({error}): "
        "pip install 'fewmult-hls[sklearn]'"
    ) from error

from .api import train
from .backends.names import Device, as_device
from .contract.limits import BATCHES, MAX_CLASSES
from .datasets.dataset import VALIDATION_SHARE, Dataset, Split, check_class_names
from .datasets.preprocessing import Preprocessing
from .datasets.scale import COLUMNS, Scale, find_scale
from .datasets.splitting import carve_evenly, every, spread_split
from .models import saving
from .models.classifier import Classifier
from .models.exports.formats import check_place
from .models.trained import Trained
from .runs.config import OPTIONS, SETTINGS
from .runs.keywords import name_keywords
from .system.archive import reading_archive, save_checked
from .system.errors import UsageError
from .system.given import as_path

# Not asked for: fit is given data and labels, and leaves nothing on disk; random_state is the seed.
_OTHERS = ("dataset", "label", "checkpoint_every", "seed")
_OPTIONS = {name: row for name, row in OPTIONS.items() if name not in _OTHERS}
_NAME = "estimator"
_ADVICE = "save it again, or take another copy"


def _with_settings(function: Callable[..., None]) -> Callable[..., None]:
    name_keywords(function, _OPTIONS)
    return function


class FewMultClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A net that is trained without multiplications, as a classifier of scikit-learn.

    Its parameters are the settings of a run, by the names that ``fewmult_hls.train`` has, and
    these. The same data and parameters leave the same bits on any machine.

    X is (n, features), (n, rows, columns) or (n, rows, columns, channels); y any labels. Bytes and
    images are what their type and values say; rows of other numbers have, if ``scale`` says nothing
    else, for each column its range in training, beyond which they are cut off. A sixth
    of each class is not learned from, but chooses the epoch; where no class has six samples, all
    are both. Fewer than 16 samples are repeated to fill the smallest batch.

    Attributes:
        net_: the trained net, a ``fewmult_hls.Classifier``; ``net_.summary`` is that of its run.
        classes_: labels, sorted.
        n_features_in_: values of a sample.
        image_shape_: of a sample that is an image, or None.
        feature_names_in_: names of the columns, if X had such.
    """

    @_with_settings
    def __init__(
        self,
        *,
        random_state: int | np.random.RandomState | None = SETTINGS["seed"].default,
        warm_start: bool = False,
        preset: str | None = None,
        threads: int | None = None,
        device: Device | str | None = None,
        **settings: Any,
    ) -> None:
        """Keeps the parameters; ``fit`` looks at them.

        Args:
            random_state: the seed of a run, by default the same each time; None or a generator
                draws one.
            warm_start: ``fit`` begins with the net of the last ``fit``, and with its scale.
            preset: a name from ``fewmult-hls presets``, whose settings the others change.
            threads: of the backend emu, by default one for each physical core.
            device: of the backend pynq.
            **settings: of a run.
        """
        if unknown := settings.keys() - _OPTIONS.keys():
            raise TypeError(f"FewMultClassifier has no parameter '{sorted(unknown)[0]}'")
        self.random_state, self.warm_start = random_state, warm_start
        self.preset, self.threads, self.device = preset, threads, device
        for name in _OPTIONS:
            setattr(self, name, settings.get(name))

    def fit(self, X: Any, y: Any) -> FewMultClassifier:
        """Trains a net on samples and labels.

        Args:
            X: numbers, (n, features) or images, (n, rows, columns) and perhaps channels.
            y: labels, (n,): numbers, truth values or texts, of at least two classes.

        Raises:
            ValueError: they, or a parameter, cannot be.
            FewmultError: there is not enough memory, or the backend cannot run here.
        """
        X, image_shape = _as_rows(X)
        X, y = validate_data(self, X, y)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise ValueError(
                f"{type(self).__name__} learns 2 to {MAX_CLASSES} classes, and these are "
                f"{len(classes)} class{'es' * (len(classes) > 1)}"
            )
        try:
            made = Preprocessing(self._scale(X, image_shape))
            data = _data_set(X, labels, classes, made, image_shape)
            self.net_ = self._trained(data)
        except UsageError as error:
            raise ValueError(str(error)) from error
        self.classes_, self.image_shape_ = classes, image_shape
        return self

    def _scale(self, X: npt.NDArray[Any], image_shape: tuple[int, ...] | None) -> Scale:
        if self.warm_start and hasattr(self, "net_"):
            kept: Scale = self.net_.domain.preprocessing.scale
            return kept
        is_table = image_shape is None and X.dtype != np.uint8
        return find_scale("X", X, self.scale or (COLUMNS if is_table else ""))

    def _trained(self, data: Dataset) -> Classifier:
        settings = {name: _plain(getattr(self, name)) for name in _OPTIONS}
        settings["scale"] = ""  # the data are scaled
        if self.warm_start and hasattr(self, "net_"):
            settings["start"] = self.net_
        return train(
            data,
            seed=_seed(self.random_state),
            checkpoint_every=0,
            preset=self.preset,
            threads=_plain(self.threads),
            device=self.device,
            **settings,
        )

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """The outputs of the net, in units in which training aims at 1 and -1.

        Returns:
            (n, classes), or of two classes (n,), how far the second is above the first. They are
            exact: multiples of 1/64, the logits of ``fewmult-hls predict``.
        """
        net = self._net
        X, image_shape = _as_rows(X)
        X = validate_data(self, X, reset=False)
        if image_shape not in (None, self.image_shape_):
            raise ValueError(
                f"X has images of {image_shape}, and those of fit: {self.image_shape_}"
            )
        if self.image_shape_ is not None:
            X = X.reshape(-1, *self.image_shape_)
        try:
            outputs = net.logits(X) / np.float64(net.unit)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return outputs if len(self.classes_) > 2 else outputs[:, 1] - outputs[:, 0]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The labels of samples, (n,): the largest output, of equal ones the first class."""
        outputs = self.decision_function(X)
        chosen = outputs.argmax(axis=1) if outputs.ndim > 1 else (outputs > 0).astype(np.intp)
        labels: npt.NDArray[Any] = self.classes_[chosen]
        return labels

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the estimator, whole or not at all: a model.npz that commands take, too.

        Args:
            path: of the file.
            overwrite: a model that is there may be replaced.

        Raises:
            ValueError: labels or parameters are no plain numbers or texts.
            UsageError: something is there.
            FewmultError: the file cannot be written.
        """
        net, to = self._net, as_path("path", path)
        check_place(to, saving, overwrite=overwrite)
        said = {
            "parameters": {name: _plain(value) for name, value in self.get_params().items()},
            "classes": self.classes_.tolist(),
            "dtype": self.classes_.dtype.str,
            "features": self.n_features_in_,
            "names": getattr(self, "feature_names_in_", np.array([])).tolist(),
            "image_shape": self.image_shape_,
        }
        try:
            text = json.dumps(said)
        except TypeError as error:
            raise ValueError(f"a parameter or label cannot be written: {error}") from error
        save_checked(to, {**saving.arrays_of(net.model), _NAME: np.array(text)})

    @classmethod
    def load(cls, path: str | Path) -> FewMultClassifier:
        """The fitted estimator that ``save`` wrote; nothing in a file is executed.

        Raises:
            FewmultError: there is none, or it is damaged.
        """
        with reading_archive(as_path("path", path), _ADVICE) as archive:
            model, text = saving.trained_in(archive), archive.text(_NAME)
            archive.verify()
            said = json.loads(text)
            found = cls(**said["parameters"])
            found.classes_ = np.array(said["classes"], np.dtype(said["dtype"]))
            if len(found.classes_) != model.spec.classes:
                raise ValueError(f"{len(found.classes_)} labels for {model.spec.classes} classes")
            found.n_features_in_, shape = said["features"], said["image_shape"]
            found.image_shape_ = None if shape is None else tuple(shape)
            if said["names"]:
                found.feature_names_in_ = np.array(said["names"], object)
        found._open(model)
        return found

    @property
    def _net(self) -> Classifier:
        check_is_fitted(self)
        net: Classifier = self.net_
        return net

    def _open(self, model: Trained) -> None:
        backend = _plain(self.backend) or SETTINGS["backend"].default
        opened = model.open(model.deployed, backend, _plain(self.threads), as_device(self.device))
        self.net_ = Classifier(model, opened)


def _as_rows(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Images as rows of values, and their shape; what is no image as it is."""
    if isinstance(X, list | tuple):
        X = np.asarray(X)
    if getattr(X, "ndim", 2) < 3:
        return X, None
    return np.reshape(X, (len(X), -1)), tuple(X.shape[1:])


def _data_set(
    X: npt.NDArray[Any],
    labels: npt.NDArray[np.intp],
    classes: npt.NDArray[Any],
    made: Preprocessing,
    image_shape: tuple[int, ...] | None,
) -> Dataset:
    """What a run learns from, which is not tested on anything but what it is validated on.

    Raises:
        UsageError: the samples cannot be made grey values.
    """
    shape = image_shape or (1, X.shape[1])
    images, numbers = made.scale.bytes_of("X", X), labels.astype(np.uint8)
    if every(VALIDATION_SHARE, numbers).any():
        learned, validating = carve_evenly(images, numbers)
    else:
        learned = validating = spread_split(images, numbers)
    learned, names = _filled(learned), _class_names(classes)
    parts = (learned, validating, validating)
    return Dataset("arrays", len(classes), shape, *parts, names, preprocessing=made)


def _filled(split: Split) -> Split:
    """Samples again and again, until there are enough for the smallest batch."""
    count = len(split.labels)
    chosen = np.arange(max(count, BATCHES[0])) % count
    return split if len(chosen) == count else Split(split.images[chosen], split.labels[chosen])


def _class_names(classes: npt.NDArray[Any]) -> tuple[str, ...]:
    """Labels as texts, if they can be told apart and printed."""
    names = tuple(map(str, classes.tolist()))
    try:
        check_class_names(names)
    except ValueError:
        return ()
    return names


def _seed(random_state: Any) -> int:
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    drawn = check_random_state(random_state).randint(0, 1 << 32, dtype=np.uint32)
    return int(drawn)


def _plain(value: Any) -> Any:
    """Numbers and texts of numpy, as grids of parameters have them, as Python's own."""
    return value.item() if isinstance(value, np.generic) else value
