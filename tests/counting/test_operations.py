# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.calls import LoadBatch, Pass
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.contract.stages import Stage
from fewmult_hls.counting.executed import (
    CountedArray,
    Ledger,
    count_stages,
    counted,
    multiplications,
    tally,
)
from fewmult_hls.datasets import Split, load
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer
from kernel_calls import layer, product

DIGITS = load("digits")
M = np.arange(1, 13).reshape(3, 4)


def count(work: Callable[[CountedArray], Any], array: np.ndarray = M) -> Counter[str]:
    counter: Counter[str] = Counter()
    work(counted(array.copy(), counter))
    return counter


def tripled(a: Any) -> Any:
    a *= 3
    return a


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda a: a * 3, {"multiply": 12}),
        (lambda a: 3 * a[1], {"multiply": 4}),
        (lambda a: M * a[:, :1], {"multiply": 12}),
        (tripled, {"multiply": 12}),
        (lambda a: np.multiply(M, a, out=np.zeros_like(M)), {"multiply": 12}),
        (lambda a: a[a > 6] * a[a > 6], {"multiply": 6, "greater": 24}),
        (lambda a: np.where(M > 6, a, 0).T.reshape(-1)[::2] * 2, {"multiply": 6, "where": 12}),
        (lambda a: a @ M.T, {"matmul": 36}),
        (lambda a: M.T @ a, {"matmul": 48}),
        (lambda a: a[0] @ a[0], {"matmul": 4}),
        (lambda a: a / 3, {np.divide.__name__: 12}),
        (lambda a: 3 // a, {"floor_divide": 12}),
        (lambda a: a % 3, {"remainder": 12}),
        (lambda a: divmod(a, 3), {"divmod": 12}),
        (lambda a: np.square(a), {"square": 12}),
        (lambda a: np.sqrt(a), {"sqrt": 12}),
        (lambda a: a**3, {"power": 12}),
        (lambda a: a.prod(axis=1), {"multiply": 12}),
        (lambda a: a.cumprod(), {"multiply": 12}),
        (lambda a: a.mean(axis=0), {"add": 12, np.divide.__name__: 4}),
        (lambda a: np.multiply.outer(a, M), {"multiply": 144}),
    ],
)
def test_every_multiplication_counts(work: Callable[[Any], Any], expected: dict[str, int]) -> None:
    counter = count(work)
    assert counter == expected
    harmless = {"add", "greater", "where"}
    assert multiplications(counter) == sum(
        n for name, n in expected.items() if name not in harmless
    )


def test_vector_products_count_each_of_their_multiplications() -> None:
    if not hasattr(np, "vecdot"):
        pytest.skip("this numpy has no vecdot")
    assert multiplications(count(lambda a: np.vecdot(a, M))) == 12


def test_additions_shifts_and_comparisons_are_no_multiplications() -> None:
    counter = count(lambda a: ((a + 1 << 2) - a > 5).sum(axis=0))
    assert counter == {"add": 24, "left_shift": 12, "subtract": 12, "greater": 12}
    assert multiplications(counter) == 0


@pytest.mark.parametrize(
    "work",
    [
        lambda a: np.einsum("ij,kj", a, a),
        lambda a: np.dot(a, M.T),
        lambda a: np.dot(M, a.T),
        lambda a: a.dot(M.T),
        lambda a: np.multiply.at(a, [0, 1, 1], 3),
        lambda a: np.inner(a, a),
        lambda a: np.outer(a, a),
        lambda a: np.tensordot(a, a),
        lambda a: np.vdot(a, a),
        lambda a: np.kron(a, a),
        lambda a: np.prod(a),
        lambda a: np.convolve(a[0], a[1]),
        lambda a: np.correlate(a[0], a[1]),
        lambda a: np.interp(a[0], [0, 9], [2, 3]),
        lambda a: np.cov(a),
        lambda a: np.polyval(a[0], 3),
        lambda a: np.fft.fft(a),
        lambda a: np.linalg.norm(a),
        lambda a: np.linalg.det(a[:, :3]),
    ],
)
def test_what_would_multiply_unseen_is_refused(work: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="cannot be counted"):
        count(work)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_adds_once_for_every_nonzero_weight_and_sample(transposed: bool) -> None:
    T = np.random.default_rng(1).integers(-1, 2, (30, 70))
    counter: Counter[str] = Counter()
    backend = OracleBackend(lambda array: counted(array, counter))
    sign, mask = (words[None] for words in pack_ternary(T))
    units, results = T.shape if transposed else T.shape[::-1]
    source, z = np.ones((units, 16), np.int8), np.zeros((results, 16), np.int32)
    backend.run(product(source, sign, mask, z, inputs=70, transposed=transposed))
    assert counter["add"] == np.count_nonzero(T) * 16
    assert counter["subtract"] == results * 16  # the minus side from the plus side
    assert multiplications(counter) == 0


