// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The image of a record, and the window on it: nothing reaches a kernel before they fit together.
#pragma once

#include <algorithm>

#include "bindings/action.hpp"
#include "kernels/window.hpp"

namespace fewmult_bindings {

constexpr int kMaxRows = 1 << fewmult::kMaxLog2Rows;

// An image and a window on it, whose sizes are right.
struct WindowRecord {
  int channels;
  int rows;
  int columns;
  int tap_rows;
  int tap_columns;
  int stride;
  bool padded;
  int image;    // places
  int results;  // places
  int terms;    // of a sum that is sent back, at most
};

inline WindowRecord window_of(const Record& call, int inputs, int outputs) {
  WindowRecord at = {};
  at.channels = call.number("channels", 1, kMaxWidth);
  at.rows = call.number("rows", 1, kMaxRows);
  at.columns = call.number("columns", 1, kMaxRows);
  at.stride = call.number("stride", 1, 2);
  at.padded = call.flag("padded");
  at.tap_rows = call.number("tap_rows", 1, at.padded ? kMaxWidth : at.rows);
  at.tap_columns = call.number("tap_columns", 1, at.padded ? kMaxWidth : at.columns);
  checked("channels * rows * columns", static_cast<long long>(at.channels) * at.rows * at.columns,
          1, kMaxRows);
  const long long taps = static_cast<long long>(at.tap_rows) * at.tap_columns;
  if (taps * at.channels != inputs) {
    throw py::value_error("inputs must be tap_rows * tap_columns * channels");
  }
  const fewmult::Axis down = fewmult::axis_of(at.rows, at.tap_rows, at.stride, at.padded);
  const fewmult::Axis across = fewmult::axis_of(at.columns, at.tap_columns, at.stride, at.padded);
  at.image = at.rows * at.columns;
  at.results = down.results * across.results;
  at.terms = checked("terms of a sum that is sent back",
                     std::min<long long>(taps, at.results) * outputs, 1, kMaxWidth);
  checked("rows of the result", static_cast<long long>(at.results) * outputs, 1, kMaxRows);
  return at;
}

}  // namespace fewmult_bindings
