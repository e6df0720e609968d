# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Nets with convolution and pooling on the emulated board, through the real pynq package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")

from command import assert_one_line, fewmult, summary
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.backends.pynq_backend import PynqBackend, emulated_backend
from fewmult_hls.contract.backend import Backend, check_kernels
from fewmult_hls.datasets.dataset import Split
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.emulated.bus import Bus
from fewmult_hls.hardware.emulated.overlay import open_emulated_device, write_emulated_overlay
from fewmult_hls.nets.evaluator import evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.steps import all_calls
from fewmult_hls.nets.trainer import Schedule, Trainer, train_epochs
from fewmult_hls.system.errors import UsageError
from reference import reference

Z2 = load_board("pynq-z2")
DIGITS = datasets.load("digits")
FEW = replace(DIGITS, train=Split(DIGITS.train.images[:320], DIGITS.train.labels[:320]))
HOST = reference()
# Padding and a stride; windows of all of an image; a pool that drops a row and a column.
NETS = ("1x8x8-6C3p-P2-10C3ps2-20-10", "1x8x8-4C3-P2-70C3-10", "4x4x4-8C3p-P2-10", "1x8x8-P2-10")


@pytest.fixture
def backend() -> Iterator[PynqBackend]:
    with closing(emulated_backend(Z2)) as opened:
        yield opened


def trained(backend: Backend, net: str, perturbation: int = 0, bits: int = 16) -> str:
    """The fingerprint of two epochs of a net."""
    spec = NetworkSpec(net, master_bits=bits, batch=32)
    network = Network.initial(spec, 3, FEW.train.images)
    trainer = Trainer(backend, network, 3, perturbation=perturbation)
    for _ in train_epochs(trainer, FEW.train, Schedule(2, 1)):
        pass
    return trainer.network().fingerprint


@pytest.mark.parametrize("net", NETS)
def test_a_training_leaves_the_fingerprint_of_the_host(net: str, backend: PynqBackend) -> None:
    assert trained(backend, net) == trained(HOST, net)
    assert backend.info()["overlay"] == ("fewmult_places" if "P" in net else "fewmult")


def test_three_backends_agree(backend: PynqBackend) -> None:
    backends = (backend, HOST, open_backend("numpy"))
    prints = {trained(each, NETS[0], bits=8) for each in backends}
    assert len(prints) == 1


def test_adversarial_inputs(backend: PynqBackend) -> None:
    net = "1x8x8-6C3p-P2-10"
    assert trained(backend, net, perturbation=4) == trained(HOST, net, perturbation=4)


@pytest.mark.parametrize("seed", range(3))
def test_masters_that_are_held_up(seed: int) -> None:
    with closing(emulated_backend(Z2, bus=Bus(seed, most=40))) as backend:
        assert trained(backend, NETS[0]) == trained(HOST, NETS[0])


def test_evaluation(backend: PynqBackend) -> None:
    network = Network.initial(NetworkSpec(NETS[0], batch=32), 3, FEW.train.images)
    for precision in ("8-bit", "ternary"):
        found = [evaluator(b, network, precision, FEW.train.images) for b in (backend, HOST)]  # type: ignore[arg-type]
        logits = [judge.logits(DIGITS.test.images[:40]) for judge, _ in found]
        assert np.array_equal(*logits)
        assert all(map(np.array_equal, *(means for _, means in found)))


def test_the_command(tmp_path: Path) -> None:
    options = ["--epochs", "2", "--net", NETS[0], "--batch", "32"]
    for name, more in {"host": [HOST.name], "pynq": ["pynq", "--device", "emulated"]}.items():
        done = fewmult("train", *options, "--backend", *more, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    mine, other = summary(tmp_path / "pynq"), summary(tmp_path / "host")
    assert mine["fingerprint"] == other["fingerprint"]


def test_an_overlay_without_pooling_refuses_nets_that_pool(tmp_path: Path) -> None:
    write_emulated_overlay(tmp_path, Z2, "fewmult")
    with closing(PynqBackend(open_emulated_device(Z2), Z2, tmp_path)) as backend:
        assert trained(backend, "1x8x8-6C3p-10") == trained(HOST, "1x8x8-6C3p-10")
        with pytest.raises(UsageError) as caught:
            check_kernels(backend, all_calls(NetworkSpec(NETS[0], batch=32).layers, 0))
        assert_one_line(f"error: {caught.value}\n", "no kernel pool", "--backend")
