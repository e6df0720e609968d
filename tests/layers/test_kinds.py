# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of layers: their words, and that nobody else knows them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewmult_hls
from fewmult_hls import datasets
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.backend import Backend, check_kernels
from fewmult_hls.contract.calls import Access, BinaryMatmul, HostCall
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.contract.stages import Stage
from fewmult_hls.counting.executed import count_stages, tally
from fewmult_hls.counting.formulas import our_step, total
from fewmult_hls.layers.base import Image, Kind
from fewmult_hls.layers.kinds import KINDS, Plan
from fewmult_hls.layers.pixels import Pixels
from fewmult_hls.models.classifier import load
from fewmult_hls.models.model import Model, save_model
from fewmult_hls.models.packed import save_packed
from fewmult_hls.nets.evaluator import evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.steps import all_calls
from fewmult_hls.nets.trainer import Trainer
from fewmult_hls.system.errors import UsageError

DIGITS = datasets.load("digits")
PACKAGE = Path(fewmult_hls.__file__).parent
BACKENDS = pytest.mark.parametrize(
    "backend", [EmuBackend(2), OracleBackend()], ids=["emu", "numpy"]
)


def files_that_import(module: str) -> set[str]:
    """Files of the package outside of layers/ that import ``layers.module``."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = node.module if isinstance(node, ast.ImportFrom) else None
            if named in (f"layers.{module}", module) and path.parent.name != "layers":
                found.add(path.relative_to(PACKAGE).as_posix())
    return found


def test_nobody_else_knows_which_kinds_there_are() -> None:
    files = {Path(kind.__module__.replace(".", "/")).name for kind in KINDS}
    assert "dense" in files
    assert {name: files_that_import(name) for name in files} == {name: set() for name in files}


def test_a_text_is_written_in_one_way() -> None:
    assert Plan.read("064-007-10").name == "64-7-10"
    assert NetworkSpec("064-10") == NetworkSpec("64-10")
    assert Plan.read("64-7-10").pixels == Pixels(Image(64))


@pytest.mark.parametrize("text", ["64-x", "x-10", "64-10-", "-10", "64 -10", "64-P", "3x-10"])
def test_what_is_no_net(text: str) -> None:
    with pytest.raises(UsageError, match="is not widths joined by dashes"):
        Plan.read(text)


# --- what every kind can ---

KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.typical for kind in KINDS])
BATCH, STEPS = 16, 4


def net_with(kind: type[Kind]) -> NetworkSpec:
    """A net with such a layer behind one with weights, and before the last."""
    return NetworkSpec(f"1x8x8-6C3-{kind.typical}-10", batch=BATCH)


def trained(
    backend: Backend, network: Network, first: int = 0, last: int = STEPS, seed: int = 1
) -> Network:
    """The net after these steps."""
    trainer = Trainer(backend, network, seed, first)
    for step in range(first, last):
        trainer.step(DIGITS.train, np.arange(BATCH) + BATCH * step, 3)
    return trainer.network()


@KIND
def test_its_example_is_its_word(kind: type[Kind]) -> None:
    found = kind.read(kind.typical)
    assert type(found) is kind
    assert found.word == kind.typical
    assert [type(other.read(kind.typical)) is kind for other in KINDS].count(True) == 1


@KIND
def test_all_backends_that_can_train_it_alike_and_go_on_alike(kind: type[Kind]) -> None:
    spec = net_with(kind)
    start, calls = Network.initial(spec, 1), all_calls(spec.layers, 0)
    whole = trained(OracleBackend(), start)
    assert whole.fingerprint != start.fingerprint
    half = trained(OracleBackend(), start, last=2)
    assert trained(OracleBackend(), half, first=2).fingerprint == whole.fingerprint
    emu = EmuBackend(2)
    if {call.kernel for call in calls if not isinstance(call, HostCall)} <= emu.kernels:
        assert trained(emu, start).fingerprint == whole.fingerprint
    else:
        with pytest.raises(UsageError, match="has no kernel"):
            check_kernels(emu, calls)


@KIND
def test_its_operations_by_formula_are_those_of_a_step(kind: type[Kind]) -> None:
    network = Network.initial(net_with(kind), 1)
    memory = Trainer(OracleBackend(), network, seed=1)._memory
    nonzeros = [
        sum(int(word).bit_count() for word in memory.array(f"mask_{layer.index}").ravel())
        if layer.weights
        else 0
        for layer in network.spec.layers
    ]
    counted, formula = (
        count_stages(network, DIGITS.train, seed=1, rate=3),
        our_step(network.spec, 3, nonzeros),
    )
    for stage in Stage:
        assert formula[stage] == tally(counted[stage]), stage
    assert total(formula.values()).multiplications == 0


@KIND
def test_its_models_answer_alike(kind: type[Kind], tmp_path: Path) -> None:
    network, images = trained(OracleBackend(), Network.initial(net_with(kind), 1)), DIGITS.train
    found = {
        precision: evaluator(OracleBackend(), network, precision, images.images[:64])
        for precision in network.spec.precisions
    }
    model = Model(network, {precision: means for precision, (_, means) in found.items()})
    save_model(tmp_path / "model.npz", model)
    save_packed(tmp_path / "packed", model)
    for name, precision in (("model.npz", "8-bit"), ("model.npz", None), ("packed", None)):
        with load(tmp_path / name, precision=precision, backend="numpy") as net:
            judge, _ = found[precision or "ternary"]  # type: ignore[index]
            logits = judge.logits(DIGITS.test.images[:20])
            assert np.array_equal(net.logits(DIGITS.test.images[:20]), logits)
            assert net.fingerprint == network.fingerprint
            assert net.net == network.spec.name


# --- what the host does ---


@dataclass(frozen=True, kw_only=True, eq=False)
class Negate(HostCall):
    """Changes signs: work of the host between kernels."""

    kernel = "negate"
    stage = Stage.FORWARD
    access = Access(("z", "source"), ("source",))

    z: Any = None
    source: Any = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"z": self.z.shape, "source": self.source.shape}

    def execute(self, enter: Any = None) -> None:
        self.source[...] = np.clip(-self.z, -127, 127)


@BACKENDS
def test_the_host_works_between_kernels(backend: Backend) -> None:
    random = np.random.default_rng(1)
    sample = random.integers(-1, 2, (20, 20))
    sign, mask = (words[None] for words in pack_ternary(sample))
    source = random.integers(-3, 4, (20, 16)).astype(np.int8)
    z, first = np.zeros((20, 16), np.int32), source.astype(np.int64)
    product = BinaryMatmul(
        source=source, sign=sign, mask=mask, z=z, transposed=False, inputs=20, outputs=20,
        log2_batch=4,
    )  # fmt: skip
    turn = Negate(z=z, source=source)
    backend.prepare([product, turn, product]).run(7)
    assert np.array_equal(z, sample @ np.clip(-(sample @ first), -127, 127))
    backend.run(turn)
    assert np.array_equal(source, np.clip(-z, -127, 127))


@BACKENDS
def test_a_backend_without_a_kernel_says_so(backend: Backend) -> None:
    class Unknown(BinaryMatmul):
        kernel = "unheard_of"

    product = Unknown(transposed=False, inputs=20, outputs=20, log2_batch=4)
    check_kernels(backend, [Negate()])
    with pytest.raises(UsageError, match=r"has no kernel unheard_of.*take --backend (emu|numpy)$"):
        check_kernels(backend, [Negate(), product])
