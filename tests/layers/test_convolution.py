# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Nets with convolution and pooling: shifts, bounds, passes, and what is refused."""

from __future__ import annotations

from itertools import product as combinations
from typing import Any

import numpy as np
import pytest

from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.contract.calls import Layer, Pass, ShiftGradient
from fewmult_hls.contract.layouts import block_weights, pack_ternary, unblock_weights
from fewmult_hls.contract.limits import BATCHES, MAX_PLACES, PHASES, RATES
from fewmult_hls.contract.stages import Stage
from fewmult_hls.counting.executed import count_stages, tally
from fewmult_hls.counting.formulas import our_step
from fewmult_hls.layers.base import Image
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.layers.weighted import Weighted
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.steps import Moment, training_step
from fewmult_hls.nets.trainer import Trainer
from fewmult_hls.oracle.convolution import seen_places
from fewmult_hls.proof.speed import random_split
from fewmult_hls.system.errors import UsageError
from plain import random_bytes, rounded

PAPER = "3x32x32-128C3-128C3-P2-256C2-256C2-P2-512C2-512C2-P2-1024-1024-10"
BACKEND = OracleBackend()
INT32_MAX = 2**31 - 1
WORDS = ["64C3", "64C3p", "7281C3p", "65536C1", "300C5ps2", "512C2", "P2", "P3", "1C15p", "1C1"]


# --- words and shapes ---


def test_the_papers_net_has_its_shapes() -> None:
    plan = Plan.read(PAPER)
    assert [signal.image for signal in plan.signals] == [
        *(Image(3, 32, 32), Image(128, 30, 30), Image(128, 28, 28), Image(128, 14, 14)),
        *(Image(256, 13, 13), Image(256, 12, 12), Image(256, 6, 6)),
        *(Image(512, 5, 5), Image(512, 4, 4), Image(512, 2, 2)),
        *(Image(1024), Image(1024), Image(10)),
    ]
    assert sum(NetworkSpec(PAPER).layer_sizes) == 5_272_960


@pytest.mark.parametrize(
    ("word", "image"),
    [
        ("8C3", Image(8, 5, 7)),
        ("8C3p", Image(8, 7, 9)),
        ("8C3s2", Image(8, 3, 4)),
        ("8C3ps2", Image(8, 4, 5)),
        ("8C2", Image(8, 6, 8)),
        ("8C2p", Image(8, 7, 9)),
        ("8C1", Image(8, 7, 9)),
        ("P2", Image(3, 3, 4)),
        ("P3", Image(3, 2, 3)),
    ],
)
def test_what_a_word_makes_of_an_image(word: str, image: Image) -> None:
    plan = Plan.read(f"3x7x9-{word}-10")
    assert plan.signals[1].image == image
    assert plan.name == f"3x7x9-{word}-10"


def test_one_net_has_one_text() -> None:
    assert Plan.read("03x08x8-016C03p-P02-010").name == "3x8x8-16C3p-P2-10"


