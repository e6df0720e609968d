# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls verify``."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from ..backends.names import Device
from ..system.errors import FewmultError
from .arguments import device_options, option, setting

if TYPE_CHECKING:
    from ..contract.backend import Backend


@click.command()
@setting("backend", help="Whose kernels to check.")
@device_options
@option("cases", "Random layers to run each kernel on.", default=20, allowed=range(1, 1_000_001))
@setting("seed", allowed=range(1 << 64), help="Of the random layers.")
def verify(backend: str, device: Device | None, cases: int, seed: int) -> None:
    """Compare a backend with the numpy oracle, bit for bit.

    First every kernel that the backend has on random layers, those of convolution and pooling
    among them on CPUs, then two short trainings of dense nets on the built-in digits.
    """
    from ..backends import open_backend

    with (
        closing(open_backend(backend, device=device)) as tested,
        closing(open_backend("numpy")) as oracle,
    ):
        failed = compare(tested, oracle, cases, seed)
    if failed:
        raise FewmultError(f"{backend} and the oracle differ in {', '.join(failed)}")
    click.echo(f"{backend} and the oracle agree on every bit")


def compare(tested: Backend, oracle: Backend, cases: int, seed: int) -> list[str]:
    """Runs all checks, a line each; returns the names of those that failed."""
    failed = [
        *_compare_kernels(tested, oracle, cases, seed),
        *_compare_trainings(tested, oracle),
    ]
    click.echo()
    return failed


def _compare_kernels(tested: Backend, oracle: Backend, cases: int, seed: int) -> list[str]:
    import numpy as np

    from ..contract.calls import CALLS
    from ..proof.parity import difference_on_a_layer

    failed = []
    names = [name for name in CALLS if name in tested.kernels]
    width = max(16, *map(len, names))
    for name in names:
        random = np.random.default_rng(seed)
        found = (difference_on_a_layer(name, tested, oracle, random) for _ in range(cases))
        difference = next((text for text in found if text is not None), None)
        if difference is not None:
            failed.append(name)
        click.echo(f"{name:{width}} {difference or f'{cases} random layers: equal'}")
    return failed


def _compare_trainings(tested: Backend, oracle: Backend) -> list[str]:
    from ..datasets import load
    from ..proof.parity import train_briefly

    failed = []
    digits = load("digits")
    for kind, bits in (("ternary", 16), ("binary", 8)):
        click.echo(f"training         {kind} weights, {bits}-bit masters, 2 epochs of digits")
        prints = [train_briefly(each, digits, kind == "binary", bits) for each in (tested, oracle)]
        for name, fingerprint in zip((tested.name, "oracle"), prints, strict=True):
            click.echo(f"  {name:14} {fingerprint}")
        if prints[0] != prints[1]:
            failed.append(f"the {kind} training")
    return failed