@pytest.mark.parametrize("net", ["64-10", "64-30-20-10"])
@pytest.mark.parametrize("kind", ["ternary", "binary"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_training_step_multiplies_nothing(net: str, kind: Any, bits: int) -> None:
    spec = NetworkSpec.parse(net, weights=kind, master_bits=bits, batch=32)
    network = Network.initial(spec, 1)
    before = network.fingerprint
    stages = count_stages(network, DIGITS.train, seed=1, rate=3)
    counter = sum((stages[stage] for stage in Stage if stage is not Stage.RANDOM), Counter())
    assert multiplications(counter) == multiplications(stages[Stage.RANDOM]) == 0
    assert network.fingerprint == before
    weights = sum(layer.inputs * layer.outputs for layer in spec.layers)
    sent_back = weights - spec.layers[0].inputs * spec.layers[0].outputs
    # Of the gradient, one for each weight and sample; of a binary product, too.
    least = weights * 32 + (weights + sent_back) * 32 * (kind == "binary")
    assert least < counter["add"] < 3 * (weights + sent_back) * 32
    assert counter["left_shift"] >= weights * 32


def test_additions_of_forward_products_follow_the_sample() -> None:
    spec = NetworkSpec.parse("64-10", batch=16)
    trainer = Trainer(OracleBackend(), Network.initial(spec, 1), 1)
    sign, mask = (trainer._memory.array(name) for name in ("sign_0", "mask_0"))
    nonzeros = sum(int(word).bit_count() for word in mask.ravel())
    assert 0 < nonzeros < 640
    counter: Counter[str] = Counter()
    backend = OracleBackend(lambda array: counted(array, counter))
    x = np.zeros((64, 16), np.int8)
    backend.run(LoadBatch(images=DIGITS.train.images, chosen=np.arange(16), x=x))
    arrays = {"bias": np.zeros(10, np.int32), "logits": np.zeros((10, 16), np.int32)}
    backend.run(layer(Pass.LOGITS, x, sign, mask, shift=5, inputs=64, **arrays))
    # To every logit: the products' sums, the half that rounds, and the bias.
    assert counter["add"] == nonzeros * 16 + 2 * 10 * 16


def test_the_stages_of_a_step_add_up_to_the_step() -> None:
    network = Network.initial(NetworkSpec.parse("64-30-10", batch=16), 1)
    stages = count_stages(network, DIGITS.train, seed=1, rate=3)
    assert list(stages) == list(Stage)
    assert {stage for stage, counter in stages.items() if not counter} == {Stage.POOL}


def test_what_no_stage_executes_is_refused() -> None:
    ledger = Ledger()
    array = ledger.enter(M.copy())
    with pytest.raises(RuntimeError, match="add outside of every stage"):
        array + 1
    with ledger.stage(Stage.UPDATE), ledger.stage(Stage.RANDOM):
        array + 1
    assert ledger.stages[Stage.RANDOM] == {"add": 12}
    assert not ledger.stages[Stage.UPDATE]


def test_an_operation_without_a_kind_has_no_tally() -> None:
    with pytest.raises(KeyError, match="arctan"):
        tally({"add": 1, "arctan": 1})


def test_a_multiplication_slipped_into_the_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from fewmult_hls.oracle import normalization

    honest = normalization.shift_round
    monkeypatch.setattr(normalization, "shift_round", lambda values, bits: honest(values * 1, bits))
    spec = NetworkSpec.parse("64-30-10", batch=16)
    split = Split(DIGITS.train.images[:16], DIGITS.train.labels[:16])
    stages = count_stages(Network.initial(spec, 1), split, seed=1, rate=3)
    counter = sum(stages.values(), Counter())
    # Sums and their means, forward and backward.
    assert counter["multiply"] == (30 + 10) * 16 + 30 + 30
    assert multiplications(counter) == counter["multiply"]
