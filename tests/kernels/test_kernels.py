# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewmult_hls.backends import open_backend
from fewmult_hls.contract.backend import Backend, executed
from fewmult_hls.contract.calls import CALLS, Call, Pass
from fewmult_hls.contract.layouts import (
    block_weights,
    pack_ternary,
    unblock_weights,
    unpack_ternary,
)
from fewmult_hls.contract.limits import BATCHES
from fewmult_hls.proof.cases import CallMaker, Fill
from fewmult_hls.proof.parity import first_difference
from kernel_calls import epilogue, product, sampling, update
from levels import EMU, emu_setting  # noqa: F401
from plain import SEED, per_byte, random_bytes, random_halves, rounded

ORACLE = open_backend("numpy")
CODE_KEY, WEIGHT_KEY, DELTA_KEY = (SEED, 3), (SEED, 2), (SEED, 4)
LAST_STEP = 2**32 - 2

# One size around the words and tiles, the other small: the oracle is slow.
SMALL = st.sampled_from([1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129])
LARGE = st.sampled_from([191, 255, 256, 257, 319, 320, 321, 511, 513, 600])
SIZES = st.one_of(st.tuples(SMALL, SMALL), st.tuples(SMALL, LARGE), st.tuples(LARGE, SMALL))


@dataclass(frozen=True)
class Case:
    """A random layer."""

    inputs: int
    outputs: int
    batch: int
    master_bits: int
    binary: bool
    seed: int
    step: int
    fill: Fill
    sharpness: int
    shift: int
    update_shift: int
    exponent: int
    planes: int

    def calls(self, kernel: str) -> list[Call]:
        """Of a kernel, in every way that it is used."""
        make = CallMaker(np.random.default_rng(self.seed))
        sizes, draws = (self.inputs, self.outputs), {"seed": self.seed, "step": self.step}
        kind = (self.master_bits, self.binary)
        if kernel == "sample_weights":
            draws["sharpness"] = self.sharpness
            return [make.sample_weights(*sizes, *kind, self.fill, **draws)]
        if kernel == "shift_gradient":
            more = {"values": self.fill, "weights": self.fill, "sharpness": self.sharpness, **draws}
            return [make.shift_gradient(*sizes, self.batch, self.update_shift, *kind, **more)]
        if kernel == "binary_matmul":
            fills = {"weights": self.fill, "values": self.fill}
            return [
                make.binary_matmul(*sizes, self.batch, planes=self.planes, **fills),
                make.binary_matmul(*sizes, self.batch, transposed=True, **fills),
            ]
        return [self.pass_call(make, kernel, pass_) for pass_ in self.passes]

    @property
    def passes(self) -> list[Pass]:
        """Logits have at most 256 units."""
        return [p for p in Pass if self.outputs <= 256 or p not in (Pass.LOGITS, Pass.OUTPUT)]

    def pass_call(self, make: CallMaker, kernel: str, pass_: Pass) -> Any:
        exponent = self.exponent if self.fill == "any" else min(self.exponent, 0)
        numbers = (self.batch, self.shift, exponent)
        draws = {"fill": self.fill, "seed": self.seed, "step": self.step}
        if kernel == "normalize":
            units = self.inputs if pass_.sends_back else self.outputs
            largest = 30_000 if self.fill == "any" else 127 << 16
            return make.normalize(pass_, units, *numbers, largest_sum=largest, **draws)
        planes = 1 if pass_.sends_back else self.planes
        return make.layer(pass_, self.inputs, self.outputs, *numbers, planes=planes, **draws)


