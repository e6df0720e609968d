// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What leaves a unit for one example: mean-only normalization, shift, ReLU and saturation on the
// way forward; gate, mean and stochastic rounding on the way back (docs/arithmetic.md, sections 5
// and 6).
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

constexpr int kActivationFraction = 5;  // fraction bits of a hidden activation
constexpr int kLogitFraction = 6;       // fraction bits of a logit

// Either way: rounded by a term, shifted, moved and saturated.
inline std::int8_t saturated(std::int32_t above_mean, std::int32_t term, int shift,
                             std::int32_t offset, std::int32_t least) {
  return static_cast<std::int8_t>(
      clamp(((above_mean + term) >> shift) + offset, least, kActivationMax));
}

inline std::int32_t logit(std::int32_t z, std::int32_t bias, int shift) {
  return shift_round(z, shift) + (bias >> (kBiasFraction - kLogitFraction));
}

// The straight-through gate is open where activation x neither rests at 0 nor saturates.
inline std::int32_t gated(std::int32_t g, std::int32_t x) {
  return x > 0 && x < kActivationMax ? g : 0;
}

}  // namespace fewmult
