// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// One stochastic ternary or binary sample of the master weights, packed (docs/arithmetic.md,
// section 8). Training gets the next sample from the update; this kernel makes the first.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// Where master weights of so many bits are clipped: 13/16 of 1.0.
constexpr std::int32_t clip_of(int master_bits) { return 13 << (master_bits - 5); }

// Master weights of type int8_t or int16_t; +-2^(bits - 1) would be +-1.0.
template <class Weight>
struct Master {
  static constexpr int kBits = sizeof(Weight) << 3;
  static constexpr std::int32_t kOne = 1 << (kBits - 1);
  static constexpr std::int32_t kClip = clip_of(kBits);
  static_assert(kBits == 8 || kBits == 16, "master weights have 8 or 16 bits");
  static_assert(kClip <= kOne - 1, "a clipped weight fits its type");
};

// How weights are sampled, the same for a whole layer.
struct Sampling {
  bool binary;    // to -1 or 1; else to -1, 0 or 1
  int sharpness;  // how often the spread of the thresholds is halved
};

// And with which draws.
struct Sampler {
  Sampling sampling;
  Key key;
  std::uint32_t step;
};

struct PackedWord {
  Word sign;
  Word mask;
};

// The bits of one sampled word that belong to inputs: all 64, or fewer in the last word column.
inline Word inputs_there(int inputs_left) {
  return inputs_left >= kWordBits ? ~Word{0} : (Word{1} << inputs_left) - 1;
}

struct SampledWeight {
  std::uint8_t minus;
  std::uint8_t nonzero;
};

// One sample of a master weight of so many bits; the high byte of its half decides.
inline SampledWeight sample_weight(std::int32_t weight, std::int32_t half, Sampling sampling,
                                   int master_bits) {
  const std::int32_t byte = half >> 8;
  const std::int32_t size = weight < 0 ? -weight : weight;
  const std::int32_t one = 1 << (master_bits - 1);
  const bool drawn = size > sample_threshold(byte, master_bits - 1, sampling.sharpness);
  const bool plus = weight + one > sample_threshold(byte, master_bits, sampling.sharpness);
  const bool minus = sampling.binary ? !plus : drawn && weight < 0;
  const bool nonzero = sampling.binary || drawn;
  return {static_cast<std::uint8_t>(minus ? 1 : 0), static_cast<std::uint8_t>(nonzero ? 1 : 0)};
}

// 64-bit words of so many packed words' master weights.
inline int words_of_weights(int packed, int master_bits) {
  return master_bits == 8 ? packed << 3 : packed << 4;
}

// Samples a whole layer. Weights lie as [word column][output][64].
template <class Tile>
void sample_weights(const fewmult_calls::SampleWeights& call) {
#pragma HLS INLINE
  const Sampler sampler = {
      {call.binary != 0, call.sharpness}, {call.seed, call.purpose}, call.step};
  const Word* weights = call.weights;
  std::uint32_t number = 0;
  for (int input = 0; input < call.inputs; input += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
    for (int output = 0; output < call.outputs; output += Tile::kGradientRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
      const int rows = smaller(call.outputs - output, Tile::kGradientRows);
      Tile::sample(call.sign + number, call.mask + number, weights, rows, number,
                   inputs_there(call.inputs - input), call.master_bits, sampler);
      weights += words_of_weights(rows, call.master_bits);
      number += static_cast<std::uint32_t>(rows);
    }
  }
}

}  // namespace fewmult
