// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for one unit over the batch: mean-only normalization, shift, ReLU
// and saturation on the way forward; gate, mean and stochastic rounding on the way back
// (docs/arithmetic.md, sections 5 and 6).
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

constexpr int kActivationFraction = 5;  // fraction bits of a hidden activation
constexpr int kLogitFraction = 6;       // fraction bits of a logit

// Of one example.

// What leaves a hidden unit, either way: rounded by a term, shifted, moved and saturated.
inline std::int8_t saturated(std::int32_t above_mean, std::int32_t term, int shift,
                             std::int32_t offset, std::int32_t least) {
  return static_cast<std::int8_t>(
      clamp(((above_mean + term) >> shift) + offset, least, kActivationMax));
}

inline std::int8_t activation(std::int32_t z, std::int32_t mean, std::int32_t bias, int shift) {
  return saturated(z - mean, 1 << shift >> 1, shift, bias >> (kBiasFraction - kActivationFraction),
                   0);
}

inline std::int32_t logit(std::int32_t z, std::int32_t bias, int shift) {
  return shift_round(z, shift) + (bias >> (kBiasFraction - kLogitFraction));
}

// The straight-through gate is open where activation x neither rests at 0 nor saturates.
inline std::int32_t gated(std::int32_t g, std::int32_t x) {
  return x > 0 && x < kActivationMax ? g : 0;
}

inline std::int8_t rounded_delta(std::int32_t above_mean, std::int32_t byte, Rounding rounding,
                                 int shift) {
  return saturated(above_mean, rounding_term(byte, rounding), shift, 0, -kDeltaMax);
}

// Of a unit, over the batch.

// The mean, rounded to the nearest integer, halves up.
inline std::int32_t batch_mean(const std::int32_t* z, int log2_batch) {
  const int batch = 1 << log2_batch;
  std::int64_t sum = batch >> 1;
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    sum += z[b];
  }
  return static_cast<std::int32_t>(sum >> log2_batch);
}

// Activations of a hidden unit.
inline void normalize_forward(const std::int32_t* z, std::int32_t mean, std::int32_t bias,
                              int shift, int batch, std::int8_t* x) {
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    x[b] = activation(z[b], mean, bias, shift);
  }
}

// Logits of an output unit: no mean is taken off, nothing saturates.
inline void normalize_output(const std::int32_t* z, std::int32_t bias, int shift, int batch,
                             std::int32_t* logits) {
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    logits[b] = logit(z[b], bias, shift);
  }
}

// Deltas of a hidden unit from the product g and the unit's activations x; returns the sum of the
// gated g, which is the gradient of the bias. `first` is the number of the unit's first element.
template <class Draws>
inline std::int32_t normalize_backward(const std::int32_t* g, const std::int8_t* x, int shift,
                                       int log2_batch, Key key, std::uint32_t first,
                                       std::uint32_t step, std::int8_t* deltas) {
  const int batch = 1 << log2_batch;
  std::int32_t open[kMaxBatch];
  std::uint8_t bytes[kMaxBatch];
  std::int32_t sum = 0;
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    open[b] = gated(g[b], x[b]);
    sum += open[b];
  }
  const std::int32_t mean = (sum + (batch >> 1)) >> log2_batch;
  Draws::bytes(key, first, step, batch, bytes);
  const Rounding rounding = rounding_of(shift);
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    deltas[b] = rounded_delta(open[b] - mean, bytes[b], rounding, shift);
  }
  return sum;
}

}  // namespace fewmult
