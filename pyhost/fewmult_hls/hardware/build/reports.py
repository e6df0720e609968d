# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the vendor's tools report of a plan: read into build.json, and judged.

A multiplier, a missed clock or a loop slower than its pragma asks is a failure, not a warning.

Every plan holds a copy of this file as check_reports.py, for a machine without this package: it
needs Python 3.8 and nothing else. Its folder is the plan's.
"""

from __future__ import annotations

import json
import re
import reprlib
import stat
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 1  # of build.json
SYNTHESIS = "work/hls/syn/report/csynth.xml"
IMPLEMENTATION = "work/hls/impl/report/verilog/export_impl.xml"
TIMING = "overlay/reports/timing_summary.rpt"
UTILIZATION = "overlay/reports/utilization.rpt"
OVERLAY = "overlay"
BAMBU = "bambu"
BAMBU_VERILOG = "bambu/verilog"  # a folder a kernel
_MOST_BYTES = 64 << 20  # of a file; real ones have a few MiB at most
_MOST_BRACKETS = 1000  # in plan.json
_MOST_DIGITS = 18
_LONGEST = 200  # of what is said of a damaged file

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_DECIMAL = re.compile(r"\s*-?[0-9]{1,12}(\.[0-9]{1,12})?\s*")
_SLACK = re.compile(r"\s*(-?[0-9]{1,9}\.[0-9]{1,9})\s")
_LOOP_LINE = re.compile(r"VITIS_LOOP_(\d+)_\d+")
_SITES = {
    "lut": r"(?:Slice|CLB) LUTs",
    "ff": r"(?:Slice|CLB) Registers",
    "bram36": r"Block RAM Tile",
    "dsp": r"DSPs",
}


class ReportError(ValueError):
    """A report is missing, damaged, or not of the form that is known."""


class Target(NamedTuple):
    """A loop of the sources, as plan.json names it.

    Attributes:
        place: file and line of its ``for``.
        label: or empty.
        interval: cycles from one iteration to the next; None if no pragma pipelines it.
    """

    place: str
    label: str
    interval: int | None


def read_synthesis(path: Path, loops: list[Target]) -> dict[str, Any]:
    """csynth.xml of Vitis HLS: estimates, and the loops of all modules.

    Args:
        path: of the file.
        loops: of the sources.

    Returns:
        ``tool``, ``top``, ``clock_ns``, ``wns_ns``, ``lut``, ``ff``, ``bram18``, ``dsp``,
        ``uram``, ``latency`` (cycles) and ``loops``.
    """
    root = _parse(path)
    target = _number(root, "UserAssignments/TargetClockPeriod")
    clock = _number(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")
    latency = root.find("PerformanceEstimates/SummaryOfOverallLatency")
    return {
        "tool": root.findtext("ReportVersion/Version", ""),
        "top": root.findtext("UserAssignments/TopModelName", ""),
        "clock_ns": clock,
        "wns_ns": round(target - clock, 3),
        **_area(root, "AreaEstimates/Resources", "BRAM_18K"),
        "latency": _latency(latency),
        "loops": [loop for module in root.iter("Module") for loop in _module_loops(module, loops)],
    }


def read_implementation(path: Path) -> dict[str, Any]:
    """export_impl.xml of Vitis HLS: a kernel, placed and routed by itself.

    Returns:
        ``clock_ns``, ``wns_ns``, ``lut``, ``ff``, ``bram18``, ``dsp``, ``uram``.
    """
    root = _parse(path)
    if root.findtext("RunData/RUN_TYPE", "impl") != "impl":
        raise ReportError(f"{path} is of a synthesis, not of an implementation")
    return {
        "clock_ns": _number(root, "TimingReport/CP_FINAL"),
        "wns_ns": _number(root, "TimingReport/WNS_FINAL"),
        **_area(root, "AreaReport/Resources", "BRAM"),
    }


def read_overlay(timing: Path, utilization: Path) -> dict[str, Any]:
    """Vivado's report_timing_summary and report_utilization of the routed overlay.

    Returns:
        ``wns_ns``, ``lut``, ``ff``, ``bram18``, ``dsp``.
    """
    slack = _slack(_read(timing))
    if slack is None:
        raise ReportError(f"{timing} names no WNS: are there constraints at all?")
    text = _read(utilization)
    used = {}
    for name, site in _SITES.items():
        row = re.search(
            rf"^\|\s*{site}\*?\s*\|\s*([0-9]{{1,12}}(?:\.[0-9]{{1,9}})?)\s*\|", text, re.MULTILINE
        )
        if not row:
            raise ReportError(f"{utilization} has no row of {name.upper()}")
        used[name] = float(row[1])
    return {
        "wns_ns": slack,
        "lut": int(used["lut"]),
        "ff": int(used["ff"]),
        "bram18": int(2 * used["bram36"]),
        "dsp": int(used["dsp"]),
    }


def _slack(text: str) -> float | None:
    """The number below WNS(ns), or None."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.lstrip().startswith("WNS(ns)"):
            break
    values = next((line for line in lines if line.strip(" -")), "")
    found = _SLACK.match(values + "\n")
    return float(found[1]) if found else None


