// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Adversarial inputs (docs/arithmetic.md, section 13): every pixel of a unit moved one step in the
// direction that raises the loss, which is the sign of its gradient.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

inline std::int8_t moved_pixel(std::int32_t g, std::int32_t x, std::int32_t step,
                               std::int32_t least = 0) {
  const std::int32_t up = g > 0 ? step : 0;
  const std::int32_t down = g < 0 ? step : 0;
  return static_cast<std::int8_t>(clamp(x + up - down, least, kActivationMax));
}

}  // namespace fewmult
