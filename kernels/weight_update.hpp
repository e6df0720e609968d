// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What follows from a weight gradient: update, clip, next sample (docs/arithmetic.md, section 8).
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// What one update needs to know, the same for all weights of a layer.
struct Update {
  int shift;           // right by this much with stochastic rounding, or left if negative
  Sampling sampling;   // of the next step's weights
  Key code_key;        // draws of the power-of-two codes
  Key weight_key;      // draws of rounding and sampling
  std::uint32_t step;  // the step whose gradient this is; the next sample is for step + 1
};

// How a gradient becomes the change of a weight.
struct WeightStep {
  int right;
  int left;
  Rounding rounding;
};

inline WeightStep step_of(const Update& update) {
  const int right = larger(update.shift, 0);
  return {right, larger(-update.shift, 0), rounding_of(right)};
}

// A master weight of so many bits after one step; the low byte of its half rounds.
inline std::int32_t stepped_weight(std::int32_t weight, std::int32_t gradient, std::int32_t half,
                                   const WeightStep& step, int master_bits) {
  const std::int32_t term = rounding_term(half & 0xFF, step.rounding);
  const std::int32_t change = shift_left((gradient + term) >> step.right, step.left);
  return clamp(weight - change, -clip_of(master_bits), clip_of(master_bits));
}

}  // namespace fewmult
