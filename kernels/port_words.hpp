// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Eight examples of a unit, side by side in a word: what a memory port brings in a cycle, and how
// activations and deltas lie on chip.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

constexpr int kLog2PortBytes = 3;
constexpr int kPortBytes = 8;  // of one cycle of a 64-bit port
constexpr int kBatchWords = kMaxBatch >> kLog2PortBytes;

inline Word port_word(const std::int8_t* eight_bytes) {
#pragma HLS INLINE
  Word word = 0;
  for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
    word |= Word{static_cast<std::uint8_t>(eight_bytes[k])} << (k << 3);
  }
  return word;
}

// The bytes of some words, `kLanes` in all.
template <int kLanes>
inline void take_bytes(std::int16_t (&bytes)[kLanes], const Word* words) {
#pragma HLS INLINE
  for (int word = 0; word < kLanes / kPortBytes; ++word) {
#pragma HLS UNROLL
    for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
      bytes[(word << kLog2PortBytes) + k] =
          static_cast<std::int8_t>(words[word] >> (k << 3) & 0xFFU);
    }
  }
}

// log2 of the next power of two, 2^least or more: a flat loop over such a number of rows tells row
// and pass apart by shifts.
inline int log2_of_rows(int rows, int least) {
  int log2 = least;
  for (int bit = 0; bit < 16; ++bit) {
#pragma HLS UNROLL
    if (bit >= least && rows > 1 << bit) log2 = bit + 1;
  }
  return log2;
}

}  // namespace fewmult
