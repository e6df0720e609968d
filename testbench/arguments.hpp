// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A top's arguments, out of a case: numbers in the ranges that kernels are made for, and arrays of
// just the sizes that follow from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/window.hpp"
#include "testbench/golden.hpp"
#include "testbench/guarded.hpp"

namespace golden {

inline int width(const Case& given, const char* name) {
  return given.number(name, 1, 1 << fewmult::kMaxLog2Width);
}

inline int log2_batch(const Case& given) {
  return given.number("log2_batch", 4, fewmult::kMaxLog2Batch);
}

inline bool flag(const Case& given, const char* name) { return given.number(name, 0, 1) != 0; }

inline int master_bits(const Case& given) {
  const int bits = given.number("master_bits", 8, 16);
  if (bits != 8 && bits != 16) throw Error("case " + given.name() + ": master_bits is 8 or 16");
  return bits;
}

// The image of a call, and the window on it.
template <class Call>
void enter_window(Call& call, const Case& given) {
  call.channels = width(given, "channels");
  call.rows = given.number("rows", 1, 1 << fewmult::kMaxLog2Rows);
  call.columns = given.number("columns", 1, 1 << fewmult::kMaxLog2Rows);
  call.tap_rows = width(given, "tap_rows");
  call.tap_columns = width(given, "tap_columns");
  call.stride = given.number("stride", 1, 2);
  call.padded = flag(given, "padded");
  call.signed_inputs = flag(given, "signed_inputs");
}

// Rows of a call's image, and of what its window makes of it.
template <class Call>
int image_rows(const Call& call) {
  return call.rows * call.columns * call.channels;
}
template <class Call>
int result_rows(const Call& call) {
  const fewmult::Window window = fewmult::window_of(call);
  return window.vertical.results * window.horizontal.results * call.outputs;
}

inline std::size_t words_of(int inputs, int outputs) {
  return static_cast<std::size_t>(fewmult::word_columns(inputs)) *
         static_cast<std::size_t>(outputs);
}

inline std::size_t samples_of(int units, int log2_batch) {
  return static_cast<std::size_t>(units) << log2_batch;
}

// An array with the values that the case gives, or none yet where it only expects some; without
// elements where it does neither, for the call does not touch it.
template <class T>
Guarded<T> as_given(const Case& given, const std::string& name, std::size_t length) {
  if (given.has(name)) return Guarded<T>(given.array<T>(name, length));
  return Guarded<T>(given.has("expected_" + name) ? length : 0);
}

}  // namespace golden
