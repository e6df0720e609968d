// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What a level's instructions could do if nothing had to be loaded or stored: the yardstick of
// `fewmult-hls bench`.
#pragma once

#include <cstdint>

namespace fewmult {

// Runs Operation::run(sums, a, b) on as many independent sums as registers hold beside operands:
// two ports with a latency of five keep ten of them waiting, and more where others use the core,
// too.
template <class Isa, class Operation>
std::int64_t peak(std::int64_t loops) {
  using Int = typename Isa::Int;
  constexpr int kSums = Isa::kTwoRows ? 16 : 12;
  Int sums[kSums] = {};
  Int a = Isa::splat(0x01000201);
  Int b = Isa::splat(0x01FF0203);
  for (std::int64_t loop = 0; loop < loops; ++loop) {
#pragma GCC unroll 16
    for (int k = 0; k < kSums; ++k) {
      sums[k] = Operation::run(sums[k], a, b);
      asm volatile("" : "+v"(sums[k]), "+v"(a));  // each one is computed, none is foreseen
    }
  }
  return loops * kSums * 4 * Isa::kLanes;
}

template <class Isa>
struct ProductStep {
  static typename Isa::Int run(typename Isa::Int sums, typename Isa::Int u8, typename Isa::Int s8) {
    return Isa::step(sums, u8, s8);
  }
};

template <class Isa>
struct GradientStep {
  static typename Isa::Int run(typename Isa::Int sums, typename Isa::Int u8, typename Isa::Int s8) {
    return Isa::dot(sums, u8, s8);
  }
};

}  // namespace fewmult
