# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable

import numpy as np
import pytest

from fewmult_hls import _kernels
from fewmult_hls.oracle.draws import (
    Purpose,
    element_bytes,
    purpose_word,
    rounding_terms,
    shuffle,
    weight_halves,
)
from fewmult_hls.oracle.threefry import threefry

Pair = tuple[int, int]
ONES = 0xFFFFFFFF
KEY = (2026, purpose_word(Purpose.CODES, 3))

# From kat_vectors, the known-answer tests of Random123: rounds, counter, key, result.
KNOWN = [
    (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
    (13, (ONES, ONES), (ONES, ONES), (0xFD36D048, 0x2D17272C)),
    (13, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xBA3E4725, 0xF27D669E)),
    (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    (20, (ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
    (20, (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize("generator", [threefry, _kernels.threefry])
@pytest.mark.parametrize(("rounds", "counter", "key", "expected"), KNOWN)
def test_published_answers(
    generator: Callable[..., Pair], rounds: int, counter: Pair, key: Pair, expected: Pair
) -> None:
    assert generator(key, counter, rounds) == expected


def test_kernel_and_oracle_agree_on_random_counters() -> None:
    words = np.random.default_rng(1).integers(0, 1 << 32, (200, 4)).tolist()
    for *key, element, step in words:
        for rounds in (13, 20):
            mine = threefry((key[0], key[1]), (element, step), rounds)
            assert _kernels.threefry((key[0], key[1]), (element, step), rounds) == mine


def test_a_draw_does_not_depend_on_what_else_is_drawn() -> None:
    whole = np.stack(threefry(KEY, (np.arange(1000, dtype=np.uint32), np.uint32(9))))
    for at in (0, 1, 511, 999):
        assert _kernels.threefry(KEY, (at, 9), 13) == tuple(whole[:, at])
    assert np.array_equal(element_bytes(KEY, 7, 64, 9), element_bytes(KEY, 50, 64, 9)[:7])
    assert np.array_equal(weight_halves(KEY, 2, 30, 9), weight_halves(KEY, 5, 30, 9)[:2])


def test_draws_differ_by_seed_purpose_layer_and_step() -> None:
    seen = {
        element_bytes((seed, purpose_word(purpose, layer)), 1, 16, step).tobytes()
        for seed in (0, 1, ONES)
        for purpose in Purpose
        for layer in (0, 1, 255, 300)
        for step in (0, 1, ONES)
    }
    assert len(seen) == 3 * len(Purpose) * 4 * 3


@pytest.mark.parametrize("step", [0, 12345])
def test_bytes_are_uniform(step: int) -> None:
    drawn = element_bytes(KEY, 1024, 256, step)
    for values in (drawn, drawn[:, ::8], drawn[::64]):
        expected = values.size / 256
        chi_square = ((np.bincount(values.ravel(), minlength=256) - expected) ** 2).sum() / expected
        assert 170 < chi_square < 355  # 255 degrees of freedom: 1 in 10,000 on either side


def test_neighbouring_bytes_are_independent() -> None:
    drawn = element_bytes(KEY, 1024, 256, 1).ravel() / 127.5 - 1
    for distance in (1, 8, 256):
        correlation = (drawn[distance:] * drawn[:-distance]).mean() * 3
        assert abs(correlation) < 4 / np.sqrt(drawn.size)


@pytest.mark.parametrize("bits", range(25))
def test_rounding_terms_are_uniform_with_the_right_mean(bits: int) -> None:
    terms = rounding_terms(np.arange(256), bits)
    assert terms.min() >= 0
    assert terms.max() < 1 << bits
    if bits <= 8:
        assert np.array_equal(np.bincount(terms), np.full(1 << bits, 256 >> bits))
    else:
        assert terms.sum() * 2 == 256 << bits
        assert np.array_equal(np.diff(terms), np.full(255, 1 << (bits - 8)))


def test_shuffle_is_a_permutation_of_its_own_for_every_seed_and_epoch() -> None:
    orders = [shuffle(seed, epoch, 1000) for seed in (1, 2) for epoch in (0, 1, 2)]
    for order in orders:
        assert np.array_equal(np.sort(order), np.arange(1000))
    assert len({order.tobytes() for order in orders}) == 6
    assert np.array_equal(orders[1], shuffle(1, 1, 1000))


def test_shuffle_sorts_64_bits_of_its_own_purpose() -> None:
    draws = [_kernels.threefry((9, 5), (sample, 2), 13) for sample in range(500)]
    keys = [high << 32 | low for low, high in draws]
    assert shuffle(9, 2, 500).tolist() == sorted(range(500), key=keys.__getitem__)


def test_shuffle_is_near_no_order() -> None:
    order = shuffle(7, 0, 10_000)
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 0.04
    assert np.count_nonzero(order == np.arange(10_000)) < 10
