# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Kernels that two HLS compilers accept: every rule fires on what it is for, and not on kernels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from checkout import ROOT
from fewmult_hls.hardware.source.reading import kernel_names, load_interface

pytest.importorskip("clang.cindex", reason="needs libclang from PyPI")

import hls_lint

KERNELS = kernel_names()

TOP = """#include <cstdint>
#include "kernels/snippet.hpp"
extern "C" void some_top(const std::int32_t* x, std::int32_t* y, int n, std::uint32_t* build_id);
extern "C" void some_top(const std::int32_t* x, std::int32_t* y, int n, std::uint32_t* build_id) {
  *build_id = 0;
  y[0] = x[0] + n;
  BODY
}
"""

HEADER = """#pragma once
#include <cstddef>
#include <cstdint>
struct Three {
  std::int32_t a[3];
};
struct Numbers {
  int units;
};
struct Ports {
  const std::int32_t* from;
  std::int32_t* to;
};
constexpr int kSize = 12;
inline int half(int v);
inline int half(int v) { return v >> 1; }
inline void change(int& v);
inline void change(int& v) { v += 1; }
template <class T>
inline T twice(T v) {
  return v + v;
}
DECLARED
"""

TRIPS = "\n#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8\n"


def lint(folder: Path, body: str, declared: str = "", top: str = TOP) -> list[hls_lint.Finding]:
    """What is found in a top with this body, and with this beside it."""
    kernels = folder / "kernels"
    kernels.mkdir()
    (kernels / "snippet.hpp").write_text(HEADER.replace("DECLARED", declared))
    (kernels / "some_top.cpp").write_text(top.replace("BODY", body))
    return hls_lint.check(kernels)


