// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What a window sees of an image, and what sees a place, as a host walks over them.
#pragma once

#include <cstddef>

#include "kernels/arithmetic.hpp"
#include "kernels/window.hpp"

namespace fewmult {

// term added to itself so many times, without a product: where rows begin.
inline std::ptrdiff_t sum_of(std::ptrdiff_t term, int times) {
  std::ptrdiff_t sum = 0;
  for (int bit = 0; bit <= kMaxLog2Rows; ++bit) {
    sum += (times >> bit & 1) != 0 ? term << bit : 0;
  }
  return sum;
}

// What is summed for one place: consecutive places of a source, and the tap that each meets.
struct AxisSight {
  int first;     // of the source's places; may lie outside
  int places;    // how many
  int tap;       // that the first one meets
  int tap_step;  // from one to the next
};

// Forward, place `place` of the result sees the image through the window.
inline AxisSight sight(const Axis& axis, int place) {
  const int first = axis.stride == 2 ? place << 1 : place;
  return {first - axis.padding, axis.taps, 0, 1};
}

// Sending back, place `place` of the image was seen from places of the result, by every tap or by
// every second one, the last tap first.
inline AxisSight sight_back(const Axis& axis, int place) {
  const int shift = axis.stride - 1;
  const int at = place + axis.padding;
  const int least = at & shift;
  const int places = (axis.taps - least + shift) >> shift;
  return {((at - least) >> shift) - (places - 1), places, least + (places << shift) - axis.stride,
          -axis.stride};
}

// Of a sight's places, those from `begin` to before `end` are there.
struct Inside {
  int begin;
  int end;
};

inline Inside inside(const AxisSight& sight, int length) {
  return {larger(0, -sight.first), smaller(sight.places, length - sight.first)};
}

// One direction of it: from a source's places to others, made of them.
struct Direction {
  Window window;
  bool back;
  int source_rows;
  int source_columns;
  int source_channels;
  int rows;
  int columns;
  int units;  // of each place that is made
};

inline Direction direction_of(const Window& window, bool back) {
  const Axis& v = window.vertical;
  const Axis& h = window.horizontal;
  if (back) {
    return {window,         true,     v.results, h.results,
            window.outputs, v.length, h.length,  window.channels};
  }
  return {window, false, v.length, h.length, window.channels, v.results, h.results, window.outputs};
}

inline Direction direction_of(const fewmult_calls::Layer& call) {
  return direction_of(window_of(call), sends_back(pass_of(call)));
}

inline AxisSight sight_of(const Direction& direction, const Axis& axis, int place) {
  return direction.back ? sight_back(axis, place) : sight(axis, place);
}

}  // namespace fewmult
