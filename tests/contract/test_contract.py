# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The bounds of docs/arithmetic.md, attacked with the worst values that they admit."""

from typing import Any

import numpy as np
import pytest

import kernel_calls
from fewmult_hls.backends import open_backend
from fewmult_hls.contract.calls import Pass
from fewmult_hls.contract.layouts import block_weights, unblock_weights, word_columns
from fewmult_hls.contract.limits import BATCHES, PHASES, RATES
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.oracle.gradient import shift_gradient
from fewmult_hls.oracle.integers import fits_int32
from fewmult_hls.oracle.normalization import stepped_bias
from fewmult_hls.oracle.products import planes_matmul
from kernel_calls import epilogue, product, update
from levels import EMU, emu_setting  # noqa: F401

ORACLE = open_backend("numpy")
BOTH = pytest.mark.parametrize("backend", [EMU, ORACLE], ids=["emu", "numpy"])
SIGNS = pytest.mark.parametrize("minus", [False, True], ids=["plus", "minus"])

WIDTH = 65_536
LARGEST = 127 * WIDTH  # of a one-plane product
LARGEST_OF_PLANES = 127 * LARGEST
BIAS_MAX = 1 << 23
INT32_MAX = 2**31 - 1


def full_words(inputs: int, outputs: int, planes: int, *, minus: bool) -> dict[str, Any]:
    ones = np.full((planes, word_columns(inputs), outputs), 2**64 - 1, np.uint64)
    return {"sign": ones if minus else np.zeros_like(ones), "mask": ones}


@pytest.mark.slow
@BOTH
@SIGNS
@pytest.mark.parametrize(("planes", "batch"), [(1, 256), (7, 16)])
def test_widest_forward_product(backend: Any, minus: bool, planes: int, batch: int) -> None:
    x, z = np.full((WIDTH, batch), 127, np.int8), np.zeros((1, batch), np.int32)
    words = full_words(WIDTH, 1, planes, minus=minus)
    backend.run(product(x, **words, z=z, inputs=WIDTH))
    assert set(z.ravel().tolist()) == {(-1) ** minus * LARGEST * (2**planes - 1)}


@pytest.mark.slow
@BOTH
@SIGNS
@pytest.mark.parametrize("delta", [-127, 127])
def test_widest_transposed_product(backend: Any, minus: bool, delta: int) -> None:
    d, g = np.full((WIDTH, 256), delta, np.int8), np.zeros((1, 256), np.int32)
    words = full_words(1, WIDTH, 1, minus=minus)
    backend.run(product(d, **words, z=g, inputs=1, transposed=True))
    assert set(g.ravel().tolist()) == {(-1) ** minus * delta * WIDTH}


@pytest.mark.slow
@BOTH
def test_widest_hidden_layer_with_seven_planes_takes_its_mean_in_more_than_32_bits(
    backend: Any,
) -> None:
    x = np.full((WIDTH, 256), 127, np.int8)
    x[:, 0] = 0
    mean, result = np.zeros(1, np.int32), np.zeros((1, 256), np.int8)
    arrays = {"bias": np.zeros(1, np.int32), "result": result, "mean": mean}
    words = full_words(WIDTH, 1, 7, minus=True)
    backend.run(kernel_calls.layer(Pass.HIDDEN, x, **words, shift=24, inputs=WIDTH, **arrays))
    total = -255 * LARGEST_OF_PLANES
    assert total < -INT32_MAX
    assert mean[0] == (total + 128) // 256
    assert result[0].tolist() == [round(-mean[0] / 2**24), *[0] * 255]


@BOTH
@pytest.mark.parametrize("shift", [0, 1, 24])
def test_sums_and_means_of_opposite_ends(backend: Any, shift: int) -> None:
    z = np.array([[LARGEST_OF_PLANES] * 16, [-LARGEST_OF_PLANES] * 16], np.int32)
    mean, result = -z[:, 0].copy(), np.zeros((2, 16), np.int8)
    bias = np.array([-BIAS_MAX, BIAS_MAX], np.int32)
    backend.run(epilogue(Pass.HIDDEN_MEAN, z, shift, bias=bias, result=result, mean=mean))
    far = (2 * LARGEST_OF_PLANES + (1 << shift >> 1)) // 2**shift - 2**12
    assert result[0].tolist() == [min(max(far, 0), 127)] * 16
    near = (-2 * LARGEST_OF_PLANES + (1 << shift >> 1)) // 2**shift + 2**12
    assert result[1].tolist() == [min(max(near, 0), 127)] * 16


