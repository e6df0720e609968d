// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Quantized back propagation (the paper, section 3): an activation becomes a power of two, drawn
// so that its mean is the activation (docs/arithmetic.md, section 7).
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

// The code c of activation x (0 .. 127): 0 for zero, else 2^c with c = 1 .. 7. A 1 becomes 2 or 0.
inline std::uint8_t power_of_two_code(std::int32_t x, std::int32_t byte) {
  int log2 = 0;
  for (int bit = 1; bit < 7; ++bit) {
#pragma HLS UNROLL
    log2 += x >> bit != 0 ? 1 : 0;
  }
  const std::int32_t rest = x - (1 << log2);  // above the power below
  const int up = rest > byte >> (8 - log2) ? 1 : 0;
  const int code = x > 1 ? log2 + up : x & ~(byte >> 7);
  return static_cast<std::uint8_t>(code);
}

}  // namespace fewmult
