# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kind in ``layer.py``, once it is in a copy of the package (``test_new_kind.py``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fewmult_hls.oracle.permutation import permutation

from fewmult_hls import datasets, train
from fewmult_hls.backends import open_backend
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.cli.commands import run
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.models.classifier import load
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer

DIGITS = datasets.load("digits")
NET = "64-perm3-20-perm7-30-perm7-10"


def test_it_is_a_permutation_and_its_own_for_every_number() -> None:
    orders = [tuple(permutation(number, 50)) for number in range(20)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len(set(orders)) == 20


def test_its_word() -> None:
    assert Plan.read("64-perm007-10").name == "64-perm7-10"


def after(net: str, backend: str) -> Network:
    """After a few steps."""
    spec = NetworkSpec(net, batch=16)
    network = Network.initial(spec, 1)
    trainer = Trainer(open_backend(backend), network, 1)
    for step in range(5):
        trainer.step(DIGITS.train, np.arange(16) + 16 * step, 3)
    return trainer.network()


def test_emu_and_numpy_agree_and_something_is_learned() -> None:
    one, other = after(NET, "emu"), after(NET, "numpy")
    assert one.fingerprint == other.fingerprint != Network.initial(one.spec, 1).fingerprint
    assert all(bias.any() for bias in one.biases)


def test_a_permutation_in_front_is_data_in_another_order() -> None:
    order = permutation(3, 64)
    spec, plain = NetworkSpec("64-perm3-10", batch=16), NetworkSpec("64-10", batch=16)
    one = Trainer(OracleBackend(), Network.initial(spec, 1), 1)
    start = Network.initial(spec, 1).state
    other = Trainer(
        OracleBackend(),
        Network(plain, {"weights_0": start["weights_1"], "bias_0": start["bias_1"]}),
        1,
    )
    sample = pack_ternary(np.ones((10, 64)))
    for trainer, k in ((one, 1), (other, 0)):
        trainer._memory.array(f"sign_{k}")[...] = sample[0]
        trainer._memory.array(f"mask_{k}")[...] = sample[1]
    moved = datasets.Split(np.ascontiguousarray(DIGITS.train.images[:, order]), DIGITS.train.labels)
    assert one.step(DIGITS.train, np.arange(16), 3) == other.step(moved, np.arange(16), 3)


@pytest.mark.parametrize("backend", ["emu", "numpy"])
def test_a_run_with_it(backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    net = train("digits", net="64-40-perm7-10", epochs=2, out=folder, backend=backend)
    assert net.summary["validation_error"] < 40
    assert run(["export", str(folder), "--packed", "--out", str(tmp_path / "packed")]) == 0
    images = DIGITS.test.images[:50]
    with load(tmp_path / "packed", backend=backend) as packed:
        assert np.array_equal(packed.logits(images), net.logits(images))
    assert run(["evaluate", str(folder)]) == 0
    assert (
        run(["train", "--net", "64-perm1-10", "--perturb", "16", "--out", str(tmp_path / "x")]) == 2
    )
    assert "leave --perturb out" in capsys.readouterr().err
