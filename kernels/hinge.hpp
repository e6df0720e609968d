// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Squared hinge loss: its derivative is the hinge itself (docs/arithmetic.md, section 5).
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

struct Hinge {
  std::int32_t loss;  // sum of |delta|, 1.0 = 64
  std::int32_t sum;   // sum of the deltas: the gradient of the bias
};

// The delta of one logit.
inline std::int32_t hinge_delta(std::int32_t logit, bool target) {
  const std::int32_t size = clamp(kHingeMargin - (target ? logit : -logit), 0, kDeltaMax);
  return target ? -size : size;
}

// Deltas of output unit `unit` from its logits and the labels of the batch.
inline Hinge hinge(const std::int32_t* logits, const std::uint8_t* labels, int unit, int batch,
                   std::int8_t* deltas) {
  Hinge total = {0, 0};
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
    const std::int32_t delta = hinge_delta(logits[b], labels[b] == unit);
    deltas[b] = static_cast<std::int8_t>(delta);
    total.loss += delta < 0 ? -delta : delta;
    total.sum += delta;
  }
  return total;
}

}  // namespace fewmult
