# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What clang 18 says of C++: warnings are found, in templates too, and nothing is passed over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from checkout import ROOT

pytest.importorskip("clang.cindex", reason="needs libclang from PyPI")
if shutil.which("clang++") is None:
    pytest.skip("needs the headers of a clang++", allow_module_level=True)

import cpp_warnings

TEMPLATE = """#include <cstdint>
template <class T> std::int8_t narrow(T v) { return BODY; }
template std::int8_t narrow<int>(int);
"""


def said(folder: Path, text: str) -> list[str]:
    """Of a unit with this text, as a build of CMake names it."""
    path = folder / "some.cpp"
    path.write_text(text)
    entry = {"file": str(path), "command": f"clang++ -std=c++14 -o some.o -c {path}"}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    (unit,) = cpp_warnings.units_of(folder)
    lines, unread = cpp_warnings.check(unit, cpp_warnings.default_resources())
    assert unread == ""
    return lines


def test_a_clean_unit(tmp_path: Path) -> None:
    assert said(tmp_path, TEMPLATE.replace("BODY", "static_cast<std::int8_t>(v)")) == []


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (TEMPLATE.replace("BODY", "v"), "-Wimplicit-int-conversion"),
        ("unsigned f(int v); unsigned f(int v) { return v; }", "-Wsign-conversion"),
        ("int f(int v); int f(int v) { { int v = 2; return v; } }", "-Wshadow"),
        ("void f(int n); void f(int n) { int a[n]; a[0] = 1; }", "-Wvla-cxx-extension"),
        ("int f(); int f() { return g(); }", "undeclared identifier 'g'"),
    ],
)
def test_a_warning(text: str, warning: str, tmp_path: Path) -> None:
    assert any(warning in line for line in said(tmp_path, text))


def test_every_unit_of_the_repository_is_read_or_named() -> None:
    """CMake lists sources by folder, so what lies elsewhere must be named by hand."""
    by_cmake = ("kernels", "bindings", "testbench")
    others = {
        str(path.relative_to(ROOT))
        for folder in ("benchmarks", "tests", "pyhost", "tools")
        for path in (ROOT / folder).rglob("*.cpp")
    }
    assert others == {*cpp_warnings.OTHERS, *cpp_warnings.UNREADABLE}
    listed = (ROOT / "CMakeLists.txt").read_text()
    for folder in by_cmake:
        for path in (ROOT / folder).rglob("*.cpp"):
            globbed = path.name.endswith(("_top.cpp", "_tb.cpp")) or "level_" in path.name
            assert globbed or f"{folder}/{path.relative_to(ROOT / folder)}" in listed, path