@BOTH
@pytest.mark.parametrize("end", [-LARGEST_OF_PLANES, LARGEST_OF_PLANES])
@pytest.mark.parametrize("shift", [0, 7, 24])
def test_largest_logits(backend: Any, end: int, shift: int) -> None:
    z, logits = np.full((1, 16), end, np.int32), np.zeros((1, 16), np.int32)
    bias = np.full(1, BIAS_MAX if end > 0 else -BIAS_MAX, np.int32)
    backend.run(epilogue(Pass.LOGITS, z, shift, bias=bias, logits=logits))
    expected = (end + (1 << shift >> 1)) // 2**shift + int(bias[0]) // 2**10
    assert set(logits.ravel().tolist()) == {expected}


@BOTH
def test_largest_loss(backend: Any) -> None:
    z = np.full((256, 256), LARGEST, np.int32)  # wrong with certainty
    labels, loss = np.zeros(256, np.uint8), np.zeros(1, np.int32)
    z[0] = -LARGEST
    deltas, bias = np.zeros((256, 256), np.int8), np.zeros(256, np.int32)
    logits = np.zeros((256, 256), np.int32)
    arrays = {"bias": bias, "result": deltas, "logits": logits, "labels": labels, "loss": loss}
    backend.run(epilogue(Pass.OUTPUT, z, 0, -24, **arrays))
    assert deltas[:2, 0].tolist() == [-127, 127]
    assert loss[0] == 127 * 256 * 256


@BOTH
@SIGNS
@pytest.mark.parametrize("exponent", [-24, -1, 0])
def test_largest_bias_gradient_of_a_hidden_layer(backend: Any, minus: bool, exponent: int) -> None:
    sign = (-1) ** minus
    g, gate = np.full((1, 256), sign * LARGEST, np.int32), np.full((1, 256), 1, np.int8)
    bias, result = np.full(1, -sign * 100, np.int32), np.ones((1, 256), np.int8)
    arrays = {"bias": bias, "result": result, "gate": gate}
    backend.run(epilogue(Pass.BACKWARD, g, 24, exponent, (1, 4), 1, **arrays))
    total = sign * 256 * LARGEST
    change = total if exponent == 0 else (total + (1 << -exponent >> 1)) >> -exponent
    assert bias[0] == min(max(-sign * 100 - change, -BIAS_MAX), BIAS_MAX)
    assert not result.any()  # the mean is all there is