@pytest.mark.parametrize(
    ("net", "batch", "message"),
    [
        ("3x8x8-16C9-10", 16, "layer 1, 16C9: a window of 9x9 does not fit into 8x8 places"),
        ("3x8x8-16C3-P2-P2-P2-10", 16, "layer 4, P2: pooling by 2x2 does not fit into 1x1 places"),
        ("3x8x8-16C3-P7-10", 16, "layer 2, P7: pooling by 7x7 does not fit into 6x6 places"),
        ("64-16C3-10", 16, "layer 1, 16C3: a row of values has no places: begin the net with"),
        ("64-16C3p-10", 16, "layer 1, 16C3p: a row of values has no places"),
        ("64-P2-10", 16, "layer 1, P2: a row of values has no places"),
        ("3x8x8-P1-10", 16, "layer 1, P1: pooling is by 2 to 15"),
        ("3x8x8-0C3-10", 16, "layer 1, 0C3: a convolution has"),
        ("3x20x20-8C16-10", 16, "layer 1, 8C16: a convolution has 1 to 15 taps a side"),
        ("3x8x8-8000C3p-10", 16, "layer 1, 8000C3p: .* more than 65,536 terms"),
        ("9000x8x8-8C3p-10", 16, "layer 1, 8C3p: .* 9000 channels at 8x8 places, make sums"),
        ("1x2048x2048-2C3p-10", 16, "layer 1, 2C3p: it makes 8,388,608 values"),
        ("3x40x40-8C3p-10", 256, "layer 1, 8C3p: 1,600 places with a batch of 256 are more than"),
        ("3x300x300-10", 16, "layer 1, 10: every width must be 1 to 65536"),
        ("0x8x8-10", 16, "an image has 1 to 4,194,304 values"),
        ("3x3000x3000-8C3-10", 16, "an image has 1 to 4,194,304 values"),
        ("3x8x8-10-8C3", 16, "the last layer must be dense"),
        ("3x8x8-16C3-P2", 16, "the last layer must be dense"),
        ("3x8x8-16C3-257", 16, "at most 256 outputs"),
        ("3x8x8-16C-10", 16, "is not widths joined by dashes"),
        ("3x8-16C3-10", 16, "is not widths joined by dashes"),
        ("3x8x8-16C3s3-10", 16, "is not widths joined by dashes"),
        ("3x8x8-16c3-10", 16, "is not widths joined by dashes"),
    ],
)
def test_nets_that_cannot_be(net: str, batch: int, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        NetworkSpec(net, batch=batch)
    assert "\n" not in str(error.value)


def test_perturbation_needs_weights_in_the_first_layer() -> None:
    layers = NetworkSpec("3x8x8-P2-8C3-10", batch=16).layers
    with pytest.raises(UsageError, match="leave --perturb out"):
        training_step(layers, Moment(0), 0, perturbation=4)


# --- shifts and bounds ---


def random_net(random: np.random.Generator) -> NetworkSpec:
    """A net of some layers that fit, among them the largest."""
    while True:
        words = random.choice(WORDS, random.integers(1, 7))
        size = random.integers(1, 60, 2)
        batch = int(random.choice(BATCHES))
        kind, bits = random.choice(["ternary", "binary"]), int(random.choice([8, 16]))
        net = f"{random.integers(1, 5)}x{size[0]}x{size[1]}-{'-'.join(words)}-10"
        try:
            return NetworkSpec(net, kind.item(), bits, batch)
        except UsageError:
            continue


@pytest.mark.parametrize("seed", range(10))
def test_all_shifts_are_within_their_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(20):
        spec = random_net(random)
        for layer in spec.layers:
            if not layer.weights:
                continue
            assert isinstance(layer, Weighted)
            window, rates = layer.window, range(RATES[0] - PHASES, RATES[-1] + 1)
            gradient = 127 * 64 * spec.batch * window.result_places
            assert gradient + 2**24 - 1 <= INT32_MAX, (spec, layer)
            assert 0 <= layer.forward_shift <= 24 - 7
            assert 0 <= layer.delta_shift <= 24
            for rate in rates:
                shift = layer.update_shift(rate)
                assert -8 <= shift <= 24, (spec, layer, rate)
                assert gradient << max(-shift, 0) <= INT32_MAX - 2**15
                exponent = layer.hidden_bias_exponent(rate)
                sums = 127 * layer.sent_terms * spec.batch * window.places
                assert -24 <= exponent <= 24
                change = sums << exponent if exponent >= 0 else (sums >> -exponent) + 1
                assert change + 2**23 <= INT32_MAX, (spec, layer, rate)


def test_the_recipe_of_nets_with_a_convolution() -> None:
    """h of sections 10 and 14, worked out by hand."""
    spec = NetworkSpec("3x8x8-16C3p-P2-32C3p-P2-64-10", batch=128)
    weighted = [layer for layer in spec.layers if isinstance(layer, Weighted)]
    first, second, third, last = weighted
    # h(27) = 2, h(144) = 4, h(128) = 3, h(64) = 3: log2 of the root, rounded.
    shifts = [layer.forward_shift for layer in weighted]
    assert shifts == [2, 3, 3, 2]
    # h(min(9, 64) * 16 / 4) - 1 = h(36) - 1, h(9 * 32 / 4) - 1, h(64) - 1, h(10) - 1 + 1
    sent = [layer.delta_shift for layer in weighted]
    assert sent == [2, 2, 2, 2]
    assert last.delta_exponent == -5
    assert third.delta_exponent == -5 - 2 + 5 - 6 + 2
    assert second.delta_exponent == third.delta_exponent - 3 + 2
    assert first.delta_exponent == second.delta_exponent - 3 + 2
    for layer, fraction, rate in ((first, 7, 1), (second, 5, 1), (last, 5, -1)):
        wanted = fraction - layer.delta_exponent - 16 - rate + 7
        assert layer.update_shift(1) == wanted


def test_weights_start_wide() -> None:
    network = Network.initial(NetworkSpec("3x8x8-64C3p-256-10"), 1)
    clip = 13 << 11
    for weights in network.weights[:2]:
        assert (weights.min(), weights.max()) == (-clip, clip)
        assert 0.15 < (np.abs(weights.astype(np.int64)) == clip).mean() < 0.22  # 3/16


# --- passes ---

BATCH = 16


def passes(**changes: Any) -> dict[str, Any]:
    """What calls on an image of 5 x 4 places have."""
    window = {"channels": 3, "rows": 5, "columns": 4, "tap_rows": 3, "tap_columns": 3}
    sizes = {"inputs": 27, "outputs": 6, "log2_batch": 4, "padded": True, **window}
    return {**sizes, "seed": 9, "step": 7, **changes}


def sample(random: np.random.Generator) -> tuple[Any, Any, Any]:
    weights = random.integers(-1, 2, (6, 27)).astype(np.int8)
    sign, mask = (words[None] for words in pack_ternary(weights))
    return weights, sign, mask


def seen(image: Any, stride: int = 1) -> Any:
    """(27, places, batch), by loops."""
    wide = np.zeros((7, 6, 3, BATCH), np.int64)
    wide[1:6, 1:5] = image.reshape(5, 4, 3, BATCH)
    places = [
        wide[r : r + 3, q : q + 3].reshape(27, BATCH)
        for r, q in combinations(range(0, 5, stride), range(0, 4, stride))
    ]
    return np.stack(places, axis=1)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_hidden_pass_takes_means_per_place_and_biases_per_channel(stride: int) -> None:
    random = np.random.default_rng(1)
    weights, sign, mask = sample(random)
    image = random.integers(-127, 128, (60, BATCH)).astype(np.int8)
    bias = random.integers(-(1 << 18), 1 << 18, 6).astype(np.int32)
    places = 20 if stride == 1 else 6
    mean, result = np.zeros(places * 6, np.int32), np.zeros((places * 6, BATCH), np.int8)
    call = Layer(
        pass_=Pass.HIDDEN, source=image, sign=sign, mask=mask, bias=bias, mean=mean,
        result=result, shift=3, **passes(stride=stride),
    )  # fmt: skip
    BACKEND.run(call)
    z = np.einsum("ji,ipb->pjb", weights.astype(np.int64), seen(image.astype(np.int64), stride))
    mu = rounded(z.sum(axis=2), BATCH)
    y = rounded(z - mu[..., None], 8) + (bias >> 11)[None, :, None]
    assert np.array_equal(mean, mu.ravel())
    assert np.array_equal(result, np.clip(y, 0, 127).reshape(-1, BATCH))


def test_a_backward_pass_sums_biases_over_places() -> None:
    random = np.random.default_rng(2)
    weights, sign, mask = sample(random)
    gate = random.integers(0, 128, (60, BATCH)).astype(np.int8)
    deltas = random.integers(-127, 128, (120, BATCH)).astype(np.int8)
    bias, result = np.zeros(3, np.int32), np.zeros((60, BATCH), np.int8)
    call = Layer(
        pass_=Pass.BACKWARD, source=deltas, sign=sign, mask=mask, bias=bias, gate=gate,
        result=result, shift=5, bias_exponent=2, purpose=4 + 256, **passes(),
    )  # fmt: skip
    BACKEND.run(call)
    g = np.zeros((60, BATCH), np.int64)
    for row in range(60):
        one = np.zeros((60, BATCH), np.int64)
        one[row] = 1
        z = np.einsum("ji,ipb->pjb", weights.astype(np.int64), seen(one))
        g[row] = (z.reshape(120, BATCH) * deltas).sum(axis=0)
    g[(gate == 0) | (gate == 127)] = 0
    drawn = random_bytes((9, 4 + 256), (60, BATCH), 7) >> 3
    centred = g - rounded(g.sum(axis=1), BATCH)[:, None]
    assert np.array_equal(result, np.clip((centred + drawn) >> 5, -127, 127))
    assert np.array_equal(bias, -4 * g.reshape(20, 3, BATCH).sum(axis=(0, 2)))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_an_update_takes_the_gradient_over_all_places(signed: bool, bits: int) -> None:
    random = np.random.default_rng(3)
    old = random.integers(-(13 << (bits - 5)), (13 << (bits - 5)) + 1, (6, 27))
    image = random.integers(-127 if signed else 0, 128, (60, BATCH)).astype(np.int8)
    deltas = random.integers(-127, 128, (120, BATCH)).astype(np.int8)
    weights = block_weights(old.astype(f"int{bits}"))
    call = ShiftGradient(
        weights=weights, sign=np.zeros((1, 1, 6), np.uint64), mask=np.zeros((1, 1, 6), np.uint64),
        x=image, deltas=deltas, master_bits=bits, shift=-1, binary=False, code_purpose=3,
        weight_purpose=2, signed_inputs=signed, **passes(),
    )  # fmt: skip
    BACKEND.run(call)
    drawn = random_bytes((9, 3), (60, BATCH), 7)
    size = np.abs(image.astype(np.int64))
    k = np.floor(np.log2(np.maximum(size, 1))).astype(np.int64)
    code = np.where(size > 1, k + (size - (1 << k) > drawn >> (8 - k)), drawn < 128)
    worth = np.where((size == 0) | (code == 0), 0, np.sign(image) * (1 << np.maximum(code - 1, 0)))
    each = np.einsum("pjb,ipb->ji", deltas.reshape(20, 6, BATCH).astype(np.int64), seen(worth))
    clip = 13 << (bits - 5)
    assert np.array_equal(unblock_weights(weights, 27), np.clip(old - 2 * each, -clip, clip))


def test_the_largest_gradient_fits() -> None:
    """127 * 64 for each of 2**18 places and examples, and the largest rounding term."""
    x = np.full((1024, 256), 127, np.int8)
    weights = np.zeros((1, 1, 64), np.int16)
    call = ShiftGradient(
        weights=weights, sign=np.zeros((1, 1, 1), np.uint64), mask=np.zeros((1, 1, 1), np.uint64),
        x=x, deltas=x, master_bits=16, shift=24, binary=False, code_purpose=3, weight_purpose=2,
        inputs=1, outputs=1, log2_batch=8, channels=1, rows=32, columns=32, tap_rows=1,
        tap_columns=1, seed=1, step=0,
    )  # fmt: skip
    assert call.window.result_places * call.batch == MAX_PLACES
    BACKEND.run(call)
    assert -128 <= weights[0, 0, 0] < -100


def test_a_dense_layer_behind_an_image_is_a_window_of_all_of_it() -> None:
    """It leaves what a convolution with such a window leaves."""
    prints = []
    for word in ("12", "12C4"):
        spec = NetworkSpec(f"2x6x6-8C3-{word}-5", batch=BATCH)
        layer = spec.layers[1]
        assert isinstance(layer, Weighted)
        assert seen_places(layer.window).tolist() == [[k] for k in range(16)]
        trainer = Trainer(BACKEND, Network.initial(spec, 1), 1)
        split = random_split(BATCH, spec.features, spec.classes)
        for _ in range(3):
            trainer.step(split, np.arange(BATCH), 1, 2)
        state = trainer.network().state
        prints.append([state[name].tobytes() for name in state])
    assert prints[0] == prints[1]


NETS = [
    "3x9x7-4C3ps2-P2-5-10",
    "1x6x6-3C3-P2-2C2p-10",
    "2x5x5-7-10",
    "2x7x7-P2-4C1-P3-10",
    "1x1x1-2C1p-3-4",
    "5x4x4-3C5ps2-70C2-10",
]


def ones(words: Any) -> int:
    return sum(int(word).bit_count() for word in words.ravel())


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    ("kind", "bits", "perturbation"), [("ternary", 16, 0), ("binary", 8, 0), ("binary", 8, 4)]
)
def test_operations_by_formula_are_those_of_a_step(
    net: str, kind: Any, bits: int, perturbation: int
) -> None:
    """Of nets of all sorts; that the step executes shows that no sum leaves its 32 bits."""
    spec = NetworkSpec(net, kind, bits, BATCH)
    if perturbation and not spec.layers[0].weights:
        pytest.skip("its first layer moves no inputs")
    split = random_split(BATCH, spec.features, spec.classes)
    network = Network.initial(spec, 1, split.images)
    counted, nonzeros = count_stages(network, split, 1, 8, perturbation), None
    if kind == "ternary":  # binary samples have no zeros
        memory = Trainer(BACKEND, network, 1)._memory
        nonzeros = [
            ones(memory.array(f"mask_{layer.index}")) if layer.weights else 0
            for layer in spec.layers
        ]
    formula = our_step(spec, 8, nonzeros, perturbation)
    for stage in Stage:
        assert formula[stage] == tally(counted[stage]), stage


@pytest.mark.parametrize("net", NETS)
def test_nets_of_all_sorts_learn_one_batch_by_heart(net: str) -> None:
    """The hinge falls, whatever shapes there are."""
    spec = NetworkSpec(net, batch=BATCH)
    split = random_split(BATCH, spec.features, spec.classes)
    trainer = Trainer(BACKEND, Network.initial(spec, 1, split.images), 1)
    losses = [trainer.step(split, np.arange(BATCH), 1, 2) for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
