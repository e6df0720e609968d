# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``make fuzz``: spoiled files of every kind and odd arguments, and nothing but lines come back.

Every target runs in a process of its own, which may take a GiB and 20 seconds a case. What it
must not do is shown with the smallest example that Hypothesis finds; seed and target repeat it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import arguments
import judging
import targets

_ARGUMENTS = "arguments"
_NAMES = [_ARGUMENTS, *targets.TARGETS]
_MOST = 4  # at once
_SILENCE = 900  # seconds, after which a target hangs in what no signal reaches


@click.command()
@click.option("--cases", default=700, help="Of each target and round.")
@click.option("--minutes", default=0.0, help="Rounds with other seeds, until they are over.")
@click.option("--seed", "first", default=1, help="Of the first round.")
@click.option("--target", multiple=True, type=click.Choice(_NAMES), help="Only these.")
@click.option("--inside", type=click.Path(path_type=Path), hidden=True, help="One target's.")
def main(
    cases: int, minutes: float, first: int, target: tuple[str, ...], inside: Path | None
) -> None:
    """Spoil files and arguments, and say what the package could not take."""
    if inside is not None:
        _run_target(target[0], inside, first, cases)
        return
    end = time.monotonic() + 60 * minutes
    with (
        tempfile.TemporaryDirectory(prefix="fewmult-fuzz-") as folder,
        ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST)) as many,
    ):
        _prepare(Path(folder))
        targets.make_good(Path(folder, "good"))
        failed, total, number = 0, 0, first
        while number == first or time.monotonic() < end:
            run = partial(_round, folder=Path(folder), number=number, cases=cases)
            for ran, broken, said in many.map(run, target or _NAMES):
                click.echo(said)
                total, failed = total + ran, failed + broken
            number += 1
    click.echo(f"{total} cases, seeds {first} to {number - 1}: {failed} targets failed")
    sys.exit(1 if failed else 0)


def _prepare(folder: Path) -> None:
    """An environment in which nothing of the user's is read or written."""
    (folder / "good").mkdir()
    (folder / "cache").mkdir()
    (folder / "home").mkdir()
    os.environ.update(FEWMULT_CACHE=str(folder / "cache"), HOME=str(folder / "home"))
    os.environ.update(OPENBLAS_NUM_THREADS="1", MPLCONFIGDIR=str(folder / "home"), PATH="/nowhere")
    os.environ.pop("FEWMULT_DATA", None)


def _round(name: str, folder: Path, number: int, cases: int) -> tuple[int, bool, str]:
    """Runs a target in a process of its own: how many cases, whether one failed, what to say."""
    share = targets.TARGETS[name].share if name in targets.TARGETS else 4.0
    count = max(1, round(cases * share))
    began = time.monotonic()
    words = ["--target", name, "--inside", folder, "--seed", number, "--cases", count]
    command = [sys.executable, Path(__file__).parent, *words]
    try:
        found = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            timeout=_SILENCE,
            capture_output=True,
            check=False,
        )
        broken, said = found.returncode != 0, found.stdout + found.stderr
    except subprocess.TimeoutExpired as late:
        broken, said = True, (late.stdout or b"") + b"it hangs"
    seconds = time.monotonic() - began
    state = "FAILED" if broken else "ok"
    line = f"{name:26} seed {number:<6} {count:6} cases {seconds:6.1f} s  {state}"
    return count, broken, f"{line}\n{said.decode(errors='replace')}" if broken else line


def _run_target(name: str, folder: Path, number: int, cases: int) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
    # Beside a case, as its readers expect it.
    (scratch / "good").symlink_to(folder / "good")
    # Others run meanwhile.
    os.environ["FEWMULT_CACHE"] = str(scratch / "cache")
    os.chdir(scratch)
    case = arguments.case if name == _ARGUMENTS else targets.TARGETS[name].case

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        case(data.draw, folder / "good", scratch)

    judging.limit_memory()
    fuzz()


if __name__ == "__main__":
    main()
