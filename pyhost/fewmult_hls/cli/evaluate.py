# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls evaluate``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from ..backend_names import BACKENDS
from ..errors import UsageError
from .arguments import THREADS, NamedPath

# click keeps the lines of a paragraph that a backspace opens.
EXAMPLES = """\b
Examples:
  fewmult-hls evaluate runs/digits
  fewmult-hls evaluate runs/mnist --dataset path/to/my/images"""


@click.command(epilog=EXAMPLES)
@click.argument("run", metavar="DIR", type=NamedPath())
@click.option(
    "--dataset", metavar="NAME|DIR", help="Other images to test on.  [default: the run's own]"
)
@click.option(
    "--backend", type=click.Choice(BACKENDS), default="emu", help="Who computes.  [default: emu]"
)
@THREADS
def evaluate(run: Path, dataset: str | None, backend: str, threads: int | None) -> None:
    """Measure the test error of the trained model in DIR again."""
    from .. import runs
    from ..backends import open_backend
    from ..datasets import load
    from ..evaluation import Evaluator
    from ..model import load_model
    from .results import error_text, show_rows

    if not run.is_dir():
        raise UsageError(f"there is no folder {run}")
    model = load_model(run / runs.MODEL)
    data = load(dataset or _dataset_of(run))
    network = model.network
    runs.check_test_fit(network.spec, data)
    with closing(open_backend(backend, threads)) as device:
        errors = runs.test_errors(
            Evaluator(device, network, "8-bit", model.means["8-bit"]),
            Evaluator(device, network, "ternary", model.means["ternary"]),
            data,
        )
    tests = len(data.test.labels)
    click.echo(f"{network.spec.name} on {data.name}, {tests:,} test images\n")
    show_rows(
        [
            ("test error", f"{error_text(errors['test_error'], tests)}, 8-bit weights"),
            ("", f"{error_text(errors['test_error_ternary'], tests)}, ternary weights"),
            ("fingerprint", network.fingerprint),
        ]
    )


def _dataset_of(run: Path) -> str:
    from .. import runs
    from ..config import load_config

    path = run / runs.CONFIG
    values = load_config(path)
    if "dataset" not in values:
        raise UsageError(f"{path} names no dataset: add --dataset")
    return str(values["dataset"])
