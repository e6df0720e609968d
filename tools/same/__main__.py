# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``python tools/same BASE [HEAD]``: what must be equal between commits, and is not.

Each commit is unpacked into a folder of its own, installed and run there; what is in the checkout,
committed or not, counts for nothing. What was found of a commit, and what was compiled of its C++,
stays in ``build/same`` for all commits that have the same sources.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

import comparing
import finding

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "same"
MOST = 20  # lines of a section that are shown
CPP = ("kernels", "bindings", "testbench", "CMakeLists.txt")
SOURCES = (*CPP, "pyhost", "pyproject.toml")  # what an installation and the testbenches are made of


@click.command()
@click.argument("base")
@click.argument("head", default="HEAD")
@click.option(
    "--each",
    is_flag=True,
    help="Compare every commit behind BASE, up to HEAD, with the one before it.",
)
def main(base: str, head: str, each: bool) -> None:
    """Compare what must be equal between the commits BASE and HEAD; exit code 1 if it is not."""
    first, last = _commit(base), _commit(head)
    if not each:
        sys.exit(0 if _compare(first, last) else 1)
    equal = True
    for commit in _changes(first, last):
        click.echo(f"\n{_git('show', '--no-patch', '--format=%h %s', commit)}")
        equal &= _compare(_commit(f"{commit}^"), commit)
    sys.exit(0 if equal else 1)


def _compare(base: str, head: str) -> bool:
    """Whether two commits are the same, said section by section."""
    try:
        one, other = (_found(commit) for commit in (base, head))
    except finding.UnusableError as error:
        click.echo(error)
        return False
    differences = comparing.differences(one, other)
    for section in finding.SECTIONS:
        lines = differences.get(section, [])
        count = len(comparing.flat(other.get(section, {})))
        click.echo(f"{section:10} {f'{len(lines)} differ' if lines else f'{count} values, equal'}")
        for line in lines[:MOST]:
            click.echo(f"  {line}")
        if len(lines) > MOST:
            click.echo(f"  and {len(lines) - MOST} more")
    return not differences


def _commit(name: str) -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except subprocess.CalledProcessError:
        raise click.UsageError(f"there is no commit {name}: see `git log`") from None


def _changes(base: str, head: str) -> list[str]:
    """The commits that change a source, the oldest first."""
    return _git("rev-list", "--reverse", f"{base}..{head}", "--", *SOURCES).split()


def _git(*words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def _found(commit: str) -> dict[str, Any]:
    """What a commit has of every section, kept for as long as this tool stays the same."""
    tool = Path(finding.__file__).read_text(encoding="utf-8")
    native, sources = (_digest(tool, _git("ls-tree", commit, *names)) for names in (CPP, SOURCES))
    kept = KEPT / f"{sources}.json"
    if not kept.is_file():
        click.echo(f"{commit[:12]}: installed and run, which takes minutes", err=True)
        with tempfile.TemporaryDirectory(prefix="fewmult-same-") as folder:
            tree = _unpack(commit, Path(folder, "tree"))
            found = finding.find(tree, Path(folder), KEPT / native)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(found, indent=1), encoding="utf-8")
        part.replace(kept)
    content: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return content


def _unpack(commit: str, folder: Path) -> Path:
    command = ["git", "archive", "--format=tar", commit]
    content = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=content, check=True)
    return folder


if __name__ == "__main__":
    main(prog_name="python tools/same")