CASES = st.builds(
    lambda sizes, *rest: Case(*sizes, *rest),
    SIZES,
    st.sampled_from(BATCHES),
    st.sampled_from([8, 16]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.one_of(st.integers(0, 3), st.integers(0, LAST_STEP), st.just(LAST_STEP)),
    st.sampled_from(get_args(Fill)),
    st.integers(0, 15),
    st.sampled_from([*range(11), 16, 24]),
    st.integers(-8, 24),
    st.integers(-24, 6),
    st.integers(1, 7),
)
many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
few = settings(many, max_examples=20)

RANDOM = np.random.default_rng(SEED)
X = RANDOM.integers(0, 128, (300, 256)).astype(np.int8)
D = RANDOM.integers(-127, 128, (300, 256)).astype(np.int8)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", CALLS)
@many
@given(case=CASES)
def test_kernel_equals_the_oracle(kernel: str, case: Case) -> None:
    for call in case.calls(kernel):
        assert first_difference(EMU, ORACLE, call) is None


@pytest.mark.parametrize("shift", range(-8, 25))
def test_update_equals_the_oracle_at_every_shift(shift: int) -> None:
    for master in (np.int8, np.int16):
        results = [
            updated(backend, zero_weights(70, 20, master), X[:70, :64], D[:20, :64], shift)
            for backend in (EMU, ORACLE)
        ]
        for mine, theirs in zip(*results, strict=True):
            assert np.array_equal(mine, theirs)


def zero_weights(inputs: int, outputs: int, dtype: npt.DTypeLike = np.int16) -> npt.NDArray[Any]:
    return block_weights(np.zeros((outputs, inputs), dtype))


def updated(
    backend: Backend,
    weights: npt.NDArray[Any],
    x: npt.NDArray[np.int8],
    deltas: npt.NDArray[np.int8],
    shift: int,
    *,
    binary: bool = False,
    step: int = 5,
) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    weights = weights.copy()
    sign, mask = (np.zeros((1, *weights.shape[:2]), np.uint64) for _ in range(2))
    x, deltas = np.ascontiguousarray(x), np.ascontiguousarray(deltas)
    keys = {"code_key": CODE_KEY, "weight_key": WEIGHT_KEY}
    backend.run(update(weights, sign, mask, x, deltas, shift, binary=binary, step=step, **keys))
    return weights, sign, mask


def sampled(
    weights: npt.NDArray[Any], inputs: int, *, binary: bool = False, step: int = 6
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    sign, mask = (np.zeros((1, *weights.shape[:2]), np.uint64) for _ in range(2))
    draws = {"key": WEIGHT_KEY, "step": step}
    EMU.run(sampling(weights, sign, mask, inputs=inputs, binary=binary, **draws))
    return sign, mask


def run_pass(
    pass_: Pass, z: npt.NDArray[Any], shift: int, exponent: int = 0, **arrays: Any
) -> None:
    EMU.run(epilogue(pass_, z.astype(np.int32), shift, exponent, DELTA_KEY, 5, **arrays))


def power_of_two_codes(x: npt.NDArray[np.int8], step: int = 5) -> npt.NDArray[np.int64]:
    """2**code of every activation, read off the gradients of deltas that single out an example."""
    batch = x.shape[1]
    weights, _, _ = updated(
        EMU, zero_weights(len(x), batch), x, np.eye(batch, dtype=np.int8), shift=0, step=step
    )
    return -2 * unblock_weights(weights, len(x)).T.astype(np.int64)


# --- products ---


@pytest.mark.slow
@given(SIZES, st.sampled_from(BATCHES), st.integers(0, 2**32))
@many
def test_products_are_matrix_products(sizes: tuple[int, int], batch: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs, outputs = sizes
    T = random.integers(-1, 2, (outputs, inputs))
    x = random.integers(0, 128, (inputs, batch))
    d = random.integers(-127, 128, (outputs, batch))
    z, g = np.zeros((outputs, batch), np.int32), np.zeros((inputs, batch), np.int32)
    sign, mask = (words[None] for words in pack_ternary(T))
    EMU.run(product(x.astype(np.int8), sign, mask, z, inputs=inputs))
    EMU.run(product(d.astype(np.int8), sign, mask, g, inputs=inputs, transposed=True))
    assert np.array_equal(z, T @ x)
    assert np.array_equal(g, T.T @ d)


@pytest.mark.parametrize("planes", range(1, 8))
def test_each_plane_weighs_twice_the_next(planes: int) -> None:
    T = RANDOM.integers(-1, 2, (planes, 70, 130))
    sign, mask = (np.stack(words) for words in zip(*map(pack_ternary, T), strict=True))
    z = np.zeros((70, 32), np.int32)
    x = np.ascontiguousarray(X[:130, :32])
    EMU.run(product(x, sign, mask, z, inputs=130))
    weights = sum(plane << (planes - 1 - p) for p, plane in enumerate(T))
    assert np.array_equal(z, weights @ x.astype(np.int64))


@pytest.mark.slow
@pytest.mark.parametrize("pass_", Pass)
@few
@given(case=CASES)
def test_layer_is_the_product_and_what_follows_it(pass_: Pass, case: Case) -> None:
    if pass_ not in case.passes:
        return
    call = case.pass_call(CallMaker(np.random.default_rng(case.seed)), "layer", pass_)
    z = np.zeros((call.units, call.batch), np.int32)
    written = executed(EMU, call)
    first, then = call.parts(z)
    EMU.run(first)
    for name, array in executed(EMU, then).items():
        assert np.array_equal(array, written[name]), name


# --- the epilogue of a product, against arithmetic with divisions ---

Z = RANDOM.integers(-40_000, 40_000, (50, 64))
BIAS = RANDOM.integers(-(1 << 21), 1 << 21, 50).astype(np.int32)


@pytest.mark.parametrize("shift", [0, 1, 5, 9, 24])
def test_hidden_pass_normalizes_by_the_mean_and_saturates(shift: int) -> None:
    mean, result = np.zeros(50, np.int32), np.zeros((50, 64), np.int8)
    run_pass(Pass.HIDDEN, Z, shift, bias=BIAS, result=result, mean=mean)
    assert np.array_equal(mean, rounded(Z.sum(axis=1), 64))
    y = rounded(Z - mean[:, None], 1 << shift) + (BIAS // 2**11)[:, None]
    assert np.array_equal(result, np.clip(y, 0, 127))
    again = np.zeros_like(result)
    run_pass(Pass.HIDDEN_MEAN, Z, shift, bias=BIAS, result=again, mean=mean)
    assert np.array_equal(again, result)


@pytest.mark.parametrize("shift", [0, 1, 5, 9])
def test_output_pass_is_the_derivative_of_the_squared_hinge(shift: int) -> None:
    labels = (np.arange(64) % 50).astype(np.uint8)
    logits, result = np.zeros((50, 64), np.int32), np.zeros((50, 64), np.int8)
    bias, loss = BIAS.copy(), np.full(1, 1000, np.int32)
    arrays = {"bias": bias, "result": result, "logits": logits, "labels": labels, "loss": loss}
    run_pass(Pass.OUTPUT, Z // 8, shift, exponent=2, **arrays)
    assert np.array_equal(logits, rounded(Z // 8, 1 << shift) + (BIAS // 2**10)[:, None])
    target = np.where(np.arange(50)[:, None] == labels, 1, -1)
    expected = -target * np.clip(64 - target * logits.astype(np.int64), 0, 127)
    assert np.array_equal(result, expected)
    assert loss[0] == 1000 + np.abs(expected).sum()
    assert np.array_equal(bias, BIAS - 4 * expected.sum(axis=1))


@pytest.mark.parametrize("exponent", [-24, -9, -1, 0, 1, 6])
def test_backward_pass_gates_centres_and_steps_the_biases(exponent: int) -> None:
    gate, bias, result = X[:50, :64].copy(), BIAS.copy(), np.zeros((50, 64), np.int8)
    gate[0], gate[1], gate[2], gate[3] = 0, 127, 1, 126
    run_pass(Pass.BACKWARD, Z // 512, 0, exponent, bias=bias, result=result, gate=gate)
    gated = np.where((gate == 0) | (gate == 127), 0, Z // 512)
    assert not gated[:2].any()
    assert gated[2:4].any()
    mean = rounded(gated.sum(axis=1), 64)
    assert np.array_equal(result, np.clip(gated - mean[:, None], -127, 127))
    total = gated.sum(axis=1)
    change = total * 2**exponent if exponent >= 0 else rounded(total, 2**-exponent)
    assert np.array_equal(bias, np.clip(BIAS - change, -(1 << 23), 1 << 23))


@pytest.mark.slow
@pytest.mark.parametrize("shift", range(25))
def test_rounding_of_deltas_is_unbiased_over_all_bytes(shift: int) -> None:
    bound = min(126 << shift, 8_000_000)
    values = [0, 1, 2, 77, bound // 3, bound - 1, bound]
    z = np.repeat([value * sign for value in values for sign in (1, -1)], 32)[:, None]
    z = z * np.tile([1, -1], 128)  # a mean of zero
    result, bias = np.zeros(z.shape, np.int8), np.zeros(len(z), np.int32)
    gate = np.full(z.shape, 64, np.int8)
    run_pass(Pass.BACKWARD, z, shift, bias=bias, result=result, gate=gate)
    drawn = random_bytes(DELTA_KEY, z.shape, step=5)
    for value in np.unique(z):
        here = z == value
        outcomes = per_byte(result[here], drawn[here])
        # Exact for up to 8 bits; beyond, the finest that 256 bytes can be.
        assert outcomes.sum() * 2**shift == rounded(value * 256, 2**shift) * 2**shift
        assert outcomes.max() - outcomes.min() <= 1


# --- gradient, update and sample ---


def test_power_of_two_codes_are_unbiased_over_all_bytes_and_next_to_the_value() -> None:
    x = np.repeat(np.arange(128, dtype=np.int8), 16)[:, None].repeat(256, axis=1)
    powers, drawn = power_of_two_codes(x), random_bytes(CODE_KEY, x.shape, step=5)
    for value in range(128):
        here = slice(16 * value, 16 * value + 16)
        outcomes = per_byte(powers[here], drawn[here])
        assert outcomes.sum() == 256 * value
        below = 0 if value < 2 else 1 << (value.bit_length() - 1)
        assert set(outcomes) <= {below, max(2 * below, 2)}


@pytest.mark.parametrize("batch", BATCHES)
def test_gradient_is_the_sum_of_deltas_times_half_their_power_of_two(batch: int) -> None:
    x = np.ascontiguousarray(X[:200, :batch] >> 3)  # so that no weight clips
    d = np.ascontiguousarray(D[:50, :batch] >> 2)
    weights, _, _ = updated(EMU, zero_weights(200, 50), x, d, shift=0)
    gradient = d.astype(np.int64) @ power_of_two_codes(x).T // 2
    assert np.array_equal(unblock_weights(weights, 200), -gradient)


@pytest.mark.slow
@pytest.mark.parametrize("shift", range(25))
def test_rounding_of_updates_is_unbiased_over_all_bytes(shift: int) -> None:
    bound = min(127 * 256, 26_000 << shift)
    gradients = [g * sign for g in (0, 1, 2, 77, bound // 3, bound - 1, bound) for sign in (1, -1)]
    d = np.array([np.diff(np.arange(257) * g // 256) for g in gradients], np.int8)
    assert d.sum(axis=1).tolist() == gradients
    x = np.full((4096, 256), 2, np.int8)  # the one code that shifts nothing
    weights, _, _ = updated(EMU, zero_weights(4096, len(d)), x, d, shift)
    drawn = random_halves(WEIGHT_KEY, 64, len(d), step=6) & 0xFF
    for k, g in enumerate(gradients):
        outcomes = per_byte(-weights[:, k].astype(np.int64), drawn[:, k])
        assert outcomes.sum() == rounded(g * 256, 2**shift)
        assert outcomes.max() - outcomes.min() <= 1


@pytest.mark.parametrize("master", [np.int8, np.int16])
def test_left_shifts_are_exact_and_weights_clip_at_13_16ths(master: npt.DTypeLike) -> None:
    one = 2 ** (np.dtype(master).itemsize * 8 - 1)
    clip = one * 13 // 16
    d = (np.arange(-60, 61)[:, None] * (np.arange(16) == 3)).astype(np.int8)
    x = np.full((64, 16), 2, np.int8)
    for shift in range(-8, 1):
        start = RANDOM.integers(-clip, clip + 1, (121, 64)).astype(master)
        weights, _, _ = updated(EMU, block_weights(start), x, d, shift)
        expected = start.astype(np.int64) - (np.arange(-60, 61) * 2**-shift)[:, None]
        assert np.array_equal(unblock_weights(weights, 64), np.clip(expected, -clip, clip))


@pytest.mark.parametrize("master", [np.int8, np.int16])
def test_sampling_probabilities_over_all_bytes(master: npt.DTypeLike) -> None:
    bits = np.dtype(master).itemsize * 8
    clip = 13 << (bits - 5)
    edges = np.array([0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 9999, clip - 1, clip])
    values = np.arange(-clip, clip + 1) if bits == 8 else np.concatenate([-edges[::-1], edges])
    weights = block_weights(np.repeat(values[:, None].astype(master), 4096, axis=1))
    drawn = random_halves(WEIGHT_KEY, 64, len(values), step=6) >> 8
    for binary in (False, True):
        words = sampled(weights, 4096, binary=binary)
        sample = block_weights(unpack_ternary(words[0][0], words[1][0], 4096))
        for k, value in enumerate(values.tolist()):
            outcomes = per_byte(sample[:, k], drawn[:, k])
            # The nearest that 256 bytes come to weight / 1.0; a half counts as nothing.
            if binary:
                plus = -rounded(-(value * 256 + (128 << bits)), 1 << bits)
                assert np.count_nonzero(outcomes == 1) == plus
                assert np.count_nonzero(outcomes == -1) == 256 - plus
            else:
                nonzero = -rounded(-abs(value) * 256, 1 << (bits - 1))
                assert np.count_nonzero(outcomes == np.sign(value)) == nonzero or value == 0
                assert np.count_nonzero(outcomes == 0) == 256 - nonzero


@few
@given(case=CASES)
def test_update_leaves_the_sample_of_the_next_step(case: Case) -> None:
    weights, sign, mask = updated_case(case)
    again = sampled(weights, case.inputs, binary=case.binary, step=case.step + 1)
    assert np.array_equal(sign, again[0])
    assert np.array_equal(mask, again[1])


@few
@given(case=CASES)
def test_what_lies_beyond_the_inputs_stays_zero(case: Case) -> None:
    weights, sign, mask = updated_case(case)
    beyond = weights.transpose(1, 0, 2).reshape(case.outputs, -1)[:, case.inputs :]
    assert not beyond.any()
    if case.inputs % 64:
        unused = np.uint64(2**64 - (1 << case.inputs % 64))
        assert not np.any((sign[0, -1] | mask[0, -1]) & unused)


@few
@given(case=CASES)
def test_signs_lie_under_masks_and_binary_masks_are_full(case: Case) -> None:
    _, sign, mask = updated_case(case)
    assert not np.any(sign & ~mask)
    if case.binary:
        full = pack_ternary(np.ones((case.outputs, case.inputs)))[1]
        assert np.array_equal(mask[0], full)


def updated_case(case: Case) -> tuple[Any, Any, Any]:
    call = replace(case.calls("shift_gradient")[0], sharpness=0, seed=SEED, weight_purpose=2)
    written = executed(EMU, call)
    return written["weights"], written["sign"], written["mask"]


def test_kernels_draw_the_documented_bits_at_the_last_steps() -> None:
    x = np.full((64, 16), 3, np.int8)
    for step in (0, LAST_STEP - 1, LAST_STEP):
        drawn = random_bytes(CODE_KEY, x.shape, step)
        assert np.array_equal(power_of_two_codes(x, step), np.where(drawn < 128, 4, 2))
