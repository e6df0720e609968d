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

// Deltas of output unit `unit` from its logits and the labels of the batch.
inline Hinge hinge(const std::int32_t* logits, const std::uint8_t* labels, int unit, int batch,
                   std::int8_t* deltas) {
  Hinge total = {0, 0};
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
    const bool target = labels[b] == unit;
    const std::int32_t margin = kHingeMargin - (target ? logits[b] : -logits[b]);
    const std::int32_t size = clamp(margin, 0, kDeltaMax);
    const std::int32_t delta = target ? -size : size;
    deltas[b] = static_cast<std::int8_t>(delta);
    total.loss += size;
    total.sum += delta;
  }
  return total;
}

}  // namespace fewmult
