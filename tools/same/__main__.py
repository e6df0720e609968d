# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``python tools/same BASE [HEAD]``: what must be equal between two commits, and is not.

Each commit is unpacked into a folder of its own, installed and run there; what is in the checkout,
committed or not, counts for nothing. What was found of a commit stays in ``build/same``, so that
the next comparison makes the new one only.
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
MOST = 20  # lines of a section that are shown


@click.command()
@click.argument("base")
@click.argument("head", default="HEAD")
@click.option("--again", is_flag=True, help="Make anew what build/same has.")
def main(base: str, head: str, again: bool) -> None:
    """Compare what must be equal between the commits BASE and HEAD; exit code 1 if it is not."""
    names = [_commit(name) for name in (base, head)]
    one, other = (_found(name, again) for name in names)
    differences = comparing.differences(one, other)
    for section in finding.SECTIONS:
        lines = differences.get(section, [])
        count = len(comparing.flat(other.get(section, {})))
        click.echo(f"{section:10} {f'{len(lines)} differ' if lines else f'{count} values, equal'}")
        for line in lines[:MOST]:
            click.echo(f"  {line}")
        if len(lines) > MOST:
            click.echo(f"  and {len(lines) - MOST} more")
    sys.exit(1 if differences else 0)


def _commit(name: str) -> str:
    command = ["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise click.UsageError(f"there is no commit {name}: see `git log`")
    return found.stdout.strip()


def _found(commit: str, again: bool) -> dict[str, Any]:
    """What a commit has of every section, kept for as long as this tool stays the same."""
    tool = hashlib.sha256(Path(finding.__file__).read_bytes()).hexdigest()
    kept = ROOT / "build" / "same" / f"{commit[:12]}-{tool[:12]}.json"
    if again or not kept.is_file():
        click.echo(f"{commit[:12]}: installed and run, which takes minutes", err=True)
        with tempfile.TemporaryDirectory(prefix="fewmult-same-") as folder:
            found = finding.find(_unpack(commit, Path(folder, "tree")), Path(folder))
        kept.parent.mkdir(parents=True, exist_ok=True)
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
