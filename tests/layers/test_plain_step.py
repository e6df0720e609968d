# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Training steps of a convolutional net, read from docs/arithmetic.md once more and multiplied out.

Nothing of layers/ and oracle/ is used but the generator: shifts, draws, their order, and what
stands where are worked out here.
"""

from __future__ import annotations

from math import floor, log2
from typing import Any

import numpy as np
import pytest

from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer
from fewmult_hls.proof.speed import random_split
from plain import random_bytes, random_halves, rounded

NET = "2x5x4-3C3p-P2-4C1-6-3"
SEED, LB, RATE, SHARPNESS = 11, 4, 1, 2
B = 1 << LB
WEIGHTED = (0, 2, 3, 4)  # 1 is the pool
INPUTS = {0: 18, 2: 3, 3: 16, 4: 6}
OUTPUTS = {0: 3, 2: 4, 3: 6, 4: 3}
PLACES = {0: 20, 2: 4, 3: 1, 4: 1}  # of what a layer makes
BEHIND = {2: 4, 3: 4, 4: 1}  # places of what enters it


def h(n: int) -> int:
    return floor((floor(2 * log2(n)) + 2) / 4)


def up(n: int) -> int:
    return (n - 1).bit_length()


def clamp(v: Any, low: int, high: int) -> Any:
    return np.clip(v, low, high)


def step_of(v: Any, e: int) -> Any:
    return v << e if e >= 0 else rounded(v, 1 << -e)


def rterm(r: Any, n: int) -> Any:
    return r >> (8 - n) if n <= 8 else (r << (n - 8)) + (1 << (n - 9))


# Section 10 with the numbers of section 14.
K = {0: h(18), 2: max(0, h(3) - 1), 3: h(16) - 1, 4: h(6) - 1}
S = {2: max(0, h(4) - 1), 3: h(6) - 1, 4: h(3)}
E, X = {4: -5}, {}
X[4] = E[4] - K[4] + 5 - 6
E[3] = X[4] + S[4]
X[3] = E[3] - K[3]
E[2] = X[3] + S[3]
X[2] = E[2] - K[2]
E[0] = X[2] + S[2]


def update_shift(layer: int) -> int:
    f, rate = (7 if layer == 0 else 5), (RATE - 2 if layer == 4 else RATE)
    least = max(-8, LB + up(PLACES[layer]) - 17)
    return int(clamp(f - E[layer] - 16 - rate + LB, least, 24))


def front_exponent(layer: int) -> int:
    """Of the biases in front of a layer: w M terms at so many places."""
    most = 24 - LB - up(OUTPUTS[layer]) - up(BEHIND[layer])
    return int(clamp(X[layer] + 11 + RATE - LB, -24, most))


def halves(purpose: int, layer: int, step: int) -> Any:
    """Of each weight, (outputs, inputs)."""
    outputs, inputs = OUTPUTS[layer], INPUTS[layer]
    words = -(-inputs // 64)
    drawn = random_halves((SEED, purpose | layer << 8), words, outputs, step)
    return drawn.transpose(1, 0, 2).reshape(outputs, -1)[:, :inputs]


def bytes_of(purpose: int, layer: int, rows: int, step: int) -> Any:
    return random_bytes((SEED, purpose | layer << 8), (rows, B), step)


def sampled(w: Any, q: Any) -> Any:
    threshold = 2**14 + ((rterm(q, 15) - 2**14) >> SHARPNESS)
    return np.where(np.abs(w) > threshold, np.sign(w), 0)


def windows3(x: Any) -> Any:
    """What 3 x 3 taps see of 5 x 4 places with zeros around, (18, 20, B)."""
    wide = np.zeros((7, 6, 2, B), np.int64)
    wide[1:6, 1:5] = x.reshape(5, 4, 2, B)
    return np.stack(
        [wide[r : r + 3, q : q + 3].reshape(18, B) for r in range(5) for q in range(4)], axis=1
    )


class Plain:
    """The net."""

    def __init__(self, images: Any) -> None:
        pixels = images.reshape(-1, 2).astype(np.int64)
        self.offsets = np.floor(pixels.mean(axis=0) + 0.5).astype(np.int64)
        self.w = {k: clamp(halves(1, k, 0) - 2**15, -(13 << 11), 13 << 11) for k in WEIGHTED}
        self.beta = {k: np.zeros(OUTPUTS[k], np.int64) for k in WEIGHTED}
        self.t = {k: sampled(self.w[k], halves(2, k, 0) >> 8) for k in WEIGHTED}

    def hidden(self, layer: int, seen: Any) -> Any:
        """Rows of what a hidden layer makes; ``seen`` is (inputs, places, B)."""
        z = np.einsum("ji,ipb->pjb", self.t[layer], seen)
        mu = rounded(z.sum(axis=2), B)
        y = rounded(z - mu[..., None], 1 << K[layer]) + (self.beta[layer] >> 11)[:, None]
        return clamp(y, 0, 127).reshape(-1, B)

    def back(self, layer: int, g: Any, x: Any, front: int, step: int) -> Any:
        """Deltas of what enters, (rows, B), and the biases' step."""
        g = np.where((x > 0) & (x < 127), g, 0)
        mean = rounded(g.sum(axis=1), B)
        drawn = rterm(bytes_of(4, layer, len(g), step), S[layer])
        sums = g.reshape(-1, OUTPUTS[front], B).sum(axis=(0, 2))
        change = step_of(sums, front_exponent(layer))
        self.beta[front] = clamp(self.beta[front] - change, -(2**23), 2**23)
        return clamp((g - mean[:, None] + drawn) >> S[layer], -127, 127)

    def worth(self, layer: int, x: Any, step: int) -> Any:
        """Half of what each activation's code counts, with its sign."""
        drawn, size = bytes_of(3, layer, len(x), step), np.abs(x)
        k = np.floor(np.log2(np.maximum(size, 1))).astype(np.int64)
        code = np.where(size > 1, k + (size - (1 << k) > drawn >> (8 - k)), drawn < 128)
        return np.where((size == 0) | (code == 0), 0, np.sign(x) * (1 << np.maximum(code - 1, 0)))

    def update(self, layer: int, gradient: Any, step: int) -> None:
        drawn, s = halves(2, layer, step + 1), update_shift(layer)
        low, high = drawn & 255, drawn >> 8
        change = (gradient + rterm(low, s)) >> s if s > 0 else gradient << -s
        self.w[layer] = clamp(self.w[layer] - change, -(13 << 11), 13 << 11)
        self.t[layer] = sampled(self.w[layer], high)

    def step(self, images: Any, labels: Any, step: int) -> int:
        """One step on a batch; returns the loss."""
        pixels = images.astype(np.int64).reshape(B, 20, 2) - self.offsets
        x = {0: clamp(pixels >> 1, -127, 127).reshape(B, 40).T}
        x[1] = self.hidden(0, windows3(x[0]))
        whole = x[1].reshape(5, 4, 3, B)
        members = np.stack([whole[u:4:2, v::2] for u in (0, 1) for v in (0, 1)])
        x[2] = members.max(axis=0).reshape(12, B)
        x[3] = self.hidden(2, x[2].reshape(4, 3, B).transpose(1, 0, 2))
        x[4] = self.hidden(3, x[3][:, None])
        y = rounded(self.t[4] @ x[4], 1 << K[4]) + (self.beta[4] >> 10)[:, None]
        target = np.arange(3)[:, None] == labels
        size = clamp(64 - np.where(target, y, -y), 0, 127)
        d4 = np.where(target, -size, size)
        exponent = int(clamp(E[4] + 11 + RATE - LB, -24, 24 - LB))
        self.beta[4] = clamp(self.beta[4] - step_of(d4.sum(axis=1), exponent), -(2**23), 2**23)

        d3 = self.back(4, self.t[4].T @ d4, x[4], 3, step)
        d2 = self.back(3, self.t[3].T @ d3, x[3], 2, step)
        by_place = d2.reshape(4, 4, B)
        g = np.einsum("jc,pjb->pcb", self.t[2], by_place).reshape(12, B)
        d1 = self.back(2, g, x[2], 0, step).reshape(2, 2, 3, B)
        first = members.argmax(axis=0)  # the first of equal ones
        d0 = np.zeros((5, 4, 3, B), np.int64)
        for k, (u, v) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
            d0[u:4:2, v::2] = np.where(first == k, d1, 0)

        self.update(4, d4 @ self.worth(4, x[4], step).T, step)
        self.update(3, d3 @ self.worth(3, x[3], step).T, step)
        seen = self.worth(2, x[2], step).reshape(4, 3, B)
        self.update(2, np.einsum("pjb,pcb->jc", by_place, seen), step)
        seen = windows3(self.worth(0, x[0], step))
        self.update(0, np.einsum("pjb,ipb->ji", d0.reshape(20, 3, B), seen), step)
        return int(size.sum())


@pytest.mark.parametrize("seed", range(3))
def test_steps_are_those_of_the_contract(seed: int) -> None:
    split = random_split(64, 40, 3)
    order = np.random.default_rng(seed).permutation(64)
    plain = Plain(split.images)
    spec = NetworkSpec(NET, batch=B)
    trainer = Trainer(OracleBackend(), Network.initial(spec, SEED, split.images), SEED)
    for step in range(8):
        chosen = order[step % 4 * B :][:B]
        loss = trainer.step(split, chosen, RATE, SHARPNESS)
        assert loss == plain.step(split.images[chosen], split.labels[chosen], step), step
    state = trainer.network().state
    assert np.array_equal(state["offsets_0"], plain.offsets)
    for k in WEIGHTED:
        assert np.array_equal(state[f"weights_{k}"], plain.w[k]), k
        assert np.array_equal(state[f"bias_{k}"], plain.beta[k]), k
        assert plain.beta[k].any()
