# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Convolution and pooling in the oracle: against direct sums, and against derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewmult_hls.contract.window import Window
from fewmult_hls.oracle import convolution, gradient

BATCH = 4


@st.composite
def windows(draw: Any) -> Window:
    """Windows that fit: odd sizes, one place, one channel, stride 2, padding."""
    taps, padded = draw(st.integers(1, 5)), draw(st.booleans())
    least = 1 if padded else taps
    return Window(
        channels=draw(st.integers(1, 4)),
        rows=draw(st.integers(least, 7)),
        columns=draw(st.integers(least, 7)),
        tap_rows=taps,
        tap_columns=taps,
        stride=draw(st.integers(1, 2)),
        padded=padded,
    )


SEEDS = st.integers(0, 2**32 - 1)


def direct(weights: Any, image: Any, window: Window) -> Any:
    """The definition, place by place and tap by tap, on an image with zeros around it."""
    rows, columns, channels = window.rows, window.columns, window.channels
    k, s = window.tap_rows, window.stride
    before = (k - 1) // 2 if window.padded else 0
    wide = np.zeros((rows + 3 * k, columns + 3 * k, channels, image.shape[1]), image.dtype)
    wide[k : k + rows, k : k + columns] = image.reshape(rows, columns, channels, -1)
    if window.padded:
        sides = [len(range(0, n, s)) for n in (rows, columns)]
    else:
        sides = [len(range(0, n - k + 1, s)) for n in (rows, columns)]
    kernel = weights.reshape(-1, k, k, channels)
    results = []
    for r in range(sides[0]):
        for q in range(sides[1]):
            top, left = k + r * s - before, k + q * s - before
            seen = wide[top : top + k, left : left + k]
            results.append(np.einsum("juvc,uvcb->jb", kernel, seen))
    return np.concatenate(results)


def some(window: Window, outputs: int, seed: int) -> tuple[Any, Any, Any]:
    """Ternary weights, an image of either sign, and deltas of what the window makes."""
    random = np.random.default_rng(seed)
    return (
        random.integers(-1, 2, (outputs, window.fan_in)).astype(np.int8),
        random.integers(-127, 128, (window.places * window.channels, BATCH)),
        random.integers(-127, 128, (window.result_places * outputs, BATCH)),
    )


@given(windows(), st.integers(1, 5), SEEDS)
@settings(deadline=None)
def test_a_convolution_is_its_definition(window: Window, outputs: int, seed: int) -> None:
    weights, image, _ = some(window, outputs, seed)
    found = convolution.convolve([weights], image, window)
    assert np.array_equal(found, direct(weights.astype(np.int64), image, window))
    planes = [weights, np.roll(weights, 1)]
    weighted = 2 * planes[0].astype(np.int64) + planes[1]
    assert np.array_equal(
        convolution.convolve(planes, image, window), direct(weighted, image, window)
    )


@given(windows(), st.integers(1, 5), SEEDS)
@settings(deadline=None)
def test_what_is_sent_back_is_its_transpose(window: Window, outputs: int, seed: int) -> None:
    """Each value of the image gets the derivative of sum(z d) by it: z is linear in it."""
    weights, image, deltas = some(window, outputs, seed)
    back = convolution.convolve_back(weights, deltas, window)
    assert back.shape == image.shape
    for place in range(min(len(image), 12)):
        one = np.zeros_like(image)
        one[place] = 1
        slope = (direct(weights.astype(np.int64), one, window) * deltas).sum(axis=0)
        assert np.array_equal(back[place], slope)


@given(windows(), st.integers(1, 5), SEEDS)
@settings(deadline=None)
def test_the_gradient_is_the_derivative_by_the_weights(
    window: Window, outputs: int, seed: int
) -> None:
    """Of activations that are powers of two, whose codes lose nothing."""
    weights, image, deltas = some(window, outputs, seed)
    image = np.sign(image) << (np.abs(image) % 7 + 1)
    codes = gradient.signed_codes(image, np.zeros_like(image))
    seen = convolution.gathered(codes, window)
    found = gradient.signed_gradient(convolution.by_units(deltas, outputs), seen)
    for j, i in np.ndindex(*weights.shape):
        one = np.zeros(weights.shape, np.int64)
        one[j, i] = 1
        assert 2 * found[j, i] == (direct(one, image, window) * deltas).sum()


