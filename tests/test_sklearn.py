# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The estimator of scikit-learn: its checks, and what people do with estimators."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkout import DOCS
from fewmult_hls import FewmultError, datasets, train
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import from_arrays
from fewmult_hls.runs.config import OPTIONS
from fewmult_hls.system.errors import UsageError

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import Pipeline  # noqa: E402
from sklearn.preprocessing import MinMaxScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from fewmult_hls.sklearn import FewMultClassifier  # noqa: E402

DIGITS = datasets.load("digits").train
X, Y = DIGITS.images[:400], DIGITS.labels[:400]
SHORT: Any = {"net": "64-24-10", "epochs": 3, "batch": 16, "threads": 1}
# Runs of nets this small come to more than those: few examples, one thread, few epochs.
CHECKED: Any = {"epochs": 20, "threads": 1}


@pytest.fixture(scope="module")
def fitted() -> FewMultClassifier:
    return FewMultClassifier(**SHORT).fit(X, Y)


@pytest.mark.slow
@parametrize_with_checks([FewMultClassifier(**CHECKED)])
def test_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


# --- parameters ---


def test_the_parameters_are_the_settings_of_a_run() -> None:
    own = {"random_state", "warm_start", "preset", "threads", "device"}
    options = OPTIONS.keys() - {"dataset", "label", "checkpoint_every", "seed"}
    parameters = inspect.signature(FewMultClassifier).parameters
    assert set(FewMultClassifier().get_params()) == set(parameters) == own | options
    assert all(one.kind is one.KEYWORD_ONLY for one in parameters.values())
    text = inspect.getdoc(FewMultClassifier.__init__)
    assert text is not None
    assert all(f"{name}: " in text for name in parameters)


def test_a_parameter_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="FewMultClassifier has no parameter 'epoch'"):
        FewMultClassifier(epoch=3)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 to"),
        ({"epochs": "3"}, "'epochs' must be of type"),
        ({"net": "63-10"}, "must begin with 64 and end with 10"),
        ({"scale": "1:0"}, "there is no scale '1:0'"),
        ({"random_state": -1}, "seed must be 0 to"),
        ({"batch": 256}, "take a smaller batch"),
        ({"method": "float", "backend": "emu"}, "multiplies, in numpy alone"),
    ],
)
def test_parameters_that_cannot_be(parameters: dict[str, Any], message: str) -> None:
    estimator = FewMultClassifier(**{"net": "64-10", **parameters})
    with pytest.raises(ValueError, match=message) as caught:
        estimator.fit(X[:200], Y[:200])
    assert "\n" not in str(caught.value)


# --- what is learned ---


def test_the_net_is_that_of_train(fitted: FewMultClassifier) -> None:
    images, labels = datasets.splitting.carve_evenly(X, Y)
    data = from_arrays(*((part.images, part.labels) for part in (images, labels, labels)))
    with train(data, seed=1, **SHORT) as net:
        assert net.fingerprint == fitted.net_.fingerprint
        assert np.array_equal(net.logits(X) / 64, fitted.decision_function(X))
    assert fitted.score(X, Y) > 0.5
    assert fitted.net_.summary["multiplications_per_step"] == 0


def test_random_states() -> None:
    def prints(state: Any) -> str:
        net = FewMultClassifier(random_state=state, **{**SHORT, "epochs": 1}).fit(X, Y).net_
        return str(net.fingerprint)

    assert prints(7) == prints(np.int64(7))
    assert prints(np.random.RandomState(3)) == prints(np.random.RandomState(3))
    assert len({prints(1), prints(7), prints(np.random.RandomState(3)), prints(None)}) == 4


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes, of course"]),
        np.array(["a", "b"], object),
        np.array([-5, 3000]),
        np.array([False, True]),
        np.array([0.0, 2.0]),
        np.array(["\n", "tab\t"]),
    ],
    ids=lambda labels: labels.dtype.str,
)
def test_labels_of_any_type(labels: Any, tmp_path: Path) -> None:
    y = labels[(Y > 4).astype(int)]
    estimator = FewMultClassifier(**{**SHORT, "net": "64-8-2"}).fit(X, y)
    answers = estimator.predict(X)
    assert answers.dtype == labels.dtype
    assert np.array_equal(estimator.classes_, labels)
    assert np.array_equal(answers == labels[1], estimator.decision_function(X) > 0)
    assert estimator.decision_function(X).shape == (len(X),)
    estimator.save(tmp_path / "net.npz")
    again = FewMultClassifier.load(tmp_path / "net.npz").predict(X)
    assert again.dtype == answers.dtype
    assert np.array_equal(again, answers)


