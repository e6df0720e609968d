// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Max pooling: the largest of each square of places, channel by channel, and the way back, where
// the first that equals it gets its delta (docs/arithmetic.md, section 14). A place is a burst of
// words, [channel][example], so channels and examples are the same here. What stays on chip is a
// window's largest values, and on the way back the deltas that no place has taken yet.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/port_words.hpp"
#include "kernels/window.hpp"

namespace fewmult {

// Windows side by side along rows or columns.
inline int squares_along(int length, int size) {
  int squares = 0;
  int left = size;
  for (int place = 0; place < length; ++place) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 32
    --left;
    if (left == 0) {
      ++squares;
      left = size;
    }
  }
  return squares;
}

// Of an image, in words: from a place to the next, from a row of places, from a window, from a row
// of windows. And how many windows there are.
struct Squares {
  int place;
  int row;
  int window;
  int band;
  int rows;
  int columns;
};

inline Squares squares_of(const fewmult_calls::Pool& call) {
#pragma HLS INLINE
  const int place = call.channels << (call.log2_batch - kLog2PortBytes);
  const int row = repeated(place, call.columns);
  return {place,
          row,
          repeated(place, call.size),
          repeated(row, call.size),
          squares_along(call.rows, call.size),
          squares_along(call.columns, call.size)};
}

struct PoolBursts {
  static constexpr int kPoolWords = 1024;  // of a place that are taken at once
  using Words = Word[kPoolWords];

  // The larger of what is there and of a place's values, byte by byte; of the first place its own.
  static void take_largest(Words& largest, const Word* x, int words, bool begins) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kPoolWords
// A word is met once.
#pragma HLS DEPENDENCE variable = largest inter false
      const Word here = x[word];
      const Word before = begins ? here : largest[word];
      Word now = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int8_t one = byte_in(here, k);
        const std::int8_t other = byte_in(before, k);
        now |= byte_at(one > other ? one : other, k);
      }
      largest[word] = now;
    }
  }

  static void store_largest(Word* pooled, const Words& largest, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kPoolWords
      pooled[word] = largest[word];
    }
  }

  static void load_window(Words& largest, Words& left, const Word* pooled, const Word* deltas,
                          int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kPoolWords
      largest[word] = pooled[word];
      left[word] = deltas[word];
    }
  }

  // A place has the delta if it equals the largest and none before it did.
  static void send_back(Word* result, Words& left, const Words& largest, const Word* x, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kPoolWords
// A word is met once.
#pragma HLS DEPENDENCE variable = left inter false
      const Word here = x[word];
      const Word most = largest[word];
      const Word deltas = left[word];
      Word taken = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t delta = byte_in(deltas, k);
        taken |= byte_at(byte_in(here, k) == byte_in(most, k) ? delta : 0, k);
      }
      result[word] = taken;
      left[word] = deltas ^ taken;
    }
  }

  // What lies in no window has no delta.
  static void clear(Word* result, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 65536
      result[word] = 0;
    }
  }
};

// Some words of a window, of which x has the first place's.
inline void pool_window(PoolBursts::Words& largest, const Word* x, Word* pooled, const Squares& at,
                        int size, int words) {
#pragma HLS INLINE
  for (int u = 0; u < size; ++u) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2
    const Word* place = x;
    for (int v = 0; v < size; ++v) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2
      PoolBursts::take_largest(largest, place, words, u == 0 && v == 0);
      place += at.place;
    }
    x += at.row;
  }
  PoolBursts::store_largest(pooled, largest, words);
}

inline void pool_window_back(PoolBursts::Words& largest, PoolBursts::Words& left, const Word* x,
                             const Word* pooled, const Word* deltas, Word* result,
                             const Squares& at, int size, int words) {
#pragma HLS INLINE
  PoolBursts::load_window(largest, left, pooled, deltas, words);
  for (int u = 0; u < size; ++u) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2
    int place = 0;
    for (int v = 0; v < size; ++v) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2
      PoolBursts::send_back(result + place, left, largest, x + place, words);
      place += at.place;
    }
    x += at.row;
    result += at.row;
  }
}

inline void pool(const fewmult_calls::Pool& call) {
#pragma HLS INLINE
  PoolBursts::Words largest;
  PoolBursts::Words left;
  const Squares at = squares_of(call);
  const int covered = repeated(at.window, at.columns);
  int image = 0;   // word of a row of windows
  int window = 0;  // word of a window's values
  for (int row = 0; row < at.rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
    int here = image;
    for (int column = 0; column < at.columns; ++column) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
      for (int first = 0; first < at.place; first += PoolBursts::kPoolWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
        const int words = smaller(at.place - first, PoolBursts::kPoolWords);
        const int place = here + first;
        const int of_window = window + first;
        if (call.back != 0) {
          pool_window_back(largest, left, call.x + place, call.pooled + of_window,
                           call.deltas + of_window, call.result + place, at, call.size, words);
        } else {
          pool_window(largest, call.x + place, call.pooled + of_window, at, call.size, words);
        }
      }
      here += at.window;
      window += at.place;
    }
    if (call.back != 0) {
      int right = image + covered;
      for (int u = 0; u < call.size; ++u) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2
        PoolBursts::clear(call.result + right, at.row - covered);
        right += at.row;
      }
    }
    image += at.band;
  }
  if (call.back != 0) {
    const int below = repeated(at.band, at.rows);
    PoolBursts::clear(call.result + below, repeated(at.row, call.rows) - below);
  }
}

}  // namespace fewmult