def _read(path: Path) -> str:
    """A regular file of bounded size; a pipe would be waited for, a device has no end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ReportError(f"cannot read {path}: it is no regular file")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ReportError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise ReportError(f"cannot read {path}: it has more than {_MOST_BYTES:,} bytes")
    return content.decode("utf-8-sig", errors="replace")


def _parse(path: Path) -> ET.Element:
    text = _read(path)
    if "<!DOCTYPE" in text:  # only there could it have entities, which grow without end
        raise ReportError(f"{path} is damaged: it declares a document type")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ReportError(f"{path} is damaged: {error}") from error
    if root.tag != "profile":
        raise ReportError(f"{path} is not a report of Vitis HLS")
    return root


def _number(root: ET.Element, path: str) -> float:
    text = root.findtext(path, "")
    if not _DECIMAL.fullmatch(text):
        raise ReportError(f"{path} of the report is no number: {reprlib.repr(text)}")
    return float(text)


def _area(root: ET.Element, path: str, bram: str) -> dict[str, int]:
    names = {"lut": "LUT", "ff": "FF", "bram18": bram, "dsp": "DSP", "uram": "URAM"}
    return {name: round(_number(root, f"{path}/{tag}")) for name, tag in names.items()}


def _module_loops(module: ET.Element, loops: list[Target]) -> list[dict[str, Any]]:
    name = module.findtext("Name", "")
    summary = module.find("PerformanceEstimates/SummaryOfLoopLatency")
    sources: dict[str, set[str]] = {}
    for node in module.iter("BindNode"):
        place = Path(node.get("SOURCE", "")).name  # file:line of an operation in the loop
        sources.setdefault(node.get("LOOP", ""), set()).add(place)
    found = []
    for element in () if summary is None else _loops(summary):
        loop = element.findtext("Name") or element.tag
        interval = _integer(element.findtext("PipelineII"))
        found.append(
            {
                "name": loop,
                "module": name,
                "ii": interval,
                "target_ii": _target(loop, sources.get(loop, set()), loops),
                "depth": _integer(element.findtext("PipelineDepth")),
                "trip_count": _span(element.find("TripCount")),
                "latency": _span(element.find("Latency")),
            }
        )
    return found


def _loops(element: ET.Element) -> Iterator[ET.Element]:
    """Loops, outer before inner; each lies in the one around it."""
    pending = list(reversed(element))
    while pending:
        child = pending.pop()
        if child.find("TripCount") is not None or child.find("Latency") is not None:
            yield child
            pending += reversed(child)


def _target(name: str, places: set[str], loops: list[Target]) -> int | None:
    """What is asked of a loop; loops that are one in hardware have names that are joined.

    Vitis names a loop by its label or, without one, by its line. Where several files have loops in
    that line, the places of its operations tell which is meant.
    """
    lines = _LOOP_LINE.findall(name)
    innermost = [loop for loop in loops if lines and loop.place.endswith(f":{lines[-1]}")]
    labelled = [loop for loop in loops if loop.label and name.endswith(loop.label)]
    candidates = labelled or innermost
    candidates = [loop for loop in candidates if loop.place in places] or candidates
    asked = {loop.interval for loop in candidates}
    return asked.pop() if len(asked) == 1 else None


def _integer(text: str | None) -> int | None:
    digits = (text or "").strip()
    if len(digits) > _MOST_DIGITS:
        raise ReportError(f"a number of the report has {len(digits):,} characters")
    return int(digits) if digits.isdecimal() else None


def _span(element: ET.Element | None) -> list[int] | None:
    """``12``, ``12 ~ 34`` or <range>: smallest and largest; None where the tool cannot tell."""
    if element is None:
        return None
    least, most = element.findtext("range/min"), element.findtext("range/max")
    texts = (element.text or "").split("~") if least is None else [least, most or ""]
    return _ends(texts[0], texts[-1])


def _latency(summary: ET.Element | None) -> list[int] | None:
    if summary is None:
        return None
    return _ends(summary.findtext("Best-caseLatency"), summary.findtext("Worst-caseLatency"))


def _ends(least: str | None, most: str | None) -> list[int] | None:
    ends = (_integer(least), _integer(most))
    return None if ends[0] is None or ends[1] is None else [ends[0], ends[1]]


def read_bambu(plan: Path, name: str) -> dict[str, Any]:
    """What Bambu left of a kernel, and what Yosys counts in its Verilog.

    Args:
        plan: its folder.
        name: of the kernel.

    Returns:
        ``tool``, ``cases`` that were equal in co-simulation and its ``cycles``, ``lut``, ``ff``,
        ``bram18`` and ``dsp``; None for what is not known.
    """
    folder = plan / BAMBU_VERILOG / name
    said = _read(folder / "version.txt") if (folder / "version.txt").is_file() else ""
    log = plan / "logs" / f"{name}.bambu_cosim.log"
    text = _read(log) if log.is_file() else ""
    cases = re.findall(rf"(?:^|\s){name}: ([0-9]{{1,9}}) cases, all equal", text)
    cycles = re.findall(r"Total cycles\s*:\s*([0-9]{1,18})", text)
    return {
        "tool": next((line.strip()[:200] for line in said.splitlines() if line.strip()), ""),
        "cases": int(cases[-1]) if cases else None,
        "cycles": int(cycles[-1]) if cycles else None,
        **_yosys_area(folder / "area.json"),
    }


# LUT of each primitive that Yosys makes: UG474, distributed RAM and shift registers.
_PRIMITIVES = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4}


def _yosys_area(path: Path) -> dict[str, Any]:
    """``stat -json`` of Yosys after synth_xilinx."""
    area: dict[str, Any] = {"lut": None, "ff": None, "bram18": None, "dsp": None}
    if not path.is_file():
        return area
    try:
        cells = json.loads(_read(path))["design"]["num_cells_by_type"]
        counts = {str(kind): int(count) for kind, count in cells.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ReportError(f"{path} is no count of Yosys: {error}") from error
    luts = {kind: count for kind, count in counts.items() if re.fullmatch("LUT[1-6]|SRL.*", kind)}
    rams = sum(count * _PRIMITIVES.get(kind, 0) for kind, count in counts.items())
    return {
        "lut": sum(luts.values()) + rams,
        "ff": sum(count for kind, count in counts.items() if kind.startswith("FD")),
        "bram18": counts.get("RAMB18E1", 0) + 2 * counts.get("RAMB36E1", 0),
        "dsp": counts.get("DSP48E1", 0),
    }


def failures(name: str, found: dict[str, Any], dsp: int) -> list[str]:
    """What of a kernel or an overlay breaks the policy, one line each.

    Args:
        name: of the kernel, or ``overlay``.
        found: as read.
        dsp: how many may be used.
    """
    lines = []
    if (found["dsp"] or 0) > dsp:
        lines.append(f"{name}: {found['dsp']} DSP, and {dsp} may be used: a data path multiplies")
    if found.get("wns_ns", 0) < 0:
        lines.append(f"{name}: the clock is missed by {-found['wns_ns']:g} ns (WNS < 0)")
    for loop in found.get("loops", ()):
        asked = loop["target_ii"]
        if asked is None or (loop["ii"] is not None and loop["ii"] <= asked):
            continue
        got = "is not pipelined" if loop["ii"] is None else f"has II {loop['ii']}"
        where = f"{name}: loop {loop['name']} in {loop['module']}"
        lines.append(f"{where} {got}, and its pragma asks for II {asked}")
    return lines


def read_build(plan: Path) -> dict[str, Any]:
    """All that the tools have left in a plan, as build.json holds it.

    Raises:
        ReportError: the folder is no plan, or a report cannot be understood.
    """
    facts = _read_facts(plan / "plan.json")
    loops = facts.pop("loops")
    kernels, bambu = {}, {}
    for name in facts.pop("kernels"):
        folder = plan / "hls" / name
        if (plan / BAMBU_VERILOG / name / f"{name}_top.v").is_file():
            bambu[name] = read_bambu(plan, name)
        if (folder / SYNTHESIS).is_file():
            kernels[name] = {"from": "synthesis", **read_synthesis(folder / SYNTHESIS, loops)}
            if (folder / IMPLEMENTATION).is_file():
                real = read_implementation(folder / IMPLEMENTATION)
                kernels[name].update({"from": "implementation", **real})
    build = {"format": FORMAT, **facts, "kernels": kernels}
    if bambu:
        build[BAMBU] = bambu
    if (plan / TIMING).is_file() or (plan / UTILIZATION).is_file():
        build["routed"] = read_overlay(plan / TIMING, plan / UTILIZATION)
    return build


def _read_facts(path: Path) -> dict[str, Any]:
    """plan.json; its ``loops`` are as ``Target`` has them."""
    text = _read(path)
    reason = "not as it was written"
    if text.count("[") + text.count("{") <= _MOST_BRACKETS:  # more may be deeper than the stack
        try:
            facts = json.loads(text)
            names, loops = facts["kernels"], [Target(**loop) for loop in facts["loops"]]
            typed = [
                *((list, names), (list, facts["loops"]), (int, facts["limits"]["dsp"])),
                *((str, text) for loop in loops for text in (loop.place, loop.label)),
                *((int, loop.interval) for loop in loops if loop.interval is not None),
            ]
            if all(type(value) is kind for kind, value in typed) and all(
                map(_NAME.fullmatch, names)
            ):
                return {**facts, "loops": loops}
        except (ValueError, TypeError, KeyError) as error:
            reason = str(error)[:_LONGEST]
    raise ReportError(f"{path} is damaged: {reason}")


def main(plan: Path, names: list[str]) -> int:
    """Writes build.json, says what is in it of ``names`` (by default of all), and judges that.

    Returns:
        1 if the policy is broken or a report cannot be understood.
    """
    try:
        build = read_build(plan)
    except ReportError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    parts = dict(build["kernels"])
    if "routed" in build:
        parts[OVERLAY] = build["routed"]
    parts.update({f"{BAMBU}:{name}": found for name, found in build.get(BAMBU, {}).items()})
    try:
        _write(plan / "build.json", json.dumps(build, indent=2) + "\n")
    except OSError as error:
        sys.stderr.write(f"error: cannot write {plan / 'build.json'}: {error.strerror}\n")
        return 1
    broken = []
    for name in names or list(parts):
        if name not in parts:
            broken.append(f"{name}: there is no report")
            continue
        found = parts[name]
        sys.stdout.write(f"{name}: {', '.join(_said(found))}\n")
        broken += failures(name, found, build["limits"]["dsp"])
    for line in broken:
        sys.stderr.write(f"error: {' '.join(line.split())}\n")
    return 1 if broken else 0


def _said(found: dict[str, Any]) -> Iterator[str]:
    """What is known of a kernel or an overlay, in words."""
    if found.get("cases") is not None:
        yield f"{found['cases']} cases equal"
    if found.get("cycles") is not None:
        yield f"{found['cycles']} cycles"
    if found["lut"] is not None:
        yield f"{found['lut']} LUT, {found['ff']} FF, {found['bram18'] / 2:g} BRAM"
        yield f"{found['dsp']} DSP"
    if "wns_ns" in found:
        yield f"slack {found['wns_ns']:g} ns"


def _write(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        if temporary.is_file():
            temporary.unlink()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent, sys.argv[1:]))
