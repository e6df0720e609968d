// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for one unit over the batch, as in kernels/fabric_finish.hpp:
// plain loops, which a compiler makes vectors of.
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/simd/vector_draws.hpp"
#include "kernels/activation.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/hinge.hpp"
#include "kernels/passes.hpp"
#include "kernels/perturb.hpp"

namespace fewmult {

template <class Isa>
struct VectorEpilogue {
  // Finishes a unit, whose sums are z.
  static void finish(const fewmult_calls::Layer& call, int unit, const std::int32_t* z) {
    const Pass pass = pass_of(call);
    const std::ptrdiff_t first = std::ptrdiff_t{unit} << call.log2_batch;
    if (pass == Pass::kPerturb) {
      move(call, z, elements<std::int8_t>(call.gate) + first,
           elements<std::int8_t>(call.result) + first);
      return;
    }
    std::int32_t& bias = elements<std::int32_t>(call.bias)[unit];
    if (pass == Pass::kHidden || pass == Pass::kHiddenMean) {
      std::int32_t& mean = elements<std::int32_t>(call.mean)[unit];
      if (pass == Pass::kHidden) mean = batch_mean(z, call.log2_batch);
      activate(call, z, mean, bias, elements<std::int8_t>(call.result) + first);
    } else if (pass == Pass::kBackward) {
      const std::int32_t sum = send_back(call, static_cast<std::uint32_t>(first), z,
                                         elements<std::int8_t>(call.gate) + first,
                                         elements<std::int8_t>(call.result) + first);
      bias = stepped_bias(bias, sum, call.bias_exponent);
    } else {
      std::int32_t* const logits = elements<std::int32_t>(call.logits) + first;
      for (int b = 0; b < 1 << call.log2_batch; ++b) logits[b] = logit(z[b], bias, call.shift);
      if (pass == Pass::kOutput) {
        const Hinge total = hinge(call, unit, logits, elements<std::int8_t>(call.result) + first);
        *elements<std::int32_t>(call.loss) += total.loss;
        bias = stepped_bias(bias, total.sum, call.bias_exponent);
      }
    }
  }

 private:
  struct Hinge {
    std::int32_t loss;  // sum of |delta|, 1.0 = 64
    std::int32_t sum;   // sum of the deltas: the gradient of the bias
  };

  // Rounded to the nearest integer, halves up.
  static std::int32_t batch_mean(const std::int32_t* z, int log2_batch) {
    const int batch = 1 << log2_batch;
    std::int64_t sum = batch >> 1;
    for (int b = 0; b < batch; ++b) sum += z[b];
    return static_cast<std::int32_t>(sum >> log2_batch);
  }

  static void activate(const fewmult_calls::Layer& call, const std::int32_t* z, std::int32_t mean,
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
  static std::int32_t send_back(const fewmult_calls::Layer& call, std::uint32_t first,
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
    DrawsAtOnce<Isa>::bytes({call.seed, call.purpose}, first, call.step, batch, bytes);
    const int shift = call.shift;
    const Rounding rounding = rounding_of(shift);
    for (int b = 0; b < batch; ++b) {
      deltas[b] =
          saturated(open[b] - mean, rounding_term(bytes[b], rounding), shift, 0, -kDeltaMax);
    }
    return sum;
  }

  // Deltas of an output unit from its logits and the labels of the batch.
  static Hinge hinge(const fewmult_calls::Layer& call, int unit, const std::int32_t* logits,
                     std::int8_t* deltas) {
    const int batch = 1 << call.log2_batch;
    const auto* const labels = elements<std::uint8_t>(call.labels);
    Hinge total = {0, 0};
    for (int b = 0; b < batch; ++b) {
      const std::int32_t delta = hinge_delta(logits[b], labels[b] == unit);
      deltas[b] = static_cast<std::int8_t>(delta);
      total.loss += delta < 0 ? -delta : delta;
      total.sum += delta;
    }
    return total;
  }

  static void move(const fewmult_calls::Layer& call, const std::int32_t* g, const std::int8_t* x,
                   std::int8_t* moved) {
    const int batch = 1 << call.log2_batch;
    const std::int32_t step = 1 << call.shift;
    for (int b = 0; b < batch; ++b) moved[b] = moved_pixel(g[b], x[b], step);
  }
};

}  // namespace fewmult
