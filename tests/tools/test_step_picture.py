# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the picture of a step draws is what a step does."""

from __future__ import annotations

import step_picture
from fewmult_hls.nets.network import NetworkSpec

ROWS = step_picture.rows_of(NetworkSpec("64-128-10"))
LANES = {name: lane for lane in step_picture.lanes_of(ROWS) for name in lane.names}


def test_rows_are_the_calls_in_their_order() -> None:
    assert [(row.name, row.text) for row in ROWS] == [
        ("load_batch", "the host"),
        ("layer, HIDDEN", "weights of layer 0"),
        ("layer, OUTPUT", "weights of layer 1"),
        ("layer, BACKWARD", "weights of layer 1"),
        ("shift_gradient", "weights of layer 1"),
        ("shift_gradient", "weights of layer 0"),
    ]
    assert ROWS[1].reads == {"x_0", "sign_0", "mask_0", "bias_0"}
    assert ROWS[1].writes == {"mean_0", "x_1"}


def test_state_is_what_a_step_finds_and_leaves() -> None:
    state = {name for name, lane in LANES.items() if lane.is_state}
    assert state == {f"{kind}_{k}" for kind in ("weights", "bias", "sign", "mask") for k in (0, 1)}


def test_arrays_that_the_same_calls_touch_share_a_lane() -> None:
    assert LANES["sign_0"] is LANES["mask_0"]
    assert LANES["sign_0"] is not LANES["sign_1"]
    assert LANES["images"] is LANES["chosen"]


def test_how_long_values_live() -> None:
    assert step_picture.lives(LANES["images"]) == [(None, 0)]
    assert step_picture.lives(LANES["x_1"]) == [(1, 4)]
    assert step_picture.lives(LANES["logits"]) == [(2, None)]
    assert step_picture.lives(LANES["loss"]) == [(0, 2), (2, None)]
    assert step_picture.lives(LANES["sign_0"]) == [(None, 1), (5, None)]
    assert step_picture.lives(LANES["weights_1"]) == [(None, 4), (4, None)]
