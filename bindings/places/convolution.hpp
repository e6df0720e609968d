// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What the vectors of a host need of a layer at places (docs/arithmetic.md, section 14).
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/places/window.hpp"
#include "bindings/unit_epilogue.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/passes.hpp"
#include "kernels/shift_gradient.hpp"

namespace fewmult {

// Finishes a row, whose sums are z, of a channel; returns the sum by which a bias steps that is
// sent back to, over the batch.
template <class Draws>
inline std::int32_t finish_row(const fewmult_calls::Layer& call, int row, int channel,
                               const std::int32_t* z) {
  const Pass pass = pass_of(call);
  const std::ptrdiff_t first = std::ptrdiff_t{row} << call.log2_batch;
  std::int8_t* const result = elements<std::int8_t>(call.result) + first;
  if (pass == Pass::kBackward) {
    return send_back<Draws>(call, static_cast<std::uint32_t>(first), z,
                            elements<std::int8_t>(call.gate) + first, result);
  }
  if (pass == Pass::kPerturb) {
    move(call, z, elements<std::int8_t>(call.gate) + first, result);
    return 0;
  }
  std::int32_t& mean = elements<std::int32_t>(call.mean)[row];
  if (pass == Pass::kHidden) mean = batch_mean(z, call.log2_batch);
  activate(call, z, mean, elements<std::int32_t>(call.bias)[channel], result);
  return 0;
}

}  // namespace fewmult
