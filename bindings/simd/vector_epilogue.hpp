// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for one unit over the batch, as in kernels/fabric_finish.hpp.
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/simd/vector_draws.hpp"
#include "bindings/unit_epilogue.hpp"
#include "kernels/activation.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/hinge.hpp"
#include "kernels/passes.hpp"

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
      const std::int32_t sum = send_back<DrawsAtOnce<Isa>>(
          call, static_cast<std::uint32_t>(first), z, elements<std::int8_t>(call.gate) + first,
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
};

}  // namespace fewmult
