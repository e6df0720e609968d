# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Compares 13 and 20 rounds of Threefry-2x32 (docs/arithmetic.md, section 3).

Speed of the kernels' draws on one thread; quality of the draws in the pattern in which training
draws them, with fewer rounds for contrast; an estimate of the cost in the fabric.

    python benchmarks/threefry_rounds.py [--json]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import platform
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewmult_hls.oracle.draws import Purpose, purpose_word
from fewmult_hls.oracle.threefry import threefry

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = (13, 20)
WEAK_ROUNDS = (8, 9)  # for contrast: tests that nothing fails show nothing
FLAGS = {"-O3": ["-O3"], "-O3 -march=native": ["-O3", "-march=native"]}

# A training step of 784-1024-1024-1024-10 at batch 128: 2.91 million weights in whole packed
# words, the codes of the inputs and of three hidden layers, the deltas of the hidden layers.
BATCH = 128
WORDS = 13 * 1024 + 2 * 16 * 1024 + 16 * 10
UNITS = 784 + 3 * 1024 + 3 * 1024

# A test fails when its worst cell is as far off as chance takes it once in a million tests.
CHANCE = 1e-6

Draws = npt.NDArray[np.uint64]
Deviation = tuple[float, int]  # the worst cell, in standard deviations, and how many cells


def compile_draws(rounds: int, flags: list[str], folder: Path) -> ctypes.CDLL:
    """The C++ half as a library, whose kernels draw with so many rounds."""
    header, changed = re.subn(
        r"kThreefryRounds = \d+",
        f"kThreefryRounds = {rounds}",
        (ROOT / "kernels" / "threefry.hpp").read_text(),
    )
    if changed != 1:
        raise SystemExit("kernels/threefry.hpp no longer says how many rounds there are")
    (folder / "kernels").mkdir(parents=True)
    (folder / "kernels" / "threefry.hpp").write_text(header)
    library = folder / "draws.so"
    source = ROOT / "benchmarks" / "threefry_rounds.cpp"
    includes = [f"-I{folder}", f"-I{ROOT}"]
    shared = ["-std=c++14", "-Wno-unknown-pragmas", "-shared", "-fPIC"]
    subprocess.run(["g++", *shared, *flags, *includes, source, "-o", library], check=True)
    return ctypes.CDLL(str(library))


# --- Speed


def seconds(call: Callable[..., Any], *arguments: int) -> float:
    """Time of this thread: what others do on a shared core does not count."""
    start = time.thread_time()
    call(*arguments)
    return time.thread_time() - start


def measure_speed(
    libraries: dict[tuple[int, str], ctypes.CDLL], repetitions: int
) -> list[dict[str, Any]]:
    """Median and quartiles for every build; the builds take turns."""
    times: dict[tuple[int, str], list[tuple[float, float]]] = {build: [] for build in libraries}
    for turn in range(repetitions + 1):
        for build, library in libraries.items():
            weights = seconds(library.draw_weights, WORDS, turn)
            samples = seconds(library.draw_samples, UNITS, BATCH, turn)
            if turn > 0:  # the first turn warms up
                times[build].append((weights, samples))
    return [
        {
            "rounds": rounds,
            "flags": flags,
            "halves_gbit_s": quartiles([WORDS * 64 * 16 / w / 1e9 for w, _ in pairs]),
            "bytes_gbit_s": quartiles([UNITS * BATCH * 8 / s / 1e9 for _, s in pairs]),
            "step_ms": quartiles([(w + s) * 1e3 for w, s in pairs]),
        }
        for (rounds, flags), pairs in times.items()
    ]


def quartiles(values: list[float]) -> list[float]:
    """First quartile, median, third quartile."""
    return [round(q, 3) for q in statistics.quantiles(values, n=4)]


# --- Quality


def stream(
    library: ctypes.CDLL, rounds: int, count: int, *, steps: bool = False, **key: int
) -> Draws:
    """Draws of consecutive elements at step 1000, or of consecutive steps for element 1000."""
    out = np.empty(count, dtype=np.uint64)
    purpose = purpose_word(Purpose(key.get("purpose", Purpose.WEIGHTS)), key.get("layer", 1))
    pointer = out.ctypes.data_as(ctypes.c_void_p)
    library.draw_stream(rounds, key.get("seed", 1), purpose, steps, 1000, count, pointer)
    return out


