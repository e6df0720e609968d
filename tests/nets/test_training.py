# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkout import SUPPORT
from fewmult_hls.backends import open_backend
from fewmult_hls.contract.backend import Backend
from fewmult_hls.contract.calls import LoadBatch
from fewmult_hls.contract.layouts import unpack_bits, unpack_ternary
from fewmult_hls.datasets import Split, load
from fewmult_hls.models.model import Model, load_model, save_model
from fewmult_hls.nets.evaluator import (
    Evaluator,
    binary_planes,
    eight_bit_planes,
    evaluator,
    ternary_planes,
)
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Epoch, Schedule, Trainer, train_epochs
from fewmult_hls.oracle.draws import shuffle
from fewmult_hls.proof.parity import train_briefly
from plain import random_halves, rounded

EMU, ORACLE = open_backend("emu"), open_backend("numpy")
DIGITS = load("digits")
SPEC = NetworkSpec.parse("64-100-10", batch=16)


def first(split: Split, samples: int) -> Split:
    return Split(split.images[:samples], split.labels[:samples])


def train(
    spec: NetworkSpec, split: Split, seed: int = 1, epochs: int = 2, backend: Backend = EMU
) -> tuple[Network, list[Epoch]]:
    trainer = Trainer(backend, Network.initial(spec, seed), seed)
    log = list(train_epochs(trainer, split, Schedule(epochs, first_rate=3)))
    return trainer.network(), log


@pytest.fixture(scope="module")
def trained() -> dict[str, Network]:
    kinds = ("ternary", "binary")
    return {kind: train(replace(SPEC, weights=kind), DIGITS.train, epochs=12)[0] for kind in kinds}


# --- a whole training ---


@pytest.mark.slow
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["ternary", "binary"])
@pytest.mark.parametrize(
    ("net", "batch", "samples"),
    [
        ("64-10", 16, 160),
        ("64-10", 256, 600),
        ("64-65-33-10", 16, 100),
        ("64-1-3-10", 32, 100),
        ("64-257-10", 256, 512),
    ],
)
def test_both_backends_leave_one_fingerprint(
    net: str, batch: int, samples: int, kind: Any, bits: int
) -> None:
    spec = NetworkSpec.parse(net, weights=kind, master_bits=bits, batch=batch)
    split = first(DIGITS.train, samples)
    (mine, log), (theirs, other_log) = (train(spec, split, backend=b) for b in (EMU, ORACLE))
    assert mine.fingerprint == theirs.fingerprint != Network.initial(spec, 1).fingerprint
    assert [epoch.hinge for epoch in log] == [epoch.hinge for epoch in other_log]


# A change of these is a change of the contract: docs/arithmetic.md first, with a measurement.
@pytest.mark.parametrize(
    ("binary", "bits", "fingerprint"),
    [
        (False, 16, "9b85e535d192a984baf23022826c081838d66c9f4cd62164ef5f957348fb7909"),
        (False, 8, "abd7ba004d656b6ee965316cea8b4b0bed15533e4b986810f42d841e5497bb98"),
        (True, 16, "3439d26e1276be106a7252a1f7af121d8913d2eb3675ac2fe7f9154158de21c9"),
        (True, 8, "20d81720d7c659d8a610ee11804b05c33c1fdebc22eebf3be0c5f960d44fc5b5"),
    ],
)
def test_the_contract_stands(binary: bool, bits: int, fingerprint: str) -> None:
    assert train_briefly(EMU, DIGITS, binary, bits) == fingerprint


@pytest.mark.slow
def test_a_seed_is_the_whole_difference_between_two_processes() -> None:
    script = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(SUPPORT)]!r}\n"
        "from test_training import *\n"
        "for seed in (1, 2): print(train(SPEC, DIGITS.train, seed)[0].fingerprint)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    one, two = runs[0].stdout.split()
    assert runs[1].stdout == runs[0].stdout
    assert one != two
    assert one == train(SPEC, DIGITS.train, 1)[0].fingerprint


