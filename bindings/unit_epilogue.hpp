// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for one unit (at one place) over the batch, as in
// kernels/fabric_finish.hpp: plain loops, which a compiler makes vectors of. Draws::bytes
// draws. Included after `fewmult` was renamed.
#pragma once

#include "kernels/activation.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/perturb.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// Rounded to the nearest integer, halves up.
inline std::int32_t batch_mean(const std::int32_t* z, int log2_batch) {
  const int batch = 1 << log2_batch;
  std::int64_t sum = batch >> 1;
  for (int b = 0; b < batch; ++b) sum += z[b];
  return static_cast<std::int32_t>(sum >> log2_batch);
}

inline void activate(const fewmult_calls::Layer& call, const std::int32_t* z, std::int32_t mean,
                     std::int32_t bias, std::int8_t* x) {
  const int batch = 1 << call.log2_batch;
  const int shift = call.shift;
  const std::int32_t offset = bias >> (kBiasFraction - kActivationFraction);
  for (int b = 0; b < batch; ++b) {
    x[b] = saturated(z[b] - mean, 1 << shift >> 1, shift, offset, 0);
  }
}

// Deltas from the product g and the unit's activations x; returns the sum of the gated g, which
// is the gradient of the bias. `first` is the number of the unit's first element.
template <class Draws>
inline std::int32_t send_back(const fewmult_calls::Layer& call, std::uint32_t first,
                              const std::int32_t* g, const std::int8_t* x, std::int8_t* deltas) {
  const int batch = 1 << call.log2_batch;
  std::int32_t open[kMaxBatch];
  std::uint8_t bytes[kMaxBatch];
  std::int32_t sum = 0;
  for (int b = 0; b < batch; ++b) {
    open[b] = gated(g[b], x[b]);
    sum += open[b];
  }
  const std::int32_t mean = (sum + (batch >> 1)) >> call.log2_batch;
  Draws::bytes({call.seed, call.purpose}, first, call.step, batch, bytes);
  const int shift = call.shift;
  const Rounding rounding = rounding_of(shift);
  for (int b = 0; b < batch; ++b) {
    deltas[b] = saturated(open[b] - mean, rounding_term(bytes[b], rounding), shift, 0, -kDeltaMax);
  }
  return sum;
}

inline void move(const fewmult_calls::Layer& call, const std::int32_t* g, const std::int8_t* x,
                 std::int8_t* moved) {
  const std::int32_t least = call.signed_inputs != 0 ? -kActivationMax : 0;
  const int batch = 1 << call.log2_batch;
  const std::int32_t step = 1 << call.shift;
  for (int b = 0; b < batch; ++b) moved[b] = moved_pixel(g[b], x[b], step, least);
}

}  // namespace fewmult