def test_rows_of_numbers_have_a_range_for_each_column() -> None:
    table = np.random.default_rng(1).normal(size=(60, 3)) * [1, 1000, 1e-9]
    table[:, 2] = np.arange(60) % 2  # what is to be learned, beside much that is not
    estimator = FewMultClassifier(net="3-16-2", epochs=20, threads=1).fit(table, table[:, 2])
    assert estimator.score(table, table[:, 2]) == 1
    low, high = table.min(axis=0), table.max(axis=0)
    scale = estimator.net_.domain.preprocessing.scale
    assert (scale.kind, scale.low, scale.high) == ("columns", tuple(low), tuple(high))
    beyond = estimator.decision_function(np.array([low - 1e6, high + 1e6]))
    assert np.array_equal(beyond, estimator.decision_function(np.array([low, high])))


def test_images_of_bytes_and_of_fractions_are_one(fitted: FewMultClassifier) -> None:
    images = X.reshape(-1, 8, 8)
    of_images = FewMultClassifier(**SHORT).fit(images, Y)
    of_floats = FewMultClassifier(**SHORT).fit(images / 255, Y)
    of_rows = FewMultClassifier(scale="unit", **SHORT).fit(X / 255, Y)
    prints = {one.net_.fingerprint for one in (fitted, of_images, of_floats, of_rows)}
    assert len(prints) == 1
    assert of_images.net_.domain.image_shape == (8, 8)
    outputs = of_images.decision_function(images)
    assert np.array_equal(outputs, of_images.decision_function(X))
    assert np.array_equal(outputs, of_floats.decision_function(images / 255))
    with pytest.raises(ValueError, match=r"images of \(4, 16\), and those of fit: \(8, 8\)"):
        of_images.predict(X.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match="values are from 0 to 255, and 0 to 1 are taken"):
        of_floats.predict(images.astype(float))


def test_images_with_channels_and_a_convolution() -> None:
    images = np.random.default_rng(1).integers(0, 256, (64, 6, 6, 3)).astype(np.uint8)
    images[::2, 2:4] = 255
    y = np.arange(64) % 2
    estimator = FewMultClassifier(net="3x6x6-4C3-2", epochs=4, batch=16, threads=1)
    assert estimator.fit(images, y).n_features_in_ == 108
    assert estimator.score(images, y) == 1


def test_images_that_are_made_smaller_and_grey(tmp_path: Path) -> None:
    images = np.zeros((64, 9, 9, 3), np.uint8)
    images[::2, :4] = 200
    y = np.arange(64) % 2
    estimator = FewMultClassifier(net="9-8-2", resize="3x3", gray=True, epochs=9, threads=1)
    assert estimator.fit(images, y).score(images, y) == 1
    assert (estimator.n_features_in_, estimator.net_.features) == (243, 9)
    estimator.save(tmp_path / "net.npz")
    assert FewMultClassifier.load(tmp_path / "net.npz").score(images.reshape(64, -1), y) == 1


def test_few_samples() -> None:
    estimator = FewMultClassifier(epochs=2, threads=1).fit([[0.0, 1], [1, 0], [2, 2]], [0, 1, 1])
    assert estimator.predict([[0.0, 1]]).shape == (1,)
    with pytest.raises(ValueError, match=r"these are 1 class$"):
        estimator.fit([[0.0, 1], [1, 0]], [1, 1])
    with pytest.raises(ValueError, match="these are 300 classes"):
        estimator.fit(np.zeros((600, 2)), np.arange(600) // 2)


# --- as estimators are used ---


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, 16:20].astype(float), columns=list("abcd"))
    y = pandas.Series(np.where(Y > 4, "large", "small"))
    estimator = FewMultClassifier(net="4-8-2", epochs=2, threads=1).fit(frame, y)
    assert estimator.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[["b", "a", "c", "d"]])


def test_a_clone_learns_the_same(fitted: FewMultClassifier) -> None:
    again = clone(fitted)
    assert not hasattr(again, "net_")
    assert again.fit(X, Y).net_.fingerprint == fitted.net_.fingerprint


