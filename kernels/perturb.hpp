// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Adversarial inputs (docs/arithmetic.md, section 13): every pixel of a unit moved one step in the
// direction that raises the loss, which is the sign of its gradient.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

inline std::int8_t moved_pixel(std::int32_t g, std::int32_t x, std::int32_t step) {
  const std::int32_t up = g > 0 ? step : 0;
  const std::int32_t down = g < 0 ? step : 0;
  return static_cast<std::int8_t>(clamp(x + up - down, 0, kActivationMax));
}

inline void perturb(const std::int32_t* g, const std::int8_t* x, int shift, int batch,
                    std::int8_t* moved) {
  const std::int32_t step = 1 << shift;
  for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
    moved[b] = moved_pixel(g[b], x[b], step);
  }
}

}  // namespace fewmult
