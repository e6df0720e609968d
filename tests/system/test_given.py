# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong arguments from Python: one line that names the argument, before anything is done."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import config_with
from fewmult_hls import datasets, load, train
from fewmult_hls.backends import open_backend
from fewmult_hls.backends.names import Device
from fewmult_hls.contract.limits import MAX_LAYERS
from fewmult_hls.runs.config import read_config, save_config
from fewmult_hls.system.errors import FewmultError, UsageError
from fewmult_hls.system.given import as_path

TINY: dict[str, Any] = {"net": "64-8-10", "epochs": 1, "batch": 64}
DIGITS = datasets.load("digits")
ODD: list[Any] = [10**30, 2.5, b"x", [], ["a"], {}, object(), np.zeros(3), float("nan"), Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, which stays so."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(call: Any, *names: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    for name in names:
        assert name in str(caught.value)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", signature(train).parameters)
def test_train(name: str, value: Any, here: Path) -> None:
    if name == "on_epoch" and callable(value):
        value = None
    refused(lambda: train(**{"dataset": "digits", **TINY, name: value}), name)
    assert not list(here.iterdir())


@pytest.mark.parametrize("value", ["", "a\0b", "\ud800", None])
def test_no_path(value: Any, here: Path) -> None:
    refused(lambda: as_path("out", value), "'out' must be a path, not")
    if value is not None:
        refused(lambda: train("digits", **TINY, out=value), "'out'")
        refused(lambda: load(value), "'path'")
    assert not list(here.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", ["path", "precision", "backend", "threads", "device"])
def test_load(name: str, value: Any, here: Path) -> None:
    train("digits", **TINY, out="run").close()
    refused(lambda: load(**{"path": "run", name: value}), name)


def test_no_such_backend() -> None:
    train("digits", **TINY, out="run").close()
    for call in (lambda: load("run", backend="gpu"), lambda: open_backend("gpu")):
        refused(call, "there is no backend 'gpu': take emu or numpy or pynq")
    refused(lambda: Device("rtl", "folder"), "'rtl' must be a Path")  # type: ignore[arg-type]


def test_more_answers_than_memory_holds() -> None:
    """A view of few bytes can be a great many images."""
    with train("digits", **TINY) as net:
        images = np.broadcast_to(DIGITS.test.images[0].reshape(64), (1 << 40, 64))
        with pytest.raises(FewmultError, match=r"1,099,511,627,776 images needs about .* GiB"):
            net.predict(images)
        assert net.predict(images[:3]).shape == (3,)


def test_names_that_no_config_holds_or_that_look_alike() -> None:
    part = (DIGITS.test.images.reshape(-1, 64), DIGITS.test.labels % 2)
    refused(lambda: datasets.from_arrays(part, part, name="a" * 256), "name")
    names = ["caf\u00e9", "cafe\u0301"]
    refused(lambda: datasets.from_arrays(part, part, class_names=names), "two classes are named")


def test_the_deepest_net_has_a_config_that_can_be_read(tmp_path: Path) -> None:
    net = "64-" + "65536-" * (MAX_LAYERS - 1) + "10"
    config = config_with(dataset="d" * 4096, net=net)
    save_config(tmp_path / "config.toml", config)
    assert read_config(tmp_path / "config.toml") == config
    assert len(config.spec.widths) == MAX_LAYERS + 1


def test_a_closed_net_has_no_answers() -> None:
    net = train("digits", **TINY)
    net.close()
    net.close()
    for call in (net.predict, net.logits, net.margins, net.answers):
        refused(lambda call=call: call(DIGITS.test.images), "closed")
