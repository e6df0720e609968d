# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What DSP slices would save if they only added: ``python benchmarks/dsp_adders.py``.

A slice with its multiplier switched off (USE_MULT = "NONE") adds 48 bits: one sum, two of 24 bits
or four of 12 (UG479). By the model of ``fewmult-hls estimate``: which sums of the two arrays fit
such lanes, how many slices they take and how many look-up tables they leave. No kernel does so.
"""

from __future__ import annotations

import math

from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.model.area import overlay_areas, total
from fewmult_hls.hardware.model.estimate import estimate
from fewmult_hls.hardware.model.rows import adder_tree
from fewmult_hls.hardware.source.constants import changed, constants
from fewmult_hls.nets.network import NetworkSpec

BOARD = load_board("pynq-z2")
NET = NetworkSpec.parse("784-1024-1024-1024-10")
SUM_BITS = 32  # of what stays on chip


def lanes(terms: int, bits: int, wide: int) -> tuple[int, float]:
    """Slices and look-up tables of a tree whose pairs are summed already.

    Args:
        terms: of the tree.
        bits: of the sum of a pair.
        wide: bits of a slice's lane: 12 or 24. What is wider stays where it is.
    """
    fits, count, saved = terms // 2, 0, 0.0
    while fits > 1 and bits < wide:
        fits, bits = fits // 2, bits + 1
        count, saved = count + fits, saved + fits * bits
    assert saved <= 32 * adder_tree(terms, bits)
    return math.ceil(count * wide / 48), saved


def product() -> tuple[int, float]:
    """Of the product array: a tree a lane, and its sum onto what stands on chip."""
    tile = constants()
    slices, saved = lanes(tile["kInputs"], 9, 12)
    return tile["kLanes"] * (slices + 1), tile["kLanes"] * (saved + SUM_BITS)


def gradient() -> tuple[int, float]:
    """Of the gradient array: a tree an input, and its sum."""
    tile = constants()
    slices, saved = lanes(tile["kGradientLanes"], 16, 24)
    return tile["kGradientInputs"] * (slices + 1), tile["kGradientInputs"] * (saved + SUM_BITS)


def row(title: str, use: list[tuple[int, float]]) -> str:
    """Of the table, for arrays of some sizes and the sums that slices take."""
    slices, saved = sum(s for s, _ in use), sum(lut for _, lut in use)
    there = BOARD.resources
    lut = total(overlay_areas(BOARD, "fewmult").values()).lut - saved
    seconds = estimate(NET, BOARD, 50_000, 0).epoch_seconds
    fits = "" if slices <= there.dsp else f", {there.dsp} there"
    share = f"{100 * lut / there.lut:.0f} %"
    return f"| {title} | {slices}{fits} | {saved:,.0f} | {share} | {seconds:.1f} s |"


def main() -> None:
    """Prints the table."""
    print("| adds, shifts a cycle: sums in slices | slices | LUT saved | LUT | epoch |")
    print("|---|---|---|---|---|")
    for title, sizes in (
        ("512, 256", {}),
        ("1024, 256", {"kLog2Inputs": 5}),
        ("512, 512", {"kLog2GradientInputs": 4}),
        ("1024, 512", {"kLog2Inputs": 5, "kLog2GradientInputs": 4}),
    ):
        with changed(sizes):
            print(row(f"{title}: none", []))
            print(row(f"{title}: product", [product()]))
            print(row(f"{title}: gradient", [gradient()]))
            print(row(f"{title}: both", [product(), gradient()]))


if __name__ == "__main__":
    main()
