// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Max pooling: the largest of each square of places, channel by channel, and the way back, where
// the first that equals it gets its delta (docs/arithmetic.md, section 14).
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/places/window.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/pool.hpp"

namespace fewmult {

// Where windows and their places lie.
struct PoolPlaces {
  int columns;           // of windows
  std::ptrdiff_t place;  // bytes of a place
  std::ptrdiff_t row;    // of a row of places
};

inline PoolPlaces pool_places_of(const fewmult_calls::Pool& call) {
  const std::ptrdiff_t place = std::ptrdiff_t{call.channels} << call.log2_batch;
  return {squares_along(call.columns, call.size), place, sum_of(place, call.columns)};
}

inline void take_window(const std::int8_t* x, const PoolPlaces& squares, int size,
                        std::int8_t* pooled) {
  for (std::ptrdiff_t k = 0; k < squares.place; ++k) pooled[k] = x[k];
  for (int u = 0; u < size; ++u, x += squares.row) {
    const std::int8_t* place = x;
    for (int v = 0; v < size; ++v, place += squares.place) {
      for (std::ptrdiff_t k = 0; k < squares.place; ++k) {
        pooled[k] = place[k] > pooled[k] ? place[k] : pooled[k];
      }
    }
  }
}

// A place has the delta if it equals the largest and none before it did.
inline void place_deltas(const std::int8_t* x, const std::int8_t* pooled, const std::int8_t* deltas,
                         const PoolPlaces& squares, int size, std::int8_t* result) {
  constexpr int kBytes = 256;  // a place's, so many at once
  for (std::ptrdiff_t first = 0; first < squares.place; first += kBytes) {
    const int there =
        static_cast<int>(squares.place - first < kBytes ? squares.place - first : kBytes);
    std::int8_t left[kBytes];  // deltas that no place has yet
    for (int k = 0; k < there; ++k) left[k] = deltas[first + k];
    const std::int8_t* row = x + first;
    std::int8_t* to_row = result + first;
    for (int u = 0; u < size; ++u, row += squares.row, to_row += squares.row) {
      const std::int8_t* place = row;
      std::int8_t* to = to_row;
      for (int v = 0; v < size; ++v, place += squares.place, to += squares.place) {
        for (int k = 0; k < there; ++k) {
          const bool is = place[k] == pooled[first + k];
          to[k] = is ? left[k] : std::int8_t{0};
          left[k] = is ? std::int8_t{0} : left[k];
        }
      }
    }
  }
}

// Some rows of windows; what lies in no window gets zeros, too.
inline void pool_rows(const fewmult_calls::Pool& call, fewmult_calls::Share rows) {
  const auto* const x = elements<std::int8_t>(call.x);
  auto* const pooled = elements<std::int8_t>(call.pooled);
  const auto* const deltas = elements<std::int8_t>(call.deltas);
  auto* const result = elements<std::int8_t>(call.result);
  const PoolPlaces squares = pool_places_of(call);
  const std::ptrdiff_t band = sum_of(squares.row, call.size);
  std::ptrdiff_t at = sum_of(band, rows.first);
  std::ptrdiff_t window = sum_of(sum_of(squares.place, squares.columns), rows.first);
  for (int row = rows.first; row < rows.end; ++row, at += band) {
    std::ptrdiff_t here = at;
    for (int column = 0; column < squares.columns; ++column) {
      if (call.back != 0) {
        place_deltas(x + here, pooled + window, deltas + window, squares, call.size, result + here);
      } else {
        take_window(x + here, squares, call.size, pooled + window);
      }
      here += sum_of(squares.place, call.size);
      window += squares.place;
    }
    if (call.back != 0) {
      std::ptrdiff_t end = at;
      std::ptrdiff_t over = here;
      for (int u = 0; u < call.size; ++u, over += squares.row) {
        end += squares.row;
        for (std::ptrdiff_t k = over; k < end; ++k) result[k] = 0;
      }
    }
  }
  const int all = squares_along(call.rows, call.size);
  if (call.back != 0 && rows.end == all) {
    const std::ptrdiff_t end = sum_of(squares.row, call.rows);
    for (std::ptrdiff_t k = sum_of(band, all); k < end; ++k) result[k] = 0;
  }
}

}  // namespace fewmult
