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

// Updates the 64 weights of packed word `number` and samples them.
template <class Weight>
PackedWord update_word(Weight* weights, const std::int32_t (&gradient)[kWordBits],
                       std::uint32_t number, Word there, const Update& update) {
  Weight block[kWordBits];
  std::uint16_t halves[kWordBits];
  draw_halves(update.weight_key, number, update.step + 1, halves);
  const int right = larger(update.shift, 0);
  const int left = larger(-update.shift, 0);
  const Rounding rounding = rounding_of(right);
  for (int lane = 0; lane < kWordBits; ++lane) {
#pragma HLS PIPELINE II = 1
#pragma HLS UNROLL factor = 4
    const std::int32_t term = rounding_term(halves[lane] & 0xFF, rounding);
    const std::int32_t change = shift_left((gradient[lane] + term) >> right, left);
    block[lane] = static_cast<Weight>(
        clamp(weights[lane] - change, -Master<Weight>::kClip, Master<Weight>::kClip));
    weights[lane] = block[lane];
  }
  return sample_word(block, halves, update.sampling, there);
}

}  // namespace fewmult