def test_codes_of_either_sign() -> None:
    x = np.arange(-127, 128).repeat(256).reshape(255, 256)
    byte = np.tile(np.arange(256), (255, 1))
    codes = gradient.signed_codes(x, byte)
    assert np.array_equal(codes[:127], -codes[:127:-1])
    worth = np.where(codes == 0, 0, np.sign(codes) * 2.0 ** np.abs(codes))
    assert np.array_equal(worth.mean(axis=1), x[:, 0])


@st.composite
def pools(draw: Any) -> tuple[int, int, int, int]:
    """Channels, rows, columns and a size that fits, with rows left over or not."""
    size = draw(st.integers(2, 4))
    return (
        draw(st.integers(1, 3)),
        draw(st.integers(size, 9)),
        draw(st.integers(size, 9)),
        size,
    )


@given(pools(), SEEDS)
@settings(deadline=None)
def test_a_pool_finds_the_largest_and_the_way_back_to_the_first_of_them(
    sizes: tuple[int, int, int, int], seed: int
) -> None:
    channels, rows, columns, size = sizes
    random = np.random.default_rng(seed)
    image = random.integers(-2, 3, (rows * columns * channels, BATCH))  # with many equal ones
    pooled = convolution.pool(image, *sizes)
    deltas = random.integers(1, 128, pooled.shape)
    back = convolution.pool_back(image, deltas, *sizes).reshape(rows, columns, channels, BATCH)
    whole = image.reshape(rows, columns, channels, BATCH)
    shape = (rows // size, columns // size, channels, BATCH)
    assert pooled.shape == (np.prod(shape[:3]), BATCH)
    seen = np.zeros_like(whole)
    for r, q, c, b in np.ndindex(*shape):
        inside = (slice(r * size, r * size + size), slice(q * size, q * size + size), c, b)
        members = whole[inside].ravel().tolist()
        number = pooled.reshape(shape)[r, q, c, b]
        assert number == max(members)
        wanted = [0] * len(members)
        wanted[members.index(max(members))] = int(deltas.reshape(shape)[r, q, c, b])
        assert back[inside].ravel().tolist() == wanted
        seen[inside] = 1
    assert not back[seen == 0].any()


def test_a_net_of_these_parts_sends_back_its_numerical_derivative() -> None:
    """In floating point, where a difference shows every wrong place, tap or channel."""
    first = Window(2, 7, 6, 3, 3, padded=True)
    second = Window(3, 3, 3, 2, 2, stride=1)
    last = Window(4, 2, 2, 2, 2)
    random = np.random.default_rng(7)
    weights = [
        random.integers(-1, 2, (outputs, window.fan_in)).astype(np.int8)
        for outputs, window in ((3, first), (4, second), (5, last))
    ]
    image, target = random.normal(size=(84, BATCH)), random.normal(size=(5, BATCH))

    def forward(x: Any) -> list[Any]:
        a = np.maximum(convolution.convolve([weights[0]], x, first), 0)
        pooled = convolution.pool(a, 3, 7, 6, 2)
        b = np.maximum(convolution.convolve([weights[1]], pooled, second), 0)
        return [a, pooled, b, convolution.convolve([weights[2]], b, last)]

    def loss(x: Any) -> float:
        return float(((forward(x)[-1] - target) ** 2).sum() / 2)

    a, pooled, b, y = forward(image)
    g = convolution.convolve_back(weights[2], y - target, last) * (b > 0)
    g = convolution.convolve_back(weights[1], g, second) * (pooled > 0)
    g = convolution.convolve_back(weights[0], convolution.pool_back(a, g, 3, 7, 6, 2), first)
    assert np.abs(g).max() > 1
    for at in np.ndindex(*image.shape):
        assert g[at] == pytest.approx(slope(loss, image, at), abs=1e-4)


def slope(loss: Callable[[Any], float], image: Any, at: Any, by: float = 1e-6) -> float:
    moved = image.copy()
    moved[at] += by
    up = loss(moved)
    moved[at] -= 2 * by
    return (up - loss(moved)) / (2 * by)
