// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Squared hinge loss: its derivative is the hinge itself (docs/arithmetic.md, section 5).
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

// The delta of one logit; the loss is the sum of their sizes, 1.0 = 64.
inline std::int32_t hinge_delta(std::int32_t logit, bool target) {
  const std::int32_t size = clamp(kHingeMargin - (target ? logit : -logit), 0, kDeltaMax);
  return target ? -size : size;
}

}  // namespace fewmult