def streams(library: ctypes.CDLL, rounds: int, count: int) -> Iterator[tuple[str, Draws]]:
    """What must look random: draws, and exclusive ors of draws whose inputs are neighbours."""
    elements = stream(library, rounds, count)
    yield "elements", elements
    yield "element ^ next", elements[1:] ^ elements[:-1]
    steps = stream(library, rounds, count, steps=True)
    yield "steps", steps
    yield "step ^ next", steps[1:] ^ steps[:-1]
    for name, key in (
        ("seed ^ next", {"seed": 2}),
        ("layer ^ next", {"layer": 2}),
        ("purpose ^ next", {"purpose": Purpose.CODES}),
    ):
        yield name, elements ^ stream(library, rounds, count, **key)


def distribution(draws: Draws) -> dict[str, Deviation]:
    """Chi-squares of the four halves and their bytes, and the share of ones of every bit."""
    bits = np.arange(1 << 16)[:, None] >> np.arange(16) & 1
    halves, byte_values, ones = [], [], []
    for half in draws.view(np.uint16).reshape(-1, 4).T:
        counts = np.bincount(half, minlength=1 << 16)
        square = counts.reshape(256, 256)  # high byte, low byte
        halves.append(chi_square(counts))
        byte_values += [chi_square(square.sum(axis=0)), chi_square(square.sum(axis=1))]
        ones += list((counts @ bits - len(draws) / 2) / math.sqrt(len(draws) / 4))
    return {
        "bytes, chi-square": worst(byte_values),
        "low x high byte, chi-square": worst(halves),
        "ones of a bit": worst(ones),
    }


