// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Where a window of taps lies on an image (docs/arithmetic.md, section 14). Of an image's places,
// [row][column], each has a row of bytes for each channel, [place][channel][example].
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/passes.hpp"

namespace fewmult {

constexpr int kMaxLog2Rows = 22;    // rows of an image's bytes: with a batch, 31 bits number them
constexpr int kMaxLog2Places = 18;  // times batch: of a gradient that fits 32 bits
static_assert((std::int64_t{kDeltaMax} << (6 + kMaxLog2Places)) + (1 << kMaxShift) - 1 <= INT32_MAX,
              "a gradient over places and its rounding term fit 32 bits");

// Along rows or columns: an image, the window on it, and where the window lies.
struct Axis {
  int length;   // places of the image
  int taps;     // of the window
  int stride;   // 1 or 2
  int padding;  // zeros in front of the image
  int results;  // where the window lies
};

inline Axis axis_of(int length, int taps, int stride, bool padded) {
  const int shift = stride - 1;
  const int results = padded ? (length + shift) >> shift : ((length - taps) >> shift) + 1;
  return {length, taps, stride, padded ? (taps - 1) >> 1 : 0, results};
}

// A layer that is applied at places: both axes, and its channels.
struct Window {
  Axis vertical;
  Axis horizontal;
  int channels;
  int outputs;
};

template <class Call>
inline Window window_of(const Call& call) {
#pragma HLS INLINE
  return {axis_of(call.rows, call.tap_rows, call.stride, call.padded != 0),
          axis_of(call.columns, call.tap_columns, call.stride, call.padded != 0), call.channels,
          call.outputs};
}

// Whether the window lies once, on the whole image.
inline bool is_whole(const Axis& axis) {
  return axis.taps == axis.length && axis.results == 1 && axis.padding == 0;
}
inline bool is_whole(const Window& window) {
  return is_whole(window.vertical) && is_whole(window.horizontal);
}

// Whether a call is that of a dense layer: no weights and no biases are shared by places.
inline bool is_dense(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  const bool shares_biases = pass_of(call) == Pass::kBackward && call.channels != call.inputs;
  return is_whole(window_of(call)) && !shares_biases;
}

// The same, and its activations have no sign.
inline bool is_dense(const fewmult_calls::ShiftGradient& call) {
#pragma HLS INLINE
  return is_whole(window_of(call)) && call.signed_inputs == 0;
}

}  // namespace fewmult
