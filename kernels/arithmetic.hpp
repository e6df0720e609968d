// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The widths and bounds of docs/arithmetic.md, and the proofs that nothing wraps.
#pragma once

#include <cstdint>

namespace fewmult {

constexpr int kWordBits = 64;      // one packed word holds the signs (or masks) of 64 inputs
constexpr int kMaxLog2Width = 16;  // a layer has at most 65,536 inputs or outputs
constexpr int kMaxLog2Batch = 8;   // a batch has 16 to 256 examples
constexpr int kMaxBatch = 1 << kMaxLog2Batch;
constexpr int kActivationMax = 127;  // activations are 0 .. 127, in a signed byte
constexpr int kDeltaMax = 127;       // deltas are -127 .. 127
constexpr int kHingeMargin = 64;     // 1.0 in logits, which have 6 fraction bits
constexpr int kBiasFraction = 16;    // fraction bits of a bias
constexpr int kBiasMax = 1 << 23;    // a bias is clipped to +-128.0
constexpr int kMaxPlanes = 7;        // magnitude bits of an 8-bit weight
constexpr int kMaxShift = 24;        // of any rounded right shift
constexpr int kMaxSumBits = 24;    // a sum of 2^n deltas, shifted left by m: n + m is at most this
constexpr int kMaxSharpness = 15;  // halvings of the spread of a sample's thresholds
constexpr int kMaxLeftShift = 8;   // of a weight update: beyond it the sum would not fit

using Word = std::uint64_t;

// A key of the random generator: the seed, and the purpose of the draw with its layer.
struct Key {
  std::uint32_t seed;
  std::uint32_t purpose;
};

// Products and their column sums (contract, section 4). 127 bounds activations and deltas alike.
constexpr std::int64_t kMaxProduct = std::int64_t{kActivationMax} << kMaxLog2Width;
constexpr std::int64_t kMaxPlaneProduct = (kMaxProduct << kMaxPlanes) - kMaxProduct;
static_assert(kActivationMax == kDeltaMax, "one bound serves the forward and the backward product");
static_assert((kMaxProduct << kMaxLog2Batch) + kMaxBatch <= INT32_MAX,
              "a column sum of a one-plane product fits 32 bits, so do its "
              "rounded mean and the loss");
static_assert((std::int64_t{kDeltaMax} << kMaxSumBits) + kBiasMax <= INT32_MAX,
              "a bias and its step fit 32 bits, so does their difference");
static_assert(kMaxPlaneProduct + kMaxPlaneProduct + (1 << kMaxShift >> 1) <= INT32_MAX,
              "a seven-plane product less its mean, with the rounding term, "
              "fits 32 bits");

// The weight gradient (section 7): |d << c| <= 127 << 6, summed over the batch, shifted left.
constexpr std::int64_t kMaxGradient = std::int64_t{kDeltaMax} << (6 + kMaxLog2Batch);
static_assert((kMaxGradient << kMaxLeftShift) + (1 << kMaxShift) + INT16_MAX <= INT32_MAX,
              "an update with its rounding term and the weight fit 32 bits");
static_assert((-1 >> 1) == -1, "right shifts of negative numbers must be arithmetic");

// v << n for a signed v: C++14 leaves the shift of a negative number undefined.
inline std::int32_t shift_left(std::int32_t v, int n) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(v) << n);
}

// v / 2^n rounded to the nearest integer, halves up (section 2).
inline std::int32_t shift_round(std::int32_t v, int n) { return (v + (1 << n >> 1)) >> n; }

inline std::int32_t clamp(std::int32_t v, std::int32_t low, std::int32_t high) {
  return v < low ? low : (v > high ? high : v);
}

inline int smaller(int a, int b) { return a < b ? a : b; }
inline int larger(int a, int b) { return a > b ? a : b; }

// The uniform integer in [0, 2^bits) that a random byte stands for (section 3): its top bits, or,
// for more than eight, the byte on top and a one below it, so that the mean stays right.
struct Rounding {
  int left;
  int right;
  std::int32_t half;
};

inline Rounding rounding_of(int bits) {
  if (bits <= 8) return {0, 8 - bits, 0};
  return {bits - 8, 0, 1 << (bits - 9)};
}

inline std::int32_t rounding_term(std::int32_t byte, Rounding rounding) {
  return ((byte << rounding.left) + rounding.half) >> rounding.right;
}

// The threshold of a sample (section 8): uniform on [0, 2^bits), or drawn towards the middle, its
// spread halved `sharpness` times.
inline std::int32_t sample_threshold(std::int32_t byte, int bits, int sharpness) {
  const std::int32_t middle = 1 << (bits - 1);
  return middle + ((rounding_term(byte, rounding_of(bits)) - middle) >> sharpness);
}

// A bias after one step: bias - sum * 2^exponent, clipped (section 6). A sum over places takes 64
// bits, but what it comes to fits 32 (section 14).
inline std::int32_t stepped_bias(std::int32_t bias, std::int64_t sum, int exponent) {
  const int right = larger(-exponent, 0);
  const auto change = static_cast<std::int32_t>((sum + (std::int64_t{1} << right >> 1)) >> right);
  return clamp(bias - shift_left(change, larger(exponent, 0)), -kBiasMax, kBiasMax);
}

}  // namespace fewmult
