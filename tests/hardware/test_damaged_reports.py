# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Reports of the vendor's tools and plans, damaged: one line, from the script that runs alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewmult_hls.hardware.build import reports
from fewmult_hls.hardware.build.build_json import load_build
from fewmult_hls.system.errors import FewmultError, UsageError
from reported import FACTS, PLACES, write_plan

NUMBER = "9" * 5000


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan with all its reports."""
    return write_plan(tmp_path_factory.mktemp("plans") / "whole", *PLACES)


@pytest.fixture
def plan(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "plan"))


def test_all_of_it_is_read(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reports.main(plan, []) == 0
    assert capsys.readouterr().err == ""
    found = load_build(plan, "pynq-z2")
    assert set(found) == {"layer", "routed"}
    assert found["routed"]["wns_ns"] == 0.206


DAMAGES: list[tuple[str, str, str, str]] = [
    ("csynth.xml", "<DSP>0<", f"<DSP>{NUMBER}<", "AreaEstimates/Resources/DSP of the report is no"),
    ("csynth.xml", "<PipelineII>1<", f"<PipelineII>{NUMBER}<", "has 5,000 characters"),
    ("csynth.xml", "<Best-caseLatency>", f"<Best-caseLatency>{NUMBER}", "characters"),
    ("csynth.xml", "<DSP>0<", "<DSP>\N{ARABIC-INDIC DIGIT ONE}<", "is no number"),
    ("csynth.xml", "<profile>", "<!DOCTYPE profile><profile>", "declares a document type"),
    ("csynth.xml", "<profile>", "<profile>\0", "csynth.xml is damaged"),
    ("csynth.xml", "<profile>", "<profile>&many;", "csynth.xml is damaged"),
    ("export_impl.xml", "<WNS_FINAL>0.638<", f"<WNS_FINAL>{NUMBER}.0<", "is no number"),
    ("timing_summary.rpt", " 0.206 ", f" {NUMBER}.206 ", "names no WNS"),
    ("timing_summary.rpt", "WNS(ns)", "W(ns)", "names no WNS"),
    ("utilization.rpt", "| DSPs      |    0 |", f"| DSPs      |    {NUMBER} |", "no row of DSP"),
]

BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def refused(plan: Path, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert reports.main(plan, []) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert len(err) < 400
    assert reason in err
    assert not (plan / "build.json").exists()


@pytest.mark.parametrize(("name", "old", "new", "reason"), DAMAGES)
def test_damaged_reports(
    name: str, old: str, new: str, reason: str, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = plan / PLACES[name]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused(plan, reason, capsys)


CONTENTS: list[tuple[bytes, str]] = [
    (b"", "csynth.xml is damaged"),
    (b"\xff\xfe<\0p\0", "csynth.xml is damaged"),
    ("<profile/>".encode("utf-16"), "csynth.xml is damaged"),
    (f"{BOMB}]><profile>&i;</profile>".encode(), "declares a document type"),
    (b"<profile>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</profile>", "is no number"),
    (b" " * ((64 << 20) + 1), "it has more than 67,108,864 bytes"),
]


@pytest.mark.parametrize(("content", "reason"), CONTENTS)
def test_what_is_no_report(
    content: bytes, reason: str, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (plan / PLACES["csynth.xml"]).write_bytes(content)
    refused(plan, reason, capsys)


def test_loops_in_loops(plan: Path) -> None:
    """As deep as no stack of Python's."""
    path = plan / PLACES["csynth.xml"]
    text = path.read_text()
    head, mark, tail = text.partition("<SummaryOfLoopLatency>")
    deep = "<l><Latency>1</Latency>" * 3000 + "</l>" * 3000
    path.write_text(head + mark + deep + tail)
    loops = reports.read_synthesis(path, [])["loops"]
    assert sum(loop["name"] == "l" for loop in loops) == 3000