def chi_square(counts: npt.NDArray[Any]) -> float:
    """Distance of counts from equal counts, as a normal deviate (Wilson and Hilferty)."""
    freedom = len(counts) - 1
    value = float(((counts - counts.mean()) ** 2).sum() / counts.mean())
    spread = 2 / (9 * freedom)
    return ((value / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)


def correlation(draws: Draws) -> Deviation:
    """Of every byte with the next one drawn, and with the same byte of the next draw."""
    drawn = (draws.view(np.uint8).reshape(-1, 8).T - np.float32(127.5)).astype(np.float32)
    scale = len(draws) ** 0.5 * (256**2 - 1) / 12
    following = [np.append(drawn[k + 1][:-1], 0) if k < 7 else drawn[0][1:] for k in range(8)]
    pairs = [(drawn[k][: len(following[k])], following[k]) for k in range(8)]
    pairs += [(byte[:-1], byte[1:]) for byte in drawn]
    return worst([float(np.dot(a, b)) / scale for a, b in pairs])


def collisions(draws: Draws) -> Deviation:
    """Equal 32-bit words among a million: low words, high words."""
    words = draws[: 1 << 20].view(np.uint32).reshape(-1, 2).T
    expected = len(words[0]) ** 2 / 2**33
    found = [np.count_nonzero(np.diff(np.sort(word)) == 0) for word in words]
    return worst([(n - expected) / math.sqrt(expected) for n in found])


def birthday_spacings(draws: Draws) -> Deviation:
    """Marsaglia's test: equal distances between 4096 birthdays in a year of 2^32 days."""
    found = []
    for word in draws.view(np.uint32).reshape(-1, 2).T:
        years = np.sort(word[: len(word) >> 12 << 12].reshape(-1, 4096), axis=1)
        spacings = np.sort(np.diff(years, axis=1), axis=1)
        found.append(np.count_nonzero(spacings[:, 1:] == spacings[:, :-1]))
    expected = len(years) * 4096**3 / 2**34
    return worst([(n - expected) / math.sqrt(expected) for n in found])


def avalanche(library: ctypes.CDLL, rounds: int, count: int) -> Deviation:
    """Every input bit must flip every output bit half of the times."""
    flips = np.zeros(128 * 64, dtype=np.uint32)
    library.count_flips(rounds, count, flips.ctypes.data_as(ctypes.c_void_p))
    return worst(list((flips - count / 2) / math.sqrt(count / 4)))


def worst(deviations: list[float]) -> Deviation:
    """The cell that is furthest off."""
    return float(max(map(abs, deviations))), len(deviations)


def limit(cells: int) -> float:
    """How far off the worst of so many cells may be."""
    return statistics.NormalDist().inv_cdf(1 - CHANCE / (2 * cells))


def measure_quality(library: ctypes.CDLL, rounds: int, count: int) -> list[dict[str, Any]]:
    """Every test of every stream."""
    check_draws(library, rounds)
    found = [("avalanche, 128 x 64 cells", "flipped bits", avalanche(library, rounds, count >> 3))]
    for name, draws in streams(library, rounds, count):
        found += [(test, name, deviation) for test, deviation in distribution(draws).items()]
        found += [
            ("correlation, lag 1", name, correlation(draws)),
            ("equal words", name, collisions(draws)),
            ("birthday spacings", name, birthday_spacings(draws)),
        ]
    return [
        {"test": test, "stream": name, "rounds": rounds, "sigma": round(sigma, 2)}
        | {"limit": round(limit(cells), 2), "passed": sigma < limit(cells)}
        for test, name, (sigma, cells) in found
    ]


def check_draws(library: ctypes.CDLL, rounds: int) -> None:
    """The C++ half draws what the oracle draws."""
    low, high = threefry(
        (1, purpose_word(Purpose.WEIGHTS, 1)), (np.arange(4096), np.uint32(1000)), rounds
    )
    expected = high.astype(np.uint64) << np.uint64(32) | low
    if not np.array_equal(stream(library, rounds, 4096), expected):
        raise SystemExit(f"{rounds} rounds: the C++ draws differ from the oracle's")


# --- Fabric


def estimate_fabric(rounds: int) -> dict[str, int]:
    """32-bit operators of one draw, and LUTs of one pipeline that draws every cycle.

    A rotation is wiring. An adder takes 32 LUTs and so does an exclusive or, but for the one
    before an injection, which fits the LUTs of the injection's adder. The key's sums and its
    parity do not change within a call of a kernel and are not counted. The adders in series, with
    an exclusive or for every round between them, decide after how many cycles the first draw comes.
    """
    injections = rounds // 4
    adders = rounds + 2 * (1 + injections)
    return {
        "rounds": rounds,
        "injections": injections,
        "adders": adders,
        "xors": rounds,
        "adders_in_series": 1 + rounds + injections,
        "luts": 32 * (adders + rounds - injections),
    }


# --- Report


def show(report: dict[str, Any]) -> None:
    """Prints the report for reading."""
    print(f"{report['date']}, {report['cpu']}, {report['compiler']}")
    print(f"\nSpeed, one thread: median [quartiles] of {report['repetitions']} repetitions")
    print("rounds  flags              halves, Gbit/s        bytes, Gbit/s         step, ms")
    for row in report["speed"]:
        shown = [
            f"{median:5.2f} [{first:.2f}-{third:.2f}]"
            for first, median, third in (
                row[k] for k in ("halves_gbit_s", "bytes_gbit_s", "step_ms")
            )
        ]
        columns = "".join(f"{text:22}" for text in shown).rstrip()
        print(f"{row['rounds']:6}  {row['flags']:19}{columns}")

    print(f"\nQuality, {report['draws']:,} draws a stream: worst cell in sigma, ! where it fails")
    settings = sorted({row["rounds"] for row in report["quality"]})
    header = "".join(f"{rounds:>10} r." for rounds in settings)
    print(f"{'test':29}{'stream':16}{'limit':>6}{header}")
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in report["quality"]:
        rows.setdefault((row["test"], row["stream"]), []).append(row)
    for (test, name), results in sorted(rows.items()):
        cells = "".join(f"{r['sigma']:12.2f}{' ' if r['passed'] else '!'}" for r in results)
        print(f"{test:29}{name:16}{results[0]['limit']:6.2f}{cells}".rstrip())
    failed = [
        sum(r["rounds"] == s and not r["passed"] for r in report["quality"]) for s in settings
    ]
    print(f"{'failed, of ' + str(len(rows)):51}" + "".join(f"{n:12} " for n in failed).rstrip())

    print("\nFabric, an estimate: one pipeline that makes 64 bits a cycle")
    for row in report["fabric"]:
        print(
            f"{row['rounds']:6} rounds, {row['injections']} injections: {row['adders']} adders "
            f"({row['adders_in_series']} in series) and {row['xors']} xors of 32 bits, "
            f"some {row['luts']} LUTs"
        )


def cpu_name() -> str:
    """The processor, as the kernel names it."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--repetitions", type=int, default=100, help="of the speeds")
    parser.add_argument("--log2-draws", type=int, default=21, help="64-bit draws of a stream")
    arguments = parser.parse_args()
    count = 1 << arguments.log2_draws
    version = subprocess.run(["g++", "--version"], check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as folder:
        libraries = {
            (rounds, name): compile_draws(rounds, flags, Path(folder, f"{rounds}{name}"))
            for name, flags in FLAGS.items()
            for rounds in ROUNDS
        }
        fast = libraries[ROUNDS[0], "-O3 -march=native"]
        report = {
            "date": time.strftime("%Y-%m-%d"),
            "cpu": cpu_name(),
            "compiler": version.stdout.splitlines()[0],
            "repetitions": arguments.repetitions,
            "draws": count,
            "speed": measure_speed(libraries, arguments.repetitions),
            "quality": [
                row
                for rounds in (*WEAK_ROUNDS, *ROUNDS)
                for row in measure_quality(fast, rounds, count)
            ],
            "fabric": [estimate_fabric(rounds) for rounds in ROUNDS],
        }
    if arguments.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)


if __name__ == "__main__":
    main()
