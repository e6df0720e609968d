# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls verify``."""

from __future__ import annotations

import click

from ..backends.names import BACKENDS
from ..errors import FewmultError


@click.command()
@click.option("--backend", type=click.Choice(BACKENDS), default="emu", help="To verify.  [emu]")
@click.option("--cases", type=click.IntRange(1), default=20, help="Random nets a kernel.  [20]")
@click.option("--seed", type=click.IntRange(0), default=1, help="Of the random nets.  [1]")
def verify(backend: str, cases: int, seed: int) -> None:
    """Compare a backend with the numpy oracle, bit for bit: every kernel, then a training."""
    import numpy as np

    from ..backends import open_backend
    from ..datasets import load
    from ..verification import KERNELS, first_difference, random_case, train_briefly

    tested, oracle = open_backend(backend), open_backend("numpy")
    failed = 0
    for name in KERNELS:
        generator = np.random.default_rng(seed)
        nets = [random_case(generator) for _ in range(cases)]
        found = (first_difference(name, tested, oracle, net) for net in nets)
        difference = next((text for text in found if text is not None), None)
        failed += difference is not None
        click.echo(f"{name:16} {difference or f'{cases} random nets: equal'}")
    digits = load("digits")
    for binary, bits in ((False, 16), (True, 8)):
        kind = "binary" if binary else "ternary"
        prints = [train_briefly(each, digits, binary, bits) for each in (tested, oracle)]
        failed += prints[0] != prints[1]
        click.echo(f"training, {kind} weights, {bits}-bit masters, 2 epochs of digits:")
        for each, fingerprint in zip((tested, oracle), prints, strict=True):
            click.echo(f"  {each.name:6} {fingerprint}")
    if failed:
        raise FewmultError(f"{backend} and the oracle differ in {failed} checks")
    click.echo(f"{backend} and the oracle agree on every bit")
