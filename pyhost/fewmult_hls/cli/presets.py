# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls presets``."""

from __future__ import annotations

import click

from .arguments import examples


@click.command(
    epilog=examples(
        "fewmult-hls presets",
        "fewmult-hls train --preset mnist-paper --seed 2 --out runs/paper-2",
    )
)
def presets() -> None:
    """List the presets of `fewmult-hls train --preset`, with their settings."""
    from ..presets import load_preset, names

    for name in names():
        preset = load_preset(name)
        click.echo(f"{name}: {preset.description}")
        for key, value in preset.values.items():
            click.echo(f"  {key} = {value}")
