// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): 64 random
// bits as a pure function of key and counter, made of additions, rotations and exclusive ors.
// What is drawn, with which key and counter: docs/arithmetic.md, section 3.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

constexpr int kThreefryRounds = 13;  // why not 20: docs/arithmetic.md, section 3

// Two 32-bit words, of type uint32_t, or a vector of them: then as many draws at once.
template <class Words>
struct BitsOf {
  Words low;
  Words high;
};
using Bits64 = BitsOf<std::uint32_t>;

template <int kDistance, class Words>
inline void threefry_round(BitsOf<Words>& x) {
  x.low += x.high;
  x.high = (x.high << kDistance | x.high >> (32 - kDistance)) ^ x.low;
}

template <int kA, int kB, int kC, int kD, class Words>
inline void threefry_rounds(BitsOf<Words>& x) {
  threefry_round<kA>(x);
  threefry_round<kB>(x);
  threefry_round<kC>(x);
  threefry_round<kD>(x);
}

template <class Words>
inline void threefry_inject(BitsOf<Words>& x, std::uint32_t low, std::uint32_t high) {
  x.low += low;
  x.high += high;
}

// Written out, not looped: a straight line is one pipeline in the fabric and vectorises on a CPU.
template <int kRounds = kThreefryRounds, class Words>
inline BitsOf<Words> threefry(Key key, Words element, std::uint32_t step) {
  static_assert(kRounds == 13 || kRounds == 20, "the published known answers are for 13 and 20");
  const std::uint32_t parity = 0x1BD11BDAU ^ key.seed ^ key.purpose;
  const Words zero = element ^ element;  // as many words as there are elements
  BitsOf<Words> x = {element + key.seed, zero + (step + key.purpose)};
  threefry_rounds<13, 15, 26, 6>(x);
  threefry_inject(x, key.purpose, parity + 1U);
  threefry_rounds<17, 29, 16, 24>(x);
  threefry_inject(x, parity, key.seed + 2U);
  threefry_rounds<13, 15, 26, 6>(x);
  threefry_inject(x, key.seed, key.purpose + 3U);
  threefry_round<17>(x);
  if (kRounds == 13) return x;
  threefry_round<29>(x);
  threefry_round<16>(x);
  threefry_round<24>(x);
  threefry_inject(x, key.purpose, parity + 4U);
  threefry_rounds<13, 15, 26, 6>(x);
  threefry_inject(x, parity, key.seed + 5U);
  return x;
}

// Byte k of a draw (it has 8) and 16-bit half k (it has 4), lowest first.
inline std::int32_t byte_of(Bits64 bits, int k) {
  const std::uint32_t word = k < 4 ? bits.low : bits.high;
  return static_cast<std::int32_t>(word >> ((k & 3) << 3) & 0xFFU);
}
inline std::int32_t half_of(Bits64 bits, int k) {
  const std::uint32_t word = k < 2 ? bits.low : bits.high;
  return static_cast<std::int32_t>(word >> ((k & 1) << 4) & 0xFFFFU);
}

}  // namespace fewmult
