# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Reports of the vendor's tools: read, and judged by the policy."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fewmult_hls.hardware.build import reports
from fewmult_hls.hardware.build.hls_project import SOLUTION, WORK
from fewmult_hls.hardware.build.plan import loop_targets
from fewmult_hls.hardware.source.reading import kernel_sources, source_root
from reported import FACTS, put, write_plan


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan after synthesis of one kernel, with the script that it would have."""
    shutil.copyfile(Path(reports.__file__), tmp_path / "check_reports.py")
    return write_plan(tmp_path, "csynth.xml")


def check(plan: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """The script alone, as on a machine without this package."""
    command = [sys.executable, "-I", "-W", "error", plan / "check_reports.py", *names]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def built(plan: Path) -> dict[str, Any]:
    return json.loads((plan / "build.json").read_text())


def test_synthesis_is_read(plan: Path) -> None:
    result = check(plan)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "layer: 16557 LUT, 20732 FF, 30 BRAM, 0 DSP, slack 2.689 ns\n"
    build = built(plan)
    kernel = build.pop("kernels").pop("layer")
    facts = {k: FACTS[k] for k in FACTS if k not in ("kernels", "loops")}
    assert build == {
        "format": reports.FORMAT,
        **facts,
    }
    loops = kernel.pop("loops")
    assert kernel == {
        "from": "synthesis",
        "tool": "2022.2",
        "top": "layer_top",
        "clock_ns": 7.311,
        "wns_ns": 2.689,
        "lut": 16557,
        "ff": 20732,
        "bram18": 60,
        "dsp": 0,
        "uram": 0,
        "latency": [49, 52000],
    }
    assert [(loop["name"], loop["ii"], loop["target_ii"]) for loop in loops] == [
        ("first_loop_VITIS_LOOP_5_1", 1, 1),
        ("VITIS_LOOP_4_1", None, None),
        ("VITIS_LOOP_5_2", 2, 2),
        ("write_back", 1, 1),
    ]
    assert loops[0]["module"] == "load_Pipeline_first_loop_VITIS_LOOP_5_1"
    assert [loop["trip_count"] for loop in loops[:3]] == [[64, 16384], [0, 256], [256, 256]]
    assert [loop["latency"] for loop in loops[:3]] == [[76, 16396], None, [513, 513]]
    assert [loop["depth"] for loop in loops[:3]] == [13, None, 4]


def test_implementation_replaces_estimates(plan: Path) -> None:
    put(plan, "export_impl.xml")
    assert check(plan, "layer").returncode == 0
    kernel = built(plan)["kernels"]["layer"]
    assert kernel["from"] == "implementation"
    assert (kernel["lut"], kernel["ff"], kernel["bram18"]) == (13675, 18675, 58)
    assert (kernel["clock_ns"], kernel["wns_ns"]) == (9.362, 0.638)
    assert len(kernel["loops"]) == 4


def test_overlay_is_read(plan: Path) -> None:
    put(plan, "timing_summary.rpt")
    put(plan, "utilization.rpt")
    result = check(plan, "overlay")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "overlay: 38043 LUT, 41379 FF, 88.5 BRAM, 0 DSP, slack 0.206 ns\n"
    expected = {"wns_ns": 0.206, "lut": 38043, "ff": 41379, "bram18": 177, "dsp": 0}
    assert built(plan)["routed"] == expected


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("csynth.xml", "<DSP>0<", "<DSP>4<", "layer: 4 DSP, and 0 may be used"),
        ("csynth.xml", "Period>7.311<", "Period>10.25<", "layer: the clock is missed by 0.25 ns"),
        (
            "csynth.xml",
            "<PipelineII>1<",
            "<PipelineII>3<",
            "layer: loop first_loop_VITIS_LOOP_5_1 in load_Pipeline_first_loop_VITIS_LOOP_5_1 "
            "has II 3, and its pragma asks for II 1",
        ),
        (
            "csynth.xml",
            "<PipelineII>2<",
            "<PipelineII>4<",
            "layer: loop VITIS_LOOP_5_2 in finish has II 4, and its pragma asks for II 2",
        ),
        (
            "csynth.xml",
            "<PipelineII>2</PipelineII>",
            "<PipelineII/>",
            "layer: loop VITIS_LOOP_5_2 in finish is not pipelined, and its pragma asks for II 2",
        ),
        (
            "export_impl.xml",
            "<WNS_FINAL>0.638<",
            "<WNS_FINAL>-0.042<",
            "layer: the clock is missed by 0.042 ns",
        ),
        ("export_impl.xml", "<DSP>0<", "<DSP>1<", "layer: 1 DSP"),
        ("timing_summary.rpt", " 0.206 ", "-1.206 ", "overlay: the clock is missed by 1.206 ns"),
        ("utilization.rpt", "| DSPs      |    0 |", "| DSPs      |   12 |", "overlay: 12 DSP"),
    ],
)
def test_policy(plan: Path, name: str, old: str, new: str, message: str) -> None:
    put(plan, "timing_summary.rpt")
    put(plan, "utilization.rpt")
    put(plan, name, old, new)
    result = check(plan)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {message}"), result.stderr
    assert result.stderr.count("\n") == 1
    assert built(plan)["kernels"]["layer"]["lut"]  # the numbers are there all the same


def test_only_what_is_named_is_judged(plan: Path) -> None:
    put(plan, "csynth.xml", old="<DSP>0<", new="<DSP>4<")
    put(plan, "csynth.xml", kernel="shift_gradient")
    assert check(plan, "shift_gradient").returncode == 0
    assert check(plan, "layer").returncode == 1
    assert check(plan).returncode == 1


def test_no_report_is_a_failure(plan: Path) -> None:
    result = check(plan, "shift_gradient")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: shift_gradient: there is no report\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</profile>", "", "csynth.xml is damaged"),
        ("<profile>", "<other/><profile>", "csynth.xml is damaged"),
        ("<DSP>0</DSP>", "", "AreaEstimates/Resources/DSP of the report is no number: ''"),
        ("<DSP>0</DSP>", "<DSP>none</DSP>", "is no number: 'none'"),
        ("<LUT>16557</LUT>", "<LUT>nan</LUT>", "is no number: 'nan'"),
        ("<EstimatedClockPeriod>7.311<", "<EstimatedClockPeriod>NA<", "is no number: 'NA'"),
    ],
)
def test_damaged_synthesis(plan: Path, old: str, new: str, message: str) -> None:
    put(plan, "csynth.xml", old=old, new=new)
    assert_refused(plan, message)


def test_another_xml(plan: Path) -> None:
    (plan / "hls/layer" / reports.SYNTHESIS).write_text("<html></html>")
    assert_refused(plan, "is not a report of Vitis HLS")


def test_synthesis_in_place_of_an_implementation(plan: Path) -> None:
    put(plan, "export_impl.xml", old=">impl<", new=">syn<")
    assert_refused(plan, "is of a synthesis, not of an implementation")


def test_overlay_without_constraints(plan: Path) -> None:
    put(plan, "utilization.rpt")
    put(plan, "timing_summary.rpt", old=" 0.206 ", new="    NA ")
    assert_refused(plan, "names no WNS")


def test_half_an_overlay(plan: Path) -> None:
    put(plan, "timing_summary.rpt")
    assert_refused(plan, "cannot read")
    put(plan, "utilization.rpt", old="| DSPs ", new="| Others ")
    assert_refused(plan, "has no row of DSP")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kernels": 3}'])
def test_damaged_plan(plan: Path, content: str) -> None:
    (plan / "plan.json").write_text(content)
    assert_refused(plan, "plan.json is damaged")


def assert_refused(plan: Path, message: str) -> None:
    result = check(plan)
    assert (result.returncode, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not (plan / "build.json").exists()


def test_every_pragma_of_the_kernels_is_a_target() -> None:
    text = "".join(path.read_text() for path in (source_root() / "kernels").glob("*.[ch]pp"))
    asked = [loop["interval"] for loop in loop_targets(kernel_sources()) if loop["interval"]]
    assert sorted(asked) == sorted(map(int, re.findall(r"PIPELINE II = (\d+)", text)))
    assert len(asked) > 20


def test_the_script_is_for_older_pythons() -> None:
    source = Path(reports.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (getattr(node, "module", None) or node.names[0].name,)
    }
    assert imported <= set(sys.stdlib_module_names)


def test_the_script_knows_where_the_tools_work() -> None:
    assert f"{WORK}/{SOLUTION}/syn/report/csynth.xml" == reports.SYNTHESIS
    assert reports.IMPLEMENTATION.startswith(f"{WORK}/{SOLUTION}/impl/report/verilog/")
