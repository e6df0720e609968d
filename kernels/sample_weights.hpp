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

// Draws the sample of packed word `number`, whose 64 weights are at `weights`, four a cycle.
template <class Weight>
PackedWord draw_word(const Weight* weights, std::uint32_t number, std::uint32_t step, Key key,
                     Sampling sampling, Word there) {
  PackedWord packed = {0, 0};
  for (int four = 0; four < kWordBits / 4; ++four) {
#pragma HLS PIPELINE II = 1
    const Bits64 bits = threefry(key, (number << 4) + static_cast<std::uint32_t>(four), step);
    for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
      const int lane = (four << 2) + k;
      const SampledWeight sampled =
          sample_weight(weights[lane], half_of(bits, k), sampling, Master<Weight>::kBits);
      packed.sign |= Word{sampled.minus} << lane;
      packed.mask |= Word{sampled.nonzero} << lane;
    }
  }
  return {packed.sign & there, packed.mask & there};
}

// Samples a whole layer. Weights lie as [word column][output][64].
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

template <class Tile>
void sample_weights(const fewmult_calls::SampleWeights& call) {
#pragma HLS INLINE
  const Sampling sampling = {call.binary != 0, call.sharpness};
  const Key key = {call.seed, call.purpose};
  if (call.master_bits == 8) {
    sample_weights<Tile>(call.weights8, call.sign, call.mask, call.inputs, call.outputs, sampling,
                         key, call.step);
  } else {
    sample_weights<Tile>(call.weights16, call.sign, call.mask, call.inputs, call.outputs, sampling,
                         key, call.step);
  }
}

}  // namespace fewmult
