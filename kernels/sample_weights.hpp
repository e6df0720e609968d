// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// One stochastic ternary or binary sample of the master weights, packed (docs/arithmetic.md,
// section 8). Training gets the next sample from the update; this kernel makes the first.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// Master weights of type int8_t or int16_t; +-2^(bits - 1) would be +-1.0.
template <class Weight>
struct Master {
  static constexpr int kBits = sizeof(Weight) << 3;
  static constexpr std::int32_t kOne = 1 << (kBits - 1);
  static constexpr std::int32_t kClip = 13 << (kBits - 5);  // 13/16 of 1.0
  static_assert(kBits == 8 || kBits == 16, "master weights have 8 or 16 bits");
  static_assert(kClip <= kOne - 1, "a clipped weight fits its type");
};

// How weights are sampled, the same for a whole layer.
struct Sampling {
  bool binary;    // to -1 or 1; else to -1, 0 or 1
  int sharpness;  // how often the spread of the thresholds is halved
};

struct PackedWord {
  Word sign;
  Word mask;
};

// The bits of one sampled word that belong to inputs: all 64, or fewer in the last word column.
inline Word inputs_there(int inputs_left) {
  return inputs_left >= kWordBits ? ~Word{0} : (Word{1} << inputs_left) - 1;
}

// Samples 64 weights; the high byte of a weight's half decides.
template <class Weight>
inline PackedWord sample_word(const Weight (&weights)[kWordBits],
                              const std::uint16_t (&halves)[kWordBits], Sampling sampling,
                              Word there) {
  std::uint8_t nonzero[kWordBits];
  std::uint8_t minus[kWordBits];
#pragma HLS ARRAY_PARTITION variable = nonzero complete
#pragma HLS ARRAY_PARTITION variable = minus complete
  for (int lane = 0; lane < kWordBits; ++lane) {
#pragma HLS UNROLL
    const std::int32_t w = weights[lane];
    const std::int32_t byte = halves[lane] >> 8;
    const std::int32_t size = w < 0 ? -w : w;
    const bool drawn = size > sample_threshold(byte, Master<Weight>::kBits - 1, sampling.sharpness);
    const bool plus = w + Master<Weight>::kOne >
                      sample_threshold(byte, Master<Weight>::kBits, sampling.sharpness);
    nonzero[lane] = sampling.binary || drawn ? 1 : 0;
    minus[lane] = sampling.binary ? !plus : drawn && w < 0;
  }
  PackedWord packed = {0, 0};
  for (int lane = 0; lane < kWordBits; ++lane) {
#pragma HLS UNROLL
    packed.sign |= Word{minus[lane]} << lane;
    packed.mask |= Word{nonzero[lane]} << lane;
  }
  packed.sign &= there;
  packed.mask &= there;
  return packed;
}

// Draws the sample of packed word `number`, whose 64 weights are at `weights`.
template <class Weight>
PackedWord draw_word(const Weight* weights, std::uint32_t number, std::uint32_t step, Key key,
                     Sampling sampling, Word there) {
  Weight block[kWordBits];
  std::uint16_t halves[kWordBits];
  for (int lane = 0; lane < kWordBits; ++lane) {
#pragma HLS PIPELINE II = 1
    block[lane] = weights[lane];
  }
  draw_halves(key, number, step, halves);
  return sample_word(block, halves, sampling, there);
}

// Samples a whole layer for step `step`. Weights lie as [word column][output][64].
template <class Tile, class Weight>
void sample_weights(const Weight* weights, Word* sign, Word* mask, int inputs, int outputs,
                    Sampling sampling, Key key, std::uint32_t step) {
  std::uint32_t number = 0;
  for (int first = 0; first < inputs; first += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
    for (int output = 0; output < outputs; ++output) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1024
      const PackedWord packed =
          Tile::draw_word(weights, number, step, key, sampling, inputs_there(inputs - first));
      weights += kWordBits;
      *sign++ = packed.sign;
      *mask++ = packed.mask;
      ++number;
    }
  }
}

}  // namespace fewmult
