// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What lies side by side in a 64-bit word of memory, and that a port brings in a cycle: eight
// examples of a unit, four 16-bit weights, two numbers. The first is the lowest.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

constexpr int kLog2PortBytes = 3;
constexpr int kPortBytes = 8;  // of one cycle of a 64-bit port
constexpr int kBatchWords = kMaxBatch >> kLog2PortBytes;
constexpr int kMaxPairs = kMaxBatch >> 1;  // words of a batch's numbers

inline std::int8_t byte_in(Word word, int k) {
  return static_cast<std::int8_t>(word >> (k << 3) & 0xFFU);
}
inline std::int16_t half_in(Word word, int k) {
  return static_cast<std::int16_t>(word >> (k << 4) & 0xFFFFU);
}
inline std::int32_t number_in(Word word, int k) {
  return static_cast<std::int32_t>(word >> (k << 5) & 0xFFFFFFFFU);
}

inline Word byte_at(std::int32_t value, int k) {
  return Word{static_cast<std::uint8_t>(value)} << (k << 3);
}
inline Word half_at(std::int32_t value, int k) {
  return Word{static_cast<std::uint16_t>(value)} << (k << 4);
}
inline Word number_at(std::int32_t value, int k) {
  return Word{static_cast<std::uint32_t>(value)} << (k << 5);
}

// Words of so many numbers.
inline int pairs_of(int numbers) { return (numbers + 1) >> 1; }

// The bytes of some words.
template <int kWords>
inline void take_bytes(std::int16_t (&bytes)[kWords << kLog2PortBytes],
                       const Word (&eights)[kWords]) {
#pragma HLS INLINE
  for (int word = 0; word < kWords; ++word) {
#pragma HLS UNROLL
    for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
      bytes[(word << kLog2PortBytes) + k] = byte_in(eights[word], k);
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