@pytest.mark.parametrize("kind", ["ternary", "binary"])
def test_a_small_net_learns(trained: dict[str, Network], kind: str) -> None:
    for precision in trained[kind].spec.precisions:
        judge, _ = evaluator(EMU, trained[kind], precision, DIGITS.train.images)
        assert judge.error(DIGITS.validation) < 10


def test_the_hinge_falls() -> None:
    _, log = train(SPEC, DIGITS.train, epochs=3)
    assert log[0].hinge > log[1].hinge > log[2].hinge > 0


def test_an_epoch_is_its_shuffled_whole_batches() -> None:
    split = first(DIGITS.train, 16 * 4 + 15)
    network, log = train(SPEC, split, seed=3, epochs=2)
    assert [epoch.step for epoch in log] == [4, 8]
    by_hand = Trainer(EMU, Network.initial(SPEC, 3), 3)
    losses = []
    for epoch, rate in ((0, 3), (1, 0)):
        order = shuffle(3, epoch, 79)[:64].reshape(4, 16)
        losses.append(sum(by_hand.step(split, b, rate) for b in order))
    assert by_hand.network().fingerprint == network.fingerprint
    assert [epoch.hinge for epoch in log] == [loss / 64 / 64 for loss in losses]


def test_training_goes_on_where_it_stopped() -> None:
    split = first(DIGITS.train, 64)
    batches = np.arange(64).reshape(4, 16)
    whole = Trainer(EMU, Network.initial(SPEC, 1), 1)
    for chosen in batches:
        whole.step(split, chosen, 3)
    parts = Trainer(EMU, Network.initial(SPEC, 1), 1)
    for chosen in batches:
        parts = Trainer(EMU, parts.network(), 1, parts.step_number)
        parts.step(split, chosen, 3)
    assert parts.network().fingerprint == whole.network().fingerprint


@pytest.mark.parametrize("name", ["numpy", "emu"])
@pytest.mark.parametrize("features", [63, 64, 65])
def test_a_state_that_was_taken_stays_as_it_was(name: str, features: int) -> None:
    """Of 64 inputs, the kernels' layout is that of the host: a view would go on learning."""
    spec = NetworkSpec(f"{features}-64-10", batch=16)
    learner = Trainer(open_backend(name), Network.initial(spec, 1), 1)
    taken = learner.network()
    before = taken.fingerprint
    images = np.random.default_rng(1).integers(0, 256, (16, features)).astype(np.uint8)
    learner.step(Split(images, np.arange(16, dtype=np.uint8) % 10), np.arange(16), 3)
    assert learner.network().fingerprint != before
    assert taken.fingerprint == before


@pytest.mark.parametrize(
    ("epochs", "rates"),
    [
        (1, [3]),
        (2, [3, 0]),
        (5, [3, 2, 1, 0, -1]),
        (6, [3, 2, 1, 0, -1, -2]),
        (12, [3, 3, 2, 2, 1, 1, 0, 0, -1, -1, -2, -2]),
        (7, [3, 3, 2, 1, 0, -1, -2]),
    ],
)
def test_the_learning_rate_halves_in_every_sixth_of_a_run(epochs: int, rates: list[int]) -> None:
    assert [Schedule(epochs, 3).rate(epoch) for epoch in range(epochs)] == rates