def test_a_grid_and_a_pipeline() -> None:
    chain = Pipeline([("scaler", MinMaxScaler()), ("net", FewMultClassifier(**SHORT))])
    methods = ["ternary-qbp", "binary-qbp"]
    grid = {"net__epochs": np.array([1, 4]), "net__method": methods}
    search = GridSearchCV(chain, grid, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["net__epochs"] == 4
    assert search.score(X, Y) > 0.5


@pytest.mark.slow
def test_folds_in_other_processes(fitted: FewMultClassifier) -> None:
    alone = cross_val_score(fitted, X, Y, cv=2)
    assert np.array_equal(alone, cross_val_score(fitted, X, Y, cv=2, n_jobs=2))


def test_a_warm_start() -> None:
    estimator = FewMultClassifier(warm_start=True, **SHORT).fit(X[:200] / 7, Y[:200])
    first, scale = estimator.net_, estimator.net_.domain.preprocessing.scale
    estimator.fit(X / 7, Y)
    assert estimator.net_.summary["start_fingerprint"] == first.fingerprint
    assert estimator.net_.domain.preprocessing.scale == scale
    twos = estimator.set_params(net=None).fit(X / 7, Y % 2)  # a new output layer
    assert twos.net_.net == "64-24-2"


# --- pickle and files ---


def test_a_pickle_learned_the_same(fitted: FewMultClassifier) -> None:
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
        assert again.net_.summary == fitted.net_.summary
        assert again.get_params() == fitted.get_params()


@pytest.mark.parametrize("method", ["ternary-qbp", "float"])
def test_a_file_has_all_of_it(method: str, tmp_path: Path) -> None:
    names = np.array(["even", "odd"])[Y % 2]
    table = X / 1000 + 5  # of no usual scale
    parameters = {"method": method, "net": "64-8-2", "epochs": np.int64(2), "threads": None}
    estimator = FewMultClassifier(**parameters).fit(table, names)
    path = tmp_path / "net.npz"
    estimator.save(path)
    found = FewMultClassifier.load(path)
    assert found.get_params() == estimator.get_params()
    assert np.array_equal(found.decision_function(table), estimator.decision_function(table))
    assert np.array_equal(found.predict(table), estimator.predict(table))
    assert found.n_features_in_ == 64
    with pytest.raises(UsageError, match="is there already"):
        estimator.save(path)
    estimator.save(path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["net.npz"]


def test_commands_take_its_file(
    fitted: FewMultClassifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.npz"
    fitted.save(path)
    np.save(tmp_path / "images.npy", X[:3])
    assert run(["predict", str(path), str(tmp_path / "images.npy")]) == 0
    answers = [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert answers == list(map(str, fitted.predict(X[:3])))
    assert run(["export", str(path), "--format", "c", "--out", str(tmp_path / "net.h")]) == 0


def test_a_damaged_file(fitted: FewMultClassifier, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    fitted.save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FewmultError, match="is damaged"):
        FewMultClassifier.load(path)


def test_a_file_with_fewer_labels_than_classes(fitted: FewMultClassifier, tmp_path: Path) -> None:
    wrong = copy.deepcopy(fitted)
    wrong.classes_ = wrong.classes_[:-1]
    wrong.save(tmp_path / "net.npz")
    with pytest.raises(FewmultError, match="9 labels for 10 classes"):
        FewMultClassifier.load(tmp_path / "net.npz")


def test_the_net_of_a_run_is_no_estimator(tmp_path: Path) -> None:
    train("digits", net="64-8-10", epochs=1, out=tmp_path / "run").close()
    with pytest.raises(FewmultError, match="estimator"):
        FewMultClassifier.load(tmp_path / "run" / "model.npz")


def test_a_parameter_that_no_file_holds(tmp_path: Path) -> None:
    state = np.random.RandomState(1)
    estimator = FewMultClassifier(random_state=state, **SHORT).fit(X, Y)
    with pytest.raises(ValueError, match="RandomState is not JSON serializable"):
        estimator.save(tmp_path / "net.npz")
    assert list(tmp_path.iterdir()) == []


def test_without_scikit_learn() -> None:
    code = "import sys; sys.modules['sklearn'] = None; import fewmult_hls.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'fewmult-hls[sklearn]'" in done.stderr


def test_examples_of_the_documentation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(DOCS / "sklearn.md"), module_relative=False, encoding="utf-8")
    assert results.attempted > 10
    assert results.failed == 0
