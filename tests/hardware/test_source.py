# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The one reading of the kernels' C++: what it finds in files of all kinds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fewmult_hls.hardware.source.loops import loops_of
from fewmult_hls.hardware.source.reading import kernel_sources, read_sources, source_root

FILE = """\
#include "kernels/{other}"
constexpr int kRows = 1 << 4;
struct Call {{
  const std::int8_t* x;
  int rows;
}};
inline void {name}(Word* words) {{
  std::int16_t sum[kRows][8];
  outer:
  for (int row = 0; row < kRows; ++row) {{
    for (int word = 0;
         word < (kRows >> 1); ++word) {{
// As wide as a port.
#pragma HLS UNROLL factor = 2
#pragma HLS PIPELINE II = 3
      words[word] = row;
    }}
  }}
}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, other in {"a": "b.hpp", "b": "outside.hpp"}.items():
        (tmp_path / f"{name}.hpp").write_text(FILE.format(name=name, other=other))
    return tmp_path


def test_a_header_stands_behind_those_that_it_includes(folder: Path) -> None:
    assert read_sources(folder).order == ("b.hpp", "a.hpp")


def test_so_do_the_kernels_own() -> None:
    order = kernel_sources().order
    paths = list((source_root() / "kernels").glob("*.[ch]pp"))
    assert sorted(order) == sorted(path.name for path in paths)
    for path in paths:
        for other in re.findall(r'#include "kernels/(.+)"', path.read_text()):
            assert order.index(other) < order.index(path.name)


def test_what_a_file_says(folder: Path) -> None:
    found = read_sources(folder)
    assert found.constants == {"kRows": "1 << 4"}
    assert [tuple(field) for field in found.structs["Call"]] == [
        ("const std::int8_t*", "x"),
        ("int", "rows"),
    ]
    array = found.arrays["a.hpp", "std::int16_t sum[kRows][8];"]
    assert array == ("int16_t", ("kRows", "8"))
    assert list(found.pipelined) == [("a.hpp", "a", 0), ("b.hpp", "b", 0)]


def test_loops_and_their_pragmas() -> None:
    outer, inner = loops_of("a.hpp", FILE.format(name="a", other="b.hpp"))
    assert (outer.line, outer.label, outer.function, outer.interval) == (10, "outer", "a", None)
    assert (inner.line, inner.label, inner.function, inner.interval) == (11, "", "a", 3)


def test_an_interval_without_end_is_one_all_the_same() -> None:
    [loop] = loops_of("a.hpp", "for (;;) {\n#pragma HLS PIPELINE II = " + "9" * 5000)
    assert loop.line == 1