@pytest.mark.parametrize(
    ("sharpen", "wanted"),
    [
        (0, [0, 0, 0, 0, 0, 0]),
        (1, [0, 0, 0, 0, 0, 1]),
        (3, [0, 0, 0, 1, 2, 3]),
        (5, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_samples_are_sharpened_in_the_last_phases(sharpen: int, wanted: list[int]) -> None:
    assert [Schedule(12, 3, sharpen).sharpness(epoch) for epoch in range(0, 12, 2)] == wanted


@pytest.mark.parametrize("kind", ["ternary", "binary"])
@pytest.mark.parametrize("bits", [8, 16])
def test_sharpened_adversarial_training_has_the_oracles_bits(kind: str, bits: int) -> None:
    spec = NetworkSpec.parse("64-65-30-10", batch=32, weights=kind, master_bits=bits)
    split, schedule = first(DIGITS.train, 100), Schedule(6, first_rate=3, sharpen=3)
    prints = []
    for backend in (EMU, ORACLE):
        trainer = Trainer(backend, Network.initial(spec, 1), 1, perturbation=16)
        log = list(train_epochs(trainer, split, schedule))
        prints.append(trainer.network().fingerprint)
    assert prints[0] == prints[1]
    assert log[-1].step == 6 * 3 * 2


def array(trainer: Trainer, name: str) -> Any:
    return trainer._memory.array(name)


def test_an_adversarial_step_moves_every_input_towards_a_higher_loss() -> None:
    trainer = Trainer(ORACLE, Network.initial(SPEC, 1), 1, perturbation=16)
    chosen = np.arange(16)
    sample = unpack_ternary(array(trainer, "sign_0")[0], array(trainer, "mask_0")[0], 64)
    trainer.step(DIGITS.train, chosen, rate=3)
    x = (DIGITS.train.images[chosen] >> 1).T.astype(int)
    ordinary = Trainer(ORACLE, Network.initial(SPEC, 1), 1)
    ordinary.step(DIGITS.train, chosen, rate=3)
    direction = np.sign(sample.T.astype(int) @ array(ordinary, "deltas_0").astype(int))
    assert {-1, 0, 1} >= set(np.unique(direction)) > {0}
    moved = np.clip(x + 16 * direction, 0, 127)
    np.testing.assert_array_equal(array(trainer, "moved"), moved)


def test_a_new_sharpness_samples_anew() -> None:
    """The sample depends on (weights, seed, step, sharpness) alone, so a run can be resumed."""
    split = first(DIGITS.train, 64)
    batches, sharpnesses = np.arange(64).reshape(4, 16), (0, 1, 1, 2)
    whole = Trainer(EMU, Network.initial(SPEC, 1), 1)
    parts = Trainer(EMU, Network.initial(SPEC, 1), 1)
    unsharpened = Trainer(EMU, Network.initial(SPEC, 1), 1)
    for chosen, sharpness in zip(batches, sharpnesses, strict=True):
        whole.step(split, chosen, 3, sharpness)
        parts = Trainer(EMU, parts.network(), 1, parts.step_number)
        parts.step(split, chosen, 3, sharpness)
        unsharpened.step(split, chosen, 3)
    assert parts.network().fingerprint == whole.network().fingerprint
    assert unsharpened.network().fingerprint != whole.network().fingerprint


@pytest.mark.parametrize("features", [1, 5, 16, 33])
@pytest.mark.parametrize("backend", [EMU, ORACLE], ids=["emu", "numpy"])
def test_inputs_are_half_the_pixels_of_chosen_images(backend: Backend, features: int) -> None:
    images = (np.arange(40 * features) % 256).astype(np.uint8).reshape(40, features)
    chosen = (np.arange(32) * 7) % 40
    inputs = np.full((features, 32), -1, np.int8)
    backend.run(LoadBatch(images=images, chosen=chosen, x=inputs))
    assert np.array_equal(inputs, images[chosen].T // 2)


@pytest.mark.parametrize(("places", "channels", "batch"), [(1, 1, 16), (35, 3, 32), (400, 3, 256)])
@pytest.mark.parametrize("backend", [EMU, ORACLE], ids=["emu", "numpy"])
def test_signed_inputs_are_half_of_what_is_left(
    backend: Backend, places: int, channels: int, batch: int
) -> None:
    random = np.random.default_rng(2)
    images = random.integers(0, 256, (40, places * channels)).astype(np.uint8)
    images[::3] = 255 * (images[::3] >> 7)
    offsets = np.array([255, 0, 130][:channels], np.uint8)
    chosen = random.integers(0, 40, batch)
    inputs = np.full((places * channels, batch), -1, np.int8)
    backend.run(LoadBatch(images=images, chosen=chosen, x=inputs, offsets=offsets))
    left = (images[chosen].astype(int) - np.tile(offsets, places)) // 2
    np.testing.assert_array_equal(inputs, np.maximum(left, -127).T)


@pytest.mark.parametrize("bits", [8, 16])
def test_initial_weights_are_the_top_bits_of_their_draw(bits: int) -> None:
    network = Network.initial(NetworkSpec.parse("100-70-10", master_bits=bits), 5)
    for layer, weights in enumerate(network.weights):
        outputs, inputs = weights.shape
        drawn = random_halves((5, 1 + 256 * layer), (inputs + 63) // 64, outputs, step=0)
        drawn = drawn.transpose(1, 0, 2).reshape(outputs, -1)[:, :inputs]
        assert np.array_equal(weights, drawn // 2 ** (17 - bits) - 2 ** (bits - 2))


def test_initial_weights_fill_the_inner_half_and_know_their_layer() -> None:
    spec = NetworkSpec.parse("512-512-512-10")
    for bits in (8, 16):
        network = Network.initial(replace(spec, master_bits=bits), 1)
        half = 1 << (bits - 2)
        for weights in network.weights[:2]:
            assert weights.min() >= -half
            assert weights.max() < half
            assert weights.min() < -half * 0.99 + 1
            assert weights.max() > half * 0.99 - 2
            assert abs(weights.mean() + 0.5) < half / 100
        assert not np.array_equal(network.weights[0], network.weights[1])
        assert not any(bias.any() for bias in network.biases)


# --- the model file and its fingerprint ---


def test_model_makes_the_round_trip(trained: dict[str, Network], tmp_path: Path) -> None:
    network = trained["binary"]
    means = {
        precision: evaluator(EMU, network, precision, DIGITS.train.images)[1]
        for precision in network.spec.precisions
    }
    save_model(tmp_path / "model.npz", Model(network, means))
    back = load_model(tmp_path / "model.npz")
    assert back.network.spec == network.spec
    assert back.network.fingerprint == network.fingerprint
    for name in ("weights", "biases"):
        for mine, theirs in zip(getattr(network, name), getattr(back.network, name), strict=True):
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs)
    for precision, arrays in means.items():
        for mine, theirs in zip(arrays, back.means[precision], strict=True):
            assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("bits", [8, 16])
def test_fingerprint_is_the_documented_sha_256(tmp_path: Path, bits: int) -> None:
    spec = NetworkSpec.parse("64-9-10", master_bits=bits, batch=16)
    network, _ = train(spec, first(DIGITS.train, 64))
    assert any(bias.any() for bias in network.biases)
    save_model(tmp_path / "model.npz", Model(network, {}))
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    data = b"fewmult-hls state 1\n"
    for number in (bits, 3, 64, 9, 10):
        data += number.to_bytes(4, "little")
    for layer in range(2):
        for row in arrays[f"weights_{layer}"].tolist():
            data += b"".join(w.to_bytes(bits // 8, "little", signed=True) for w in row)
        data += b"".join(
            b.to_bytes(4, "little", signed=True) for b in arrays[f"bias_{layer}"].tolist()
        )
    assert hashlib.sha256(data).hexdigest() == network.fingerprint == str(arrays["fingerprint"])


def test_every_number_counts_for_the_fingerprint() -> None:
    network = Network.initial(SPEC, 1)
    seen = {network.fingerprint}
    for array in (*network.weights, *network.biases):
        for at in (0, -1):
            array.flat[at] ^= 1
            seen.add(network.fingerprint)
            array.flat[at] ^= 1
    assert len(seen) == 1 + 2 * 4
    assert network.fingerprint in seen


# --- evaluation ---


@pytest.mark.parametrize("master", [np.int8, np.int16])
def test_planes_hold_the_weights_that_they_stand_for(master: Any) -> None:
    bits = np.dtype(master).itemsize * 8
    clip = 13 << (bits - 5)
    weights = np.arange(-clip, clip + 1, dtype=master)[None]
    inputs = weights.shape[1]
    total = np.zeros(weights.shape, np.int64)
    for sign, mask in zip(*eight_bit_planes(weights), strict=True):
        minus, there = unpack_bits(sign, inputs), unpack_bits(mask, inputs)
        assert not (minus & ~there).any()
        total = 2 * total + np.where(minus, -1, 1) * there
    wide = weights.astype(np.int64)
    assert np.array_equal(total, np.sign(wide) * rounded(np.abs(wide), 1 << (bits - 8)))
    (sign,), (mask,) = binary_planes(weights)
    assert unpack_bits(mask, inputs).all()
    assert np.array_equal(unpack_bits(sign, inputs), wide < 0)
    (sign,), (mask,) = ternary_planes(weights)
    half = 1 << (bits - 2)
    assert np.array_equal(unpack_bits(mask, inputs), np.abs(wide) > half)
    assert np.array_equal(unpack_bits(sign, inputs), wide < -half)


def plain_logits(
    network: Network, precision: str, images: np.ndarray, means: list[Any] | None
) -> tuple[np.ndarray, list[Any]]:
    """Logits (samples, classes), and means; without given means, those of the batch."""
    spec, x, used = network.spec, images.T.astype(np.int64) >> 1, []
    one = 1 << (spec.master_bits - 1)
    for layer in spec.layers:
        w = network.weights[layer.index].astype(np.int64)
        if precision == "ternary":
            w, scale = np.sign(w) * (2 * np.abs(w) > one), 1
        elif precision == "binary":
            w, scale = np.where(w < 0, -1, 1), 1
        else:
            w, scale = np.sign(w) * rounded(np.abs(w), one // 128), 128
        z, divisor = w @ x, scale * 2**layer.forward_shift
        bias = network.biases[layer.index][:, None]
        if layer.is_output:
            return (rounded(z, divisor) + bias // 2**10).T, used
        mean = rounded(z.sum(axis=1), z.shape[1]) if means is None else means[layer.index]
        used.append(mean)
        x = np.clip(rounded(z - mean[:, None], divisor) + bias // 2**11, 0, 127)
    raise AssertionError


@pytest.mark.parametrize(
    ("kind", "precision"),
    [("ternary", "8-bit"), ("ternary", "ternary"), ("binary", "8-bit"), ("binary", "binary")],
)
@pytest.mark.parametrize("backend", [EMU, ORACLE], ids=["emu", "numpy"])
def test_logits_are_those_of_plain_arithmetic(
    trained: dict[str, Network], backend: Any, kind: str, precision: Any
) -> None:
    network, images = trained[kind], DIGITS.train.images[:100]
    judge, means = evaluator(backend, network, precision, images)
    # 100 images are 6 batches: the means are taken from 4 of them.
    taken = [plain_logits(network, precision, images[k : k + 16], None)[1] for k in (0, 16, 32, 48)]
    for layer, mean in enumerate(means):
        assert np.array_equal(mean, rounded(sum(batch[layer] for batch in taken), 4))
    expected, _ = plain_logits(network, precision, images, means)
    assert np.array_equal(judge.logits(images), expected)


def test_an_incomplete_last_batch_changes_nothing(trained: dict[str, Network]) -> None:
    network = trained["ternary"]
    judge, means = evaluator(EMU, network, "8-bit", DIGITS.train.images)
    images = DIGITS.test.images[:64]
    whole = judge.logits(images)
    for samples in (1, 15, 17, 63):
        assert np.array_equal(judge.logits(images[:samples]), whole[:samples])
    wider = Network(replace(network.spec, batch=256), network.state)
    assert np.array_equal(Evaluator(EMU, wider, "8-bit", means).logits(images), whole)


def test_error_is_the_share_of_wrong_classes(trained: dict[str, Network]) -> None:
    judge, _ = evaluator(EMU, trained["ternary"], "ternary", DIGITS.train.images)
    images = DIGITS.test.images[:40]
    classes = judge.logits(images).argmax(axis=1).astype(np.uint8)
    assert judge.error(Split(images, classes)) == 0
    wrong = classes.copy()
    wrong[3:8] = (wrong[3:8] + 1) % 10
    assert judge.error(Split(images, wrong)) == 100 * 5 / 40


def test_evaluation_leaves_the_network_alone(trained: dict[str, Network]) -> None:
    network = trained["ternary"]
    before = network.fingerprint
    judge, means = evaluator(EMU, network, "8-bit", DIGITS.train.images)
    kept = [mean.copy() for mean in means]
    judge.error(DIGITS.validation)
    assert network.fingerprint == before
    assert all(np.array_equal(a, b) for a, b in zip(means, kept, strict=True))