# (rules, what stands in the top, what stands beside it)
REFUSED = [
    ("include", "", "#include <vector>"),
    ("include", "", "#include <hls_stream.h>"),
    ("include", "", '#include "testbench/golden.hpp"'),
    ("preprocessor", "", "#define N 64"),
    ("preprocessor", "", "#define SQUARE(v) ((v) << 1)"),
    ("preprocessor", "\n#ifdef __SYNTHESIS__\ny[0] = 1;\n#endif\n", ""),
    ("preprocessor", "", "#ifndef SNIPPET\n#endif"),
    ("preprocessor", "", "#pragma omp parallel"),
    ("pragma", "\n#pragma HLS PIPELIN II = 1\n", ""),
    ("warning", "const int unused = n;", ""),
    ("warning", "std::int8_t b = n; (void)b;", ""),
    ("warning", "const std::uint64_t w = ~0ULL >> (n & 7); const std::size_t s = w; (void)s;", ""),
    ("dynamic-memory", "int* p = new int; *p = n;", ""),
    ("dynamic-memory", "int* p = y; delete p;", ""),
    ("variable-array", "int a[n]; a[0] = n; y[0] = a[0];", ""),
    ("variable-array", "int a[4][n]; a[0][0] = n; y[0] = a[0][0];", ""),
    ("static-state", "static int calls = 0; y[0] = ++calls;", ""),
    ("static-state", "y[0] = total;", "extern int total; int total = 0;"),
    ("static-state", "y[0] = table[n & 1];", "static int table[2] = {1, 2};"),
    ("static-state", "y[0] = Counter::count;", "struct Counter { static int count; };"),
    ("static-state", "y[0] = last(n);", "inline int last(int v);"
     "inline int last(int v) { static int kept[1]; return kept[0] = v; }"),
    ("static-state", "y[0] = seen<int>(n);",
     "template <class T> T seen(T v) { static T kept; return kept = v; }"),
    ("pointer-to-pointer", "std::int32_t* const a[2] = {y, y + 1}; a[n & 1][0] = 1;", ""),
    ("pointer-to-pointer address", "std::int32_t* p = y; std::int32_t** pp = &p; **pp = n;", ""),
    ("pointer-to-pointer", "next(y);", "inline void next(std::int32_t*& p);"
     "inline void next(std::int32_t*& p) { ++p; }"),
    ("pointer-in-struct", "copy({x, y});", "inline void copy(const Ports& ports);"
     "inline void copy(const Ports& ports) { *ports.to = *ports.from; }"),
    ("pointer-in-struct", "copy({x, y});", "inline void copy(Ports ports);"
     "inline void copy(Ports ports) { *ports.to = *ports.from; }"),
    ("pointer-cast", "y[0] = *reinterpret_cast<const int*>(x);", ""),
    ("pointer-cast", "y[0] = *(const std::int16_t*)x;", ""),
    ("pointer-cast", "y[0] = (reinterpret_cast<std::size_t>(x) & 1) != 0 ? 1 : 0;", ""),
    ("pointer-cast", "const void* v = x; y[0] = *static_cast<const int*>(v);", ""),
    ("floating-point", "const float f = 1.0F; (void)f;", ""),
    ("floating-point", "y[0] = static_cast<int>(0.5 + n);", ""),
    ("floating-point", "y[0] = n > 1e3 ? 1 : 0;", ""),
    ("floating-point", "", "struct Scale { double by[2]; };"),
    ("floating-point", "y[0] = as<float>(n) > 0 ? 1 : 0;",
     "template <class T> T as(int v) { return static_cast<T>(v); }"),
    ("multiplication", "y[0] = n * n;", ""),
    ("multiplication", "y[0] = n * 3;", ""),
    ("multiplication", "y[0] *= kSize;", ""),
    ("multiplication", "y[n * kSize] = 0;", ""),
    ("multiplication", "y[0] = by<3>(n);", "template <int k> int by(int v) { return v * k; }"),
    ("multiplication", "y[0] = Area{}.of(n);",
     "struct Area { template <class T> T of(T v) const { return v * v; } };"),
    ("division", "y[0] = n / 2;", ""),
    ("division", "y[0] = n % 8;", ""),
    ("division", "y[0] /= n;", ""),
    ("division", "y[0] %= n;", ""),
    ("division", "y[0] = kSize / n;", ""),
    ("stride", "Three a[4] = {}; y[0] = a[n & 3].a[0];", ""),
    ("stride", "int a[4][3] = {}; y[0] = a[n & 3][0];", ""),
    ("stride", "Three a[4] = {}; y[0] = (a + n)->a[0];", ""),
    ("stride", "Three a[4] = {}; Three* p = a; p += n; y[0] = p->a[0];", ""),
    ("pointer-difference", "const std::int32_t* p = x + n; y[0] = p - x > 2 ? 1 : 0;", ""),
    ("exception", "if (n < 0) throw n;", ""),
    ("exception", "try { y[0] = n; } catch (...) { y[0] = 0; }", ""),
    ("jump", "again: y[0] -= 1; if (y[0] > 0) goto again;", ""),
    ("jump", "void* to = &&here; goto *to; here: y[0] = 1;", ""),
    ("assembly", 'asm("nop");', ""),
    ("virtual", "", "struct Base { virtual int of(int v) const { return v; } };"),
    ("virtual destructor", "", "struct Base { virtual ~Base() = default; };"),
    ("function-pointer", "int (*f)(int) = half; y[0] = f(n);", ""),
    ("function-pointer", "y[0] = Table{half}.f(n);", "struct Table { int (*f)(int); };"),
    ("function-pointer", "y[0] = apply(half, n);",
     "inline int apply(int (*f)(int), int v); inline int apply(int (*f)(int), int v) "
     "{ return f(v); }"),
    ("function-pointer", "y[0] = apply(half, n);",
     "template <class F> int apply(F f, int v) { return f(v); }"),
    ("function-pointer address", "int Numbers::*m = &Numbers::units; y[0] = Numbers{n}.*m;", ""),
    ("function-pointer", "y[0] = (half)(n);", ""),
    ("foreign-call reserved-name", "y[0] = __builtin_popcount(1U);", ""),
    ("foreign-call", "y[0] = outside(n);", "int outside(int v);"),
    ("unbounded-loop", "while (y[0] < n) ++y[0];", ""),
    ("unbounded-loop", "do ++y[0]; while (y[0] < n);", ""),
    ("unbounded-loop", "for (;;) ++y[0];", ""),
    ("unbounded-loop", "const int a[2] = {1, 2}; for (int v : a) y[0] += v;", ""),
    ("unbounded-loop", "int i; for (i = 0; i < n; ++i) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; i != n; ++i) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; i < n; i += n) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; --i) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 8; i >= 0; i -= -1) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 1; i < 8; i <<= 1) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; y[0] < 8; ++i) y[0] = i;", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; ++n) y[i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; ++i) y[--i] = 0;", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; ++i) i = half(i);", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; ++i) change(i);", ""),
    ("unbounded-loop", "for (int i = 0; i < 8; ++i) { int& j = i; j = 0; }", ""),
    ("address", "for (int i = 0; i < 8; ++i) { int* j = &i; *j = 0; }", ""),
    ("unbounded-loop", f"for (int i = 0; i < n; ++i) {{{TRIPS} n += 1; }}", ""),
    ("unbounded-loop", f"for (int i = 0; i < x[0]; ++i) {{{TRIPS} y[i] = 0; }}", ""),
    ("unbounded-loop", f"for (int i = 0; i < *x; ++i) {{{TRIPS} y[i] = 0; }}", ""),
    ("unbounded-loop", f"Numbers s = {{n}}; for (int i = 0; i < s.units; ++i) {{{TRIPS}"
     " s.units = n; }", ""),
    ("unbounded-loop", "y[0] = wait(n);",
     "template <class T> T wait(T v) { while (v < 4) v += v; return v; }"),
    ("trip-count", "for (int i = 0; i < n; ++i) y[i] = 0;", ""),
    ("trip-count", "for (int i = 0; i < half(n); ++i) { y[i] = 0; }", ""),
    ("trip-count", "for (int i = n; i > 0; --i) { y[i] = 0; }", ""),
    ("trip-count", "for (int i = 0; i < n; ++i) { for (int j = 0; j < 4; ++j) {" + TRIPS
     + "y[i] = j; } }", ""),
    ("trip-count", "for (int i = 0; i < n; ++i) { y[i] = 0;" + TRIPS + "y[i] = 1; }", ""),
    ("unroll", "for (int i = 0; i < n; ++i) {\n#pragma HLS UNROLL\n"
     "#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8\ny[i] = 0; }", ""),
    ("unroll", "for (int i = 0; i < n; ++i) {" + TRIPS + "#pragma HLS UNROLL factor = 8\n"
     "y[i] = 0; }", ""),
    ("unroll", "for (int i = 0; i < 8; ++i) {\n#pragma HLS UNROLL factor = 4\ny[i] = 0; }", ""),
    ("array-pragma", "Three t; t.a[0] = n;\n"
     "#pragma HLS ARRAY_PARTITION variable = t.a complete\ny[0] = t.a[0];", ""),
    ("array-pragma", "Three t; t.a[0] = n;\n#pragma HLS STREAM variable = t.a depth = 4\n"
     "y[0] = t.a[0];", ""),
    ("array-pragma", "Three t; for (int i = 0; i < 3; ++i) {\n"
     "#pragma HLS DEPENDENCE variable = t.a inter false\nt.a[i] = n; } y[0] = t.a[0];", ""),
    ("array-pragma", "int a[4]; fill(a, n); y[0] = a[0];",
     "inline void fill(int (&a)[4], int n);\ninline void fill(int (&a)[4], int n) {\n"
     "#pragma HLS ARRAY_PARTITION variable = a complete\na[n & 3] = n; }"),
    ("array-pragma", "int a[4] = {n}; y[0] = fill(a, n);",
     "template <class T> T fill(T (&a)[4], T n) {\n"
     "#pragma HLS ARRAY_PARTITION variable = a complete\nreturn a[n & 3]; }"),
    ("array-pragma", "const int one = n;\n#pragma HLS STREAM variable = one depth = 2\n"
     "y[0] = one;", ""),
    ("recursion", "y[0] = down(n);",
     "inline int down(int v); inline int down(int v) { return v > 0 ? down(v - 1) : 0; }"),
    ("recursion", "y[0] = ping(n);",
     "inline int ping(int v); inline int pong(int v);"
     "inline int ping(int v) { return v > 0 ? pong(v - 1) : 0; }"
     "inline int pong(int v) { return half(ping(v - 1)); }"),
    ("recursion", "y[0] = fold(n);",
     "template <class T> T fold(T v) { return v > 0 ? fold(T(v - 1)) : T(0); }"),
]  # fmt: skip


