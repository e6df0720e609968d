# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Nets and data sets as people see them, keep them and hand them on."""

from __future__ import annotations

import base64
import copy
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fewmult_hls import FewmultError, datasets, load, train
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import Dataset, from_arrays
from fewmult_hls.models.classifier import Classifier
from fewmult_hls.system.errors import UsageError

DIGITS = datasets.load("digits")
IMAGES = DIGITS.test.images


@pytest.fixture(scope="module")
def net() -> Classifier:
    return train("digits", net="64-16-10", epochs=1, threads=1)


def small(classes: int = 2, **options: Any) -> Dataset:
    images = np.random.default_rng(1).integers(0, 256, (12 * classes, 3, 4)).astype(np.uint8)
    return from_arrays((images, np.arange(len(images)) % classes), **options)


def test_a_net_in_a_line(net: Classifier) -> None:
    assert repr(net) == (
        "Classifier(net 64-16-10, ternary weights, 8x8 pixels (rows x columns), "
        f"classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, fingerprint {net.fingerprint[:16]}..)"
    )
    closed = copy.copy(net)
    closed.close()
    assert "closed" in repr(closed)


def test_data_in_a_line() -> None:
    assert repr(DIGITS) == (
        "Dataset(digits, 10 classes, images of 8x8, 1,199 to train, 239 to validate, 359 to test)"
    )
    assert repr(DIGITS.test) == "Split(359 images of 64 values)"


def test_names_are_text_in_jupyter() -> None:
    data = small(class_names=["<b>", "a & b"])
    for page in (data._repr_html_(), train(data, net="12-2", epochs=1)._repr_html_()):
        assert "<b>" not in page
        assert "&lt;b&gt;" in page


def test_jupyter_shows_the_first_image_of_each_class() -> None:
    found = re.findall(r"base64,([^\"]+)", DIGITS._repr_html_())
    assert len(found) == 10
    for label, content in enumerate(found):
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
        first = np.flatnonzero(DIGITS.train.labels == label)[0]
        assert np.array_equal(image.ravel(), DIGITS.train.images[first])


@pytest.mark.parametrize(
    ("shape", "pictures"), [((7,), 0), ((2, 3), 2), ((2, 3, 1), 2), ((2, 3, 3), 2), ((2, 3, 5), 0)]
)
def test_what_is_no_picture_is_not_shown(shape: tuple[int, ...], pictures: int) -> None:
    images = np.zeros((24, *shape), np.uint8)
    data = from_arrays((images, np.arange(24) % 2))
    assert data._repr_html_().count("<img") == pictures


def test_many_classes_are_counted() -> None:
    data = small(20)
    assert data._repr_html_().count("<img") == 12
    assert "20 classes" in repr(train(data, net="12-20", epochs=1, batch=16))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
@pytest.mark.parametrize(
    "options", [{}, {"precision": "8-bit", "threads": 1}, {"backend": "numpy"}]
)
def test_a_pickled_net_answers_alike(copied: Any, options: Any, tmp_path: Path) -> None:
    train("digits", net="64-8-10", epochs=1, out=tmp_path / "run").close()
    with load(tmp_path / "run", **options) as net, copied(net) as again:
        assert np.array_equal(net.logits(IMAGES), again.logits(IMAGES))
        assert repr(net) == repr(again)


def test_a_closed_net_is_not_pickled(net: Classifier) -> None:
    closed = copy.deepcopy(net)
    closed.close()
    with pytest.raises(UsageError, match="closed, or on a board, cannot be pickled: save it"):
        pickle.dumps(closed)


def test_a_damaged_pickle(net: Classifier) -> None:
    state = net.__getstate__()
    damaged = bytearray(state["model"])
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(FewmultError, match=r"the pickled net is damaged .*: save it again"):
        copy.copy(net).__setstate__({**state, "model": bytes(damaged)})


@pytest.mark.parametrize("method", ["ternary-qbp", "float"])
def test_a_saved_net_is_that_of_its_run(method: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with train("digits", net="64-8-10", epochs=1, method=method, out=out) as net:
        net.save(tmp_path / "net.npz")
    assert (tmp_path / "net.npz").read_bytes() == (out / "model.npz").read_bytes()


def test_a_packed_net_is_saved_packed(tmp_path: Path) -> None:
    run_folder, packed = tmp_path / "run", tmp_path / "packed"
    train("digits", net="64-8-10", epochs=1, out=run_folder).close()
    assert run(["export", str(run_folder), "--format", "packed", "--out", str(packed)]) == 0
    with load(packed) as net:
        net.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == packed.read_bytes()


def test_models_alone_are_replaced(net: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    path.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        net.save(path)
    with pytest.raises(UsageError, match="is no model of fewmult-hls"):
        net.save(path, overwrite=True)
    assert path.read_text() == "mine"
    path.unlink()
    net.save(path)
    net.save(path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["net.npz"]