@pytest.mark.parametrize("name", ["timing_summary.rpt", "utilization.rpt"])
@pytest.mark.parametrize("text", ["\n", "|", "| ", " WNS(ns)\n", "-\n", "WNS(ns)"])
def test_texts_without_end_take_no_time(name: str, text: str, plan: Path) -> None:
    (plan / PLACES[name]).write_text(text * 200_000)
    with pytest.raises(reports.ReportError):
        reports.read_build(plan)


@pytest.mark.parametrize(
    "facts",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"kernels": ' + NUMBER + "}",
        json.dumps({**FACTS, "kernels": "layer"}),
        json.dumps({**FACTS, "kernels": ["../../etc"]}),
        json.dumps({**FACTS, "kernels": ["\ud800"]}),
        json.dumps({**FACTS, "kernels": {"layer": 1}}),
        json.dumps({**FACTS, "limits": {"dsp": True}}),
        json.dumps({**FACTS, "limits": []}),
        json.dumps({**FACTS, "loops": {}}),
        json.dumps({**FACTS, "loops": [{"place": "tile.hpp:4", "label": ""}]}),
        json.dumps({**FACTS, "loops": [{"place": 4, "label": "", "interval": 1}]}),
    ],
)
def test_damaged_plans(facts: str, plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plan / "plan.json").write_text(facts)
    refused(plan, "plan.json is damaged", capsys)


@pytest.mark.parametrize("place", ["plan.json", *PLACES.values()])
def test_pipes(place: str, plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plan / place).unlink(missing_ok=True)
    os.mkfifo(plan / place)
    if place.startswith(("hls", "overlay")):  # as if it was not there
        reports.main(plan, [])
        return
    refused(plan, f"{plan / place}: it is no regular file", capsys)


def test_a_folder_that_cannot_be_written(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (plan / "build.json").mkdir()
    (plan / "build.json" / "mine").write_text("")
    assert reports.main(plan, []) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: cannot write {plan / 'build.json'}: Is a directory\n"
    assert {path.name for path in plan.iterdir()} >= {"build.json", "plan.json"}
    assert not (plan / ".build.json").exists()


Change = Callable[[str], str]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage(data: st.DataObject, whole: Path, tmp_path: Path) -> None:
    plan = tmp_path / "any"
    shutil.rmtree(plan, ignore_errors=True)
    shutil.copytree(whole, plan)
    path = plan / data.draw(st.sampled_from(["plan.json", *PLACES.values()]))
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    piece = data.draw(st.binary(max_size=4) | st.sampled_from([NUMBER.encode(), b"<a>", b"nan"]))
    gone = data.draw(st.integers(0, 40))
    path.write_bytes(good[:place] + piece + good[place + gone :])
    try:
        reports.read_build(plan)
    except reports.ReportError as error:
        said = str(error)
    else:
        said = ""
    assert len(said) < 400


VALUES = st.sampled_from([None, True, -1, 1.5, 10**17, "", "x", [], [1], {}, {"a": 1}])
KEYS = ["format", "board", "kernels", "routed", "layer", "lut", "wns_ns", "from", "loops"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), value=VALUES, gone=st.booleans())
def test_any_build(key: str, value: Any, gone: bool, tmp_path: Path) -> None:
    """build.json, which ``estimate`` reads."""
    area = {"lut": 1, "ff": 2, "bram18": 3, "dsp": 0, "wns_ns": 0.5}
    kernels = {"layer": {"from": "synthesis", **area, "loops": [{"name": "l"}]}}
    build: dict[str, Any] = {
        "format": 1, "board": "pynq-z2", "kernels": kernels, "routed": {**area}
    }  # fmt: skip
    for part in (build, kernels, kernels["layer"], build["routed"]):
        if key in part and gone:
            del part[key]
        elif key in part:
            part[key] = value
    (tmp_path / "build.json").write_text(json.dumps(build))
    try:
        load_build(tmp_path, "pynq-z2")
    except FewmultError as error:
        assert isinstance(error, UsageError)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