# The same where it is harder to see: in templates, methods, operators, behind references.
HIDDEN = [
    ("multiplication", "const auto f = [](int v) { return v * v; }; y[0] = f(n);", ""),
    ("multiplication", "const auto f = [n](auto v) { return v * n; }; y[0] = f(n);", ""),
    ("multiplication", "y[0] = Box<int>{n}.area();",
     "template <class T> struct Box { T v; T area() const { return v * v; } };"),
    ("multiplication", "y[0] = Box<int>::of(n);",
     "template <class T> struct Box { static T of(T v) { return v * v; } };"),
    ("multiplication", "y[0] = Box<int>(n).v;",
     "template <class T> struct Box { T v; explicit Box(T a) : v(a * a) {} };"),
    ("multiplication", "y[0] = Box<int>{n}();",
     "template <class T> struct Box { T v; T operator()() const { return v * v; } };"),
    ("multiplication", "const int v = Box<int>{n}; y[0] = v;",
     "template <class T> struct Box { T v; operator T() const { return v * v; } };"),
    ("multiplication", "y[0] = (Box<int>{n} + Box<int>{n}).v;",
     "template <class T> struct Box { T v; };\n"
     "template <class T> Box<T> operator+(Box<T> a, Box<T> b) { return {a.v * b.v}; }"),
    ("division", "y[0] = half_of(n);", "template <class T> T half_of(T v) { return v / T(2); }"),
    ("stride", "y[0] = at<3>(n);",
     "template <int k> int at(int v) { int a[4][k] = {}; return a[v & 3][0]; }"),
    ("floating-point", "y[0] = Box<float>{1}.v > 0 ? 1 : 0;",
     "template <class T> struct Box { T v; };"),
    ("dynamic-memory", "y[0] = *made(n);", "template <class T> T* made(T v) { return new T(v); }"),
    ("static-state", "y[0] = ++Kept<int>::v;",
     "template <class T> struct Kept { static T v; }; template <class T> T Kept<T>::v;"),
    ("pointer-in-struct", "copy(Two<int>{x, y});",
     "template <class T> struct Two { const T* a; T* b; };\n"
     "template <class T> void copy(const Two<T>& p) { *p.b = *p.a; }"),
    ("pointer-in-struct", "copy({{x, y}});",
     "struct Nest { Ports p; }; inline void copy(const Nest& n);\n"
     "inline void copy(const Nest& n) { *n.p.to = *n.p.from; }"),
    ("virtual", "y[0] = Box<int>{}.of(n);",
     "template <class T> struct Box { virtual T of(T v) const { return v; } };"),
    ("destructor", "Box<int> box{n}; y[0] = box.v;",
     "template <class T> struct Box { T v; ~Box() { v += 1; } };"),
    ("foreign-call", "y[0] = above(n);",
     "int outside(int v); template <class T> T above(T v) { return outside(v); }"),
    ("recursion", "y[0] = R{n}.v;",
     "struct R { int v; R(int a) : v(a > 0 ? R(a - 1).v : 0) {} };"),
    ("recursion", "y[0] = R<int>{}(n);", "template <class T> struct R { "
     "T operator()(T a) const { return a > 0 ? (*this)(a - 1) : T(0); } };"),
    ("unbounded-loop", f"for (int i = 0; i < Use{{n}}.ports->units; ++i) {{{TRIPS} y[i] = 0; }}",
     "struct Use { int v; const Numbers* ports; };"),
    ("unbounded-loop", "Up{n}.go(y);", f"struct Up {{ int u; void go(std::int32_t* y) {{"
     f" for (int i = 0; i < u; ++i) {{{TRIPS} u = i + 2; *y = i; }} }} }};"),
    ("unbounded-loop", f"Up up{{n}}; for (int i = 0; i < up.u; ++i) {{{TRIPS} up.grow(); }}",
     "struct Up { int u; void grow() { ++u; } };"),
    ("unbounded-loop", f"int& m = n; for (int i = 0; i < n; ++i) {{{TRIPS} m = i + 2; }}", ""),
    ("unbounded-loop", f"for (unsigned i = 8; i >= unsigned(n); --i) {{{TRIPS} y[0] = n; }}", ""),
    ("unbounded-loop", f"for (std::int8_t i = 0; i < n; ++i) {{{TRIPS} y[0] = n; }}", ""),
    ("unbounded-loop", f"for (int i = 0; i < std::int64_t{{n}}; ++i) {{{TRIPS} y[0] = n; }}", ""),
    ("trip-count", "y[0] = sum(n);", "template <class T> T sum(T v) { T s = 0; "
     "for (int i = 0; i < v; ++i) { s += i; } return s; }"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("rules", "body", "declared"), REFUSED + HIDDEN)
def test_refused(rules: str, body: str, declared: str, tmp_path: Path) -> None:
    found = lint(tmp_path, body, declared)
    seen = {finding.rule for finding in found}
    assert seen - {hls_lint.WARNING} == set(rules.split()) - {hls_lint.WARNING}
    assert set(rules.split()) <= seen


@pytest.mark.parametrize("rule", hls_lint.rule_names())
def test_every_rule_has_a_case_and_a_reason(rule: str) -> None:
    assert rule in {name for names, _, _ in REFUSED for name in names.split()} | {
        *("dataflow", "interface", "port-width", "burst", "dataflow-port"),
    }
    page = (ROOT / "docs" / "hardware" / "kernels.md").read_text(encoding="utf-8")
    assert f"| `{rule}` |" in page


ALLOWED = [
    ("y[0] = kSize * 3 / 2;", ""),
    ("constexpr int k = kSize % 5; static_assert(k * k == 4, \"\"); y[0] = n << k;", ""),
    ("y[0] = in<4>(n);", "template <int k> int in(int v) { return v + k * k / 2; }"),
    ("y[0] = table[n & 1];", "constexpr int table[2] = {1, 2};"),
    ("static const int table[2] = {1, 2}; y[0] = table[n & 1];", ""),
    ("for (int i = 0; i < kSize; ++i) y[i] = x[i];", ""),
    ("for (int i = kSize; i > 0; i -= 4) y[i] = x[i];", ""),
    (f"for (int i = 0; i < n; i += 4) {{{TRIPS} y[i] = x[i]; }}", ""),
    (f"const Numbers s = {{n}}; for (int i = 0; i < half(s.units); ++i) {{{TRIPS} *y++ = i; }}",
     ""),
    ("int a[4][8] = {}; y[0] = a[n & 3][n & 7];", ""),
    ("Three a[4] = {}; y[0] = a[2].a[n & 1];", ""),
    ("y += n; *y++ = *x++; y[0] = *(x + n);", ""),
    ("copy({x, y});",
     "inline void copy(const Ports& ports);\ninline void copy(const Ports& ports) {\n"
     "#pragma HLS INLINE\n  *ports.to = *ports.from;\n}"),
    ("y[0] = twice(n);", "template <class T> T unused(T v) { return v * v; }"),
    ("y[0] = static_cast<std::int8_t>(n) + Numbers{n}.units;", ""),
]  # fmt: skip


@pytest.mark.parametrize(("body", "declared"), ALLOWED)
def test_allowed(body: str, declared: str, tmp_path: Path) -> None:
    assert lint(tmp_path, body, declared) == []


# A function in the canonical form, and what takes it out of it.
FLOW = """struct Row { int v[8]; };
inline void make(Row& row, const std::int32_t* x, int i) { row.v[i & 7] = x[i]; }
inline void take(std::int32_t* y, const Row& row, int i) { y[i] = row.v[i & 7]; }
inline void both(std::int32_t* y, Row& row, int i) { y[i] = ++row.v[i & 7]; }
inline void flow(const std::int32_t* x, std::int32_t* y, int n) {
  for (int i = 0; i < n; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
#pragma HLS DATAFLOW
    Row row;
    make(row, x, i);
    take(y, row, i);
  }
}
"""
OTHERWISE = [
    ("int i = 0;", "int i = 1;"),
    ("i < n; ++i", "i <= n; ++i"),
    ("i < n; ++i", "i < n; i += 2"),
    ("  for (int", "  y[0] = 0;\n  for (int"),
    ("    Row row;", "    if (n > 3) y[i] = 0;\n    Row row;"),
    ("    Row row;", "    Row row = {};"),
    ("    make(row, x, i);", "    make(row, x, i);\n    make(row, x, i);"),
    ("    take(y, row, i);", "    take(y, row, i);\n    take(y, row, i);"),
    ("    take(y, row, i);", "    both(y, row, i);"),
    ("    make(row, x, i);\n    take(y, row, i);", "    take(y, row, i);\n    make(row, x, i);"),
    ("    take(y, row, i);", "    take(y, row, i);\n    y[i] += 1;"),
    ("    make(row, x, i);", "    make(row, y, i);"),
    ("    Row row;\n", ""),
    ("#pragma HLS DATAFLOW\n    Row row;", "    Row row;\n#pragma HLS DATAFLOW"),
]


def test_dataflow_in_the_canonical_form(tmp_path: Path) -> None:
    assert lint(tmp_path, "flow(x, y, n);", FLOW) == []


@pytest.mark.parametrize(("old", "new"), OTHERWISE)
def test_dataflow_in_another_form(old: str, new: str, tmp_path: Path) -> None:
    assert old in FLOW
    changed = FLOW.replace(old, new)
    if "Row row;" not in changed and "Row row = " not in changed:
        changed = changed.replace("  for (int", "  Row row;\n  for (int")
    assert "dataflow" in {f.rule for f in lint(tmp_path, "flow(x, y, n);", changed)}


# A top that moves words from one bundle to another, and what must not be changed in it.
PORTS_TOP = """#include <cstdint>
#include "kernels/snippet.hpp"
extern "C" void some_top(const std::uint64_t* from, const std::uint64_t* more, std::uint64_t* to,
                         int n);
extern "C" void some_top(const std::uint64_t* from, const std::uint64_t* more, std::uint64_t* to,
                         int n) {
#pragma HLS INTERFACE m_axi port = from offset = slave bundle = gmem0 depth = 8
#pragma HLS INTERFACE m_axi port = more offset = slave bundle = gmem0 depth = 8
#pragma HLS INTERFACE m_axi port = to offset = slave bundle = gmem1 depth = 8
  const Call call = {from, more, to};
  move(call, n);
}
"""
MOVE = """
struct Call {
  const std::uint64_t* from;
  const std::uint64_t* more;
  std::uint64_t* to;
};
using Row = std::uint64_t[8];
template <class T>
void load(Row& row, const T* source, const T* other, int n) {
#pragma HLS INLINE off
  if (other == source) row[0] = 0;
  for (int i = 0; i < n; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    row[i] = source[i];
  }
}
inline void store(std::uint64_t* result, const Row& row, int n);
inline void store(std::uint64_t* result, const Row& row, int n) {
#pragma HLS INLINE off
  for (int i = 0; i < n; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    result[i] = row[i];
  }
}
inline void flow(const std::uint64_t* from, const std::uint64_t* more, std::uint64_t* to, int n);
inline void flow(const std::uint64_t* from, const std::uint64_t* more, std::uint64_t* to, int n) {
  for (int k = 0; k < n; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
#pragma HLS DATAFLOW
    Row row;
#pragma HLS ARRAY_PARTITION variable = row complete
    load(row, from, more, n);
    store(to, row, n);
  }
}
inline void move(const Call& call, int n);
inline void move(const Call& call, int n) {
#pragma HLS INLINE
  const std::uint64_t* start = call.from;
  for (int k = 0; k < 2; ++k) {
    flow(start, call.more, call.to, n);
    start += 8;
  }
}
"""
FIRST = "  if (other == source) row[0] = 0;"
BYTES = "std::int8_t* more, std::uint64_t* to,\n                         int n) {"
PORTS = [
    ("port-width", BYTES.replace("int8", "uint64"), BYTES),
    ("burst", f"#pragma HLS INLINE off\n{FIRST}", FIRST),
    ("burst", f"#pragma HLS INLINE off\n{FIRST}", f"#pragma HLS INLINE\n{FIRST}"),
    ("burst", "row[i] = source[i];", "row[i] = source[i] + source[0];"),
    ("burst", "row[i] = source[i];", "row[i] = source[i] + *other;"),
    ("burst", FIRST, "  for (int i = 0; i < 8; ++i) row[i] = *other;"),
    ("burst", "    result[i] = row[i];", "    result[i] += row[i];\n    result[0] = 1;"),
    ("burst", "    start += 8;", "    start += 8;\n    call.to[0] = 1;"),
    ("burst", "    row[i] = source[i];", "    row[i] = source[i];\n    take(row, source);"),
    ("dataflow-port", "to offset = slave bundle = gmem1", "to offset = slave bundle = gmem0"),
    ("dataflow-port", "flow(start, call.more, call", "flow(call.to, call.more, call"),
]
TAKE = """template <class T> void take(Row& row, const T* source) {
#pragma HLS INLINE off
  row[0] = source[0];
}
template <class T>
void load("""


def test_ports_as_the_vendor_asks(tmp_path: Path) -> None:
    assert lint(tmp_path, "", MOVE, PORTS_TOP) == []


@pytest.mark.parametrize(("rule", "old", "new"), PORTS)
def test_ports_otherwise(rule: str, old: str, new: str, tmp_path: Path) -> None:
    move = MOVE.replace("template <class T>\nvoid load(", TAKE)
    assert (old in move) != (old in PORTS_TOP)
    found = lint(tmp_path, "", move.replace(old, new), PORTS_TOP.replace(old, new))
    assert rule in {finding.rule for finding in found}


INTERFACES = [
    ('extern "C" ', ""),
    ("const std::int32_t* x", "const std::int32_t& x"),
    ("std::int32_t* y", "float* y"),
    ("std::int32_t* y", "Three* y"),
    ("std::int32_t* y", "bool* y"),
    ("int n", "std::int64_t n"),
    ("int n", "bool n"),
    ("int n", "Numbers n"),
    ("void some_top", "int some_top"),
]


@pytest.mark.parametrize(("old", "new"), INTERFACES)
def test_tops_take_plain_pointers_and_sizes(old: str, new: str, tmp_path: Path) -> None:
    signature = TOP.splitlines()[2].rstrip(";").replace(old, new)
    top = '#include "kernels/snippet.hpp"\n' + signature + ";\n" + signature
    found = lint(tmp_path, "", top=top + " { return " + ("0" if "int some" in new else "") + "; }")
    assert "interface" in {finding.rule for finding in found}


@pytest.mark.slow
def test_the_kernels() -> None:
    assert hls_lint.check(ROOT / "kernels") == []


def tree_of(kernel: str) -> hls_lint.Tree:
    top = ROOT / "kernels" / f"{kernel}_top.cpp"
    return hls_lint.Tree(top, ROOT, hls_lint.TARGETS[0])


@pytest.mark.slow
def test_every_kernel_header_is_reached() -> None:
    trees = [tree_of(kernel) for kernel in KERNELS]
    included = {Path(i.include.name).name for tree in trees for i in tree.unit.get_includes()}
    assert {path.name for path in (ROOT / "kernels").glob("*.hpp")} <= included


@pytest.mark.parametrize("kernel", KERNELS)
def test_interfaces_are_what_the_compiler_reads(kernel: str) -> None:
    tree = tree_of(kernel)
    assert sum(1 for _ in tree.nodes()) > 500
    (top,) = (f for f in tree.functions.values() if f.spelling == f"{kernel}_top")
    interface = load_interface(kernel)
    assert [a.name for a in interface.arguments] == [a.spelling for a in top.get_arguments()]
    for ours, theirs in zip(interface.arguments, top.get_arguments(), strict=True):
        kind = hls_lint.pointee(theirs.type.get_canonical())
        assert hls_lint.pointer(theirs.type) == (ours.kind != "scalar")
        assert np.dtype(ours.dtype).itemsize == kind.get_size()
        assert ours.is_const == kind.is_const_qualified()
        assert np.dtype(ours.dtype).kind == ("u" if "unsigned" in kind.spelling else "i")


@pytest.mark.slow
def test_templates_are_judged_as_the_tops_instantiate_them() -> None:
    trees = [tree_of(kernel) for kernel in KERNELS]
    for tree in trees:
        assert sum(1 for _ in tree.nodes()) > 500
    seen = {function.displayname for tree in trees for function in tree.functions.values()}
    assert {"store_row<>(Word *, const Word (&)[32], int)",
            "store_row<>(Word *, const Word (&)[128], int)",
            "threefry_round<>(BitsOf<unsigned int> &)"} <= seen  # fmt: skip


def test_the_command(tmp_path: Path) -> None:
    lint(tmp_path, "y[0] = n * n;")
    command = [sys.executable, hls_lint.__file__, str(tmp_path / "kernels")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stdout.startswith("kernels/some_top.cpp:7: multiplication: a multiplier, ")
    assert found.stdout.count("\n") == 1
    assert found.stderr == ""