@BOTH
@pytest.mark.parametrize("low", [0, 64])
def test_deltas_at_the_far_end_of_a_sum(backend: Any, low: int) -> None:
    g = np.full((1, 256), -LARGEST, np.int32)
    g[0, low : low + 16] = LARGEST
    result, bias = np.zeros((1, 256), np.int8), np.zeros(1, np.int32)
    gate = np.full((1, 256), 126, np.int8)
    for shift in (0, 16, 24):
        arrays = {"bias": bias, "result": result, "gate": gate}
        backend.run(epilogue(Pass.BACKWARD, g, shift, -24, (1, 4), 1, **arrays))
        spread = np.where(g > 0, LARGEST, -LARGEST) - (-224 * LARGEST // 256)
        expected = np.clip(spread / 2**shift, -127, 127)
        assert np.abs(result - expected).max() < 1
        assert shift == 24 or np.array_equal(np.sign(result), np.sign(expected))


@BOTH
@SIGNS
def test_biases_are_driven_into_their_clip(backend: Any, minus: bool) -> None:
    sign = (-1) ** minus
    target = np.zeros(256, np.uint8)
    z = np.full((2, 256), -sign * 10_000, np.int32)
    arrays = {
        "bias": np.zeros(2, np.int32),
        "result": np.zeros((2, 256), np.int8),
        "logits": np.zeros((2, 256), np.int32),
        "labels": target,
        "loss": np.zeros(1, np.int32),
    }
    path = []
    for _ in range(5):
        backend.run(epilogue(Pass.OUTPUT, z, 0, 7, **arrays))
        path.append(arrays["bias"].tolist())
    step = 127 * 256 << 7
    wrong = 1 if minus else 0  # the unit that all logits are wrong for
    moves = [min(k * step, BIAS_MAX) for k in range(1, 6)]
    assert moves[-1] == BIAS_MAX
    assert [biases[wrong] for biases in path] == [sign * move for move in moves]
    assert all(biases[1 - wrong] == 0 for biases in path)


@BOTH
def test_largest_step_of_a_bias(backend: Any) -> None:
    arrays = {
        "bias": np.full(2, -BIAS_MAX, np.int32),
        "result": np.zeros((2, 256), np.int8),
        "logits": np.zeros((2, 256), np.int32),
        "labels": np.ones(256, np.uint8),
        "loss": np.zeros(1, np.int32),
    }
    z = np.full((2, 256), LARGEST, np.int32)
    backend.run(epilogue(Pass.OUTPUT, z, 0, 16, **arrays))  # 127 * 2**24, and the bias
    assert arrays["bias"][0] == -BIAS_MAX
    assert arrays["result"][0].min() == 127


@BOTH
@pytest.mark.parametrize("master", [np.int8, np.int16])
@pytest.mark.parametrize("delta", [-127, 127])
@pytest.mark.parametrize("shift", [-8, 0, 16, 24])
def test_largest_gradient(backend: Any, master: Any, delta: int, shift: int) -> None:
    clip = 13 << (np.dtype(master).itemsize * 8 - 5)
    start = np.full((1, 64), -clip if delta > 0 else clip, master)
    start[0, 1::2] *= -1
    weights = block_weights(start)
    words = full_words(64, 1, 1, minus=False)
    x, d = np.full((64, 256), 127, np.int8), np.full((1, 256), delta, np.int8)
    draws = {"code_key": (1, 3), "weight_key": (1, 2), "step": 1}
    backend.run(update(weights, **words, x=x, deltas=d, shift=shift, binary=False, **draws))
    # 127 becomes 128 but for one byte in 64, and then 64.
    change = delta * 256 * 64 / 2**shift * np.array([0.9, 1])
    low, high = change.min() - 1, change.max() + 1
    left = unblock_weights(weights, 64).astype(np.int64)
    assert (left >= np.clip(start - high, -clip, clip)).all()
    assert (left <= np.clip(start - low, -clip, clip)).all()


def test_largest_gradient_itself() -> None:
    gradient = shift_gradient(np.full((1, 256), -127), np.full((1, 256), 7))
    assert gradient.tolist() == [[-127 << 14]]
    assert fits_int32(gradient << 8) is not None


def test_the_oracle_refuses_what_32_bits_do_not_hold() -> None:
    for value in (INT32_MAX, -INT32_MAX - 1):
        fits_int32(np.array([0, value]))
        with pytest.raises(OverflowError, match="32 bits"):
            fits_int32(np.array([0, value + (1 if value > 0 else -1)]))
    with pytest.raises(OverflowError):
        stepped_bias(np.array([0]), np.array([256 * 127]), 17)
    with pytest.raises(OverflowError):
        planes_matmul([np.ones((1, 17), np.int8)] * 24, np.full((17, 1), 127))


def random_net(random: np.random.Generator) -> NetworkSpec:
    depth = int(random.integers(1, 21))
    widths = (2 ** random.uniform(0, 16, depth)).astype(int)
    if random.integers(3) == 0:
        widths[:] = widths[0]
    if random.integers(3) == 0:
        widths = random.choice([1, 3, WIDTH], depth)
    return NetworkSpec(
        "-".join(map(str, [*widths.tolist(), random.integers(1, 257)])),
        random.choice(["ternary", "binary"]).item(),
        int(random.choice([8, 16])),
        int(random.choice(BATCHES)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_all_shifts_of_all_nets_are_within_their_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(20):
        spec = random_net(random)
        for layer in spec.layers:
            assert 0 <= layer.forward_shift <= 24 - 7, (spec, layer)
            assert 0 <= layer.delta_shift <= 24, (spec, layer)
            for rate in range(RATES[0] - PHASES, RATES[-1] + 1):
                assert -8 <= layer.update_shift(rate) <= 24, (spec, layer, rate)
                steps = [(spec.layers[-1].output_bias_exponent(rate), 1)]
                if layer.index > 0:
                    steps.append((layer.hidden_bias_exponent(rate), layer.outputs))
                for exponent, summands in steps:
                    assert -24 <= exponent <= 24, (spec, layer, rate)
                    largest = 127 * summands * spec.batch << max(exponent, 0)
                    assert largest + BIAS_MAX <= INT32_MAX, (spec, layer, rate)


@pytest.mark.parametrize(
    ("kind", "forward", "exponents"),
    [("ternary", [5, 4, 4, 4], [-5, -6, -7, -5]), ("binary", [6, 5, 5, 5], [-8, -8, -8, -5])],
)
def test_shifts_of_the_papers_net(kind: Any, forward: list[int], exponents: list[int]) -> None:
    layers = NetworkSpec.parse("784-1024-1024-1024-10", weights=kind).layers
    assert [layer.forward_shift for layer in layers] == forward
    assert [layer.delta_shift for layer in layers[1:]] == [5, 5, 3]
    assert [layer.delta_exponent for layer in layers] == exponents
