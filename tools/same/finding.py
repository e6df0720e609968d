# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a commit must keep, found by running it.

Commits lay their files out differently: only commands that a user has, the golden files and the
testbenches are relied on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

SECTIONS = ("training", "golden", "loops", "estimate", "ops")

TRAIN = "--net 64-32-24-10 --epochs 3"
TRAININGS = {
    "ternary": "",
    "binary": "--method binary-qbp",
    "8 bits": "--master-bits 8",
    "binary, 8 bits": "--method binary-qbp --master-bits 8",
    "perturbed": "--perturb 16",
    "sharpened": "--sharpen 5",
    "batch of 32": "--batch 32 --seed 7",
    "binary, perturbed and sharpened": "--method binary-qbp --perturb 16 --sharpen 3",
    "oracle": "--backend numpy",
    "float": "--method float",
    "BinaryConnect": "--method binary",
    "preset": "--preset digits --epochs 1",
}
# Of summary.json; the rest is the machine's and the day's.
RESULTS = re.compile(
    r"(best_)?fingerprint|(validation|test)_error\w*|steps|\w+_per_step|best_epoch"
)
ESTIMATES = {
    "the paper's": "",
    "digits": "--net 64-256-256-10 --samples 1438 --validation 180",
    "binary, 8 bits": "--net 784-300-10 --method binary-qbp --master-bits 8 --batch 64",
    "perturbed": "--net 784-300-10 --perturb 16 --batch 256 --mhz 150",
    "odd sizes": "--net 70-130-33-17 --batch 16",
    "other tile": "--tile kLog2Inputs=5",
}
OPS = {
    "the paper's": "",
    "digits": "--net 64-256-256-10 --batch 128",
    "binary": "--net 70-130-33-17 --method binary-qbp --batch 16 --no-batch-norm",
    "float": "--method float",
}
_MODULES = ("proof/golden.py", "golden.py")
_CMAKE = (
    shutil.which("cmake", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "cmake"
)

# The kernels count how often each pipelined loop is entered and how often it turns.
COUNTS = """\
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
namespace counts {
struct Table {
  std::int64_t numbers[4000] = {};
  ~Table() {
    std::FILE* file = std::fopen(std::getenv("COUNTS"), "w");
    for (std::int64_t number : numbers) std::fprintf(file, "%lld\\n", (long long)number);
    std::fclose(file);
  }
};
inline bool count(int k) {
  static Table table;
  ++table.numbers[k];
  return true;
}
}
"""


class UnusableError(Exception):
    """A commit that cannot be installed or run."""


def find(tree: Path, scratch: Path, native: Path) -> dict[str, Any]:
    """Install a commit's tree and run it.

    Args:
        tree: its files; the kernels among them are changed.
        scratch: an empty folder for all else, beside the tree.
        native: a folder for what is compiled; what it has of an earlier commit with the same C++ is
            taken from there.

    Returns:
        What was found, by section.

    Raises:
        UnusableError: it does not install, or has no golden vectors.
    """
    site = _install(tree, scratch / "site", native)
    package = Package(site, scratch)
    golden = scratch / "golden"
    package.write_golden(golden)
    return {
        "training": {name: package.train(options) for name, options in TRAININGS.items()},
        "golden": {path.stem: read_golden(path) for path in sorted(golden.glob("*.bin"))},
        "loops": _loops(tree, golden, scratch, native),
        "estimate": {
            name: package.json("estimate", options) for name, options in ESTIMATES.items()
        },
        "ops": {name: package.json("ops", options) for name, options in OPS.items()},
    }


def _install(tree: Path, site: Path, native: Path) -> Path:
    kept = list(native.glob("_kernels*.so"))
    # Without its C++, as it is installed on a board.
    pure = ["-C", "wheel.cmake=false"] if kept else []
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--no-build-isolation", *pure, "--target", site, tree, cwd=tree)  # fmt: skip
    package = site / "fewmult_hls"
    for module in kept:
        shutil.copy2(module, package)
    if not kept:
        _keep(package.glob("_kernels*.so"), native)
    return site


def _keep(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        part = folder / f"{os.getpid()}.part"
        shutil.copy2(file, part)
        part.replace(folder / file.name)


class Package:
    """An installed commit.

    Args:
        site: where it is installed.
        scratch: a folder to run in.
    """

    def __init__(self, site: Path, scratch: Path) -> None:
        self._site, self._scratch = site, scratch

    def train(self, options: str) -> dict[str, Any]:
        """Results of a run, or why it was refused."""
        out = self._scratch / "run"
        said = self._fewmult("train", *TRAIN.split(), *options.split(), "--out", out, "--overwrite")
        if said.returncode:
            return {"refused": said.stderr}
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        return {name: value for name, value in summary.items() if RESULTS.fullmatch(name)}

    def json(self, command: str, options: str) -> dict[str, Any]:
        """What a command prints with ``--json``, or why it was refused."""
        said = self._fewmult(command, "--json", *options.split())
        return {"refused": said.stderr} if said.returncode else json.loads(said.stdout)

    def write_golden(self, folder: Path) -> None:
        """Write the commit's golden vectors."""
        file = next(one for one in _MODULES if (self._site / "fewmult_hls" / one).is_file())
        module = f"fewmult_hls.{file.removesuffix('.py').replace('/', '.')}"
        _run(sys.executable, "-m", module, folder, cwd=self._scratch, env=self._environment())

    def _fewmult(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fewmult_hls", *map(str, words)]
        return subprocess.run(
            command, cwd=self._scratch, env=self._environment(), capture_output=True, text=True
        )

    def _environment(self) -> dict[str, str]:
        ours = {"PYTHONPATH": str(self._site), "FEWMULT_CACHE": str(self._scratch / "cache")}
        return {**{k: v for k, v in os.environ.items() if not k.startswith("FEWMULT_")}, **ours}


def read_golden(path: Path) -> list[dict[str, str]]:
    """A checksum of every array of every case of a golden file, in its order.

    The names of cases are for people, and may change.
    """
    content, at = path.read_bytes(), 8

    def take(form: str) -> tuple[Any, ...]:
        nonlocal at
        found = struct.unpack_from(f"<{form}", content, at)
        at += struct.calcsize(f"<{form}")
        return found

    def text() -> str:
        (length,) = take("I")
        return str(take(f"{length}s")[0], "ascii")

    version, count = take("II")
    if version != 1:
        raise ValueError(f"{path.name} has version {version}, which this does not read")
    cases = []
    for _ in range(count):
        text()
        arrays = {}
        for _ in range(take("I")[0]):
            array = text()
            kind, size, elements = take("cBI")
            (data,) = take(f"{size * elements}s")
            arrays[array] = f"{kind.decode()}{size} {hashlib.sha256(data).hexdigest()[:16]}"
        cases.append(arrays)
    return cases


def count_loops(kernels: Path) -> int:
    """Put counters into the pipelined loops of the sources in a folder.

    Returns:
        The number of loops: loop k counts its entries in 2 k and its turns in 2 k + 1.
    """
    number = 0
    for path in sorted(kernels.glob("*.[ch]pp")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for at, line in enumerate(lines):
            if "#pragma HLS PIPELINE" not in line:
                continue
            head = next(k for k in range(at, -1, -1) if "for (" in lines[k])
            entry = f"if (::counts::count({2 * number})) for ("
            lines[head] = lines[head].replace("for (", entry, 1)
            lines[at] += f"\n::counts::count({2 * number + 1});"
            number += 1
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return number


def _loops(tree: Path, golden: Path, scratch: Path, native: Path) -> dict[str, list[str]]:
    """Entries and turns of the loops that each top ran over its golden cases, sorted.

    Loops have no names here: a commit may move and rename them.
    """
    kernels = [path.stem for path in sorted(golden.glob("*.bin"))]
    if not all((native / f"{kernel}_tb").is_file() for kernel in kernels):
        _keep(_testbenches(tree, kernels, scratch), native)
    found = {}
    for kernel in kernels:
        counts = scratch / "counts"
        environment = {**os.environ, "COUNTS": str(counts)}
        _run(native / f"{kernel}_tb", golden, cwd=scratch, env=environment)
        numbers = list(map(int, counts.read_text().split()))
        pairs = sorted(zip(numbers[::2], numbers[1::2], strict=True))
        found[kernel] = [f"{entries} times {turns} turns" for entries, turns in pairs if turns]
    return found


def _testbenches(tree: Path, kernels: Sequence[str], scratch: Path) -> list[Path]:
    """Testbenches that count loops."""
    count_loops(tree / "kernels")
    (scratch / "counts.hpp").write_text(COUNTS)
    build, names = scratch / "testbenches", [f"{kernel}_tb" for kernel in kernels]
    _run(_CMAKE, "-S", tree, "-B", build, "-DFEWMULT_TESTBENCHES=ON", "-DCMAKE_BUILD_TYPE=Debug",
         f"-DCMAKE_CXX_FLAGS=-w -O1 -include {scratch / 'counts.hpp'}", cwd=scratch)  # fmt: skip
    _run(_CMAKE, "--build", build, "--target", *names, cwd=scratch)
    return [build / name for name in names]


def _run(*command: str | Path, **options: Any) -> None:
    """A step without which nothing is found."""
    words = list(map(str, command))
    done = subprocess.run(words, **options, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}"
        raise UnusableError(f"{' '.join(words)}: exit code {done.returncode}\n{said}")
