// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The tile that the fabric gets, and that the portable emulation runs. A kernel is a template over
// its tile and reaches the tile's blocks through its functions alone: another tile may lay them out
// otherwise and compute with other instructions, but never to other sums.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/fabric_finish.hpp"
#include "kernels/fabric_gradient.hpp"
#include "kernels/fabric_product.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/sample_weights.hpp"

namespace fewmult {

struct FabricTile : ProductArray, GradientArray {
  // The epilogue of the units of a tile.
  static void finish(const fewmult_calls::Layer& call, int first, int rows, Sums& sums) {
#pragma HLS INLINE
    FabricEpilogue::finish(call, first, rows, sums);
  }

  // The epilogue of one unit.
  static void finish_unit(const fewmult_calls::Layer& call, int unit, const std::int32_t* z) {
#pragma HLS INLINE
    fewmult::finish_unit(call, unit, z);
  }

  // Draws the sample of packed word `number`, whose 64 weights are at `weights`.
  template <class Weight>
  static PackedWord draw_word(const Weight* weights, std::uint32_t number, std::uint32_t step,
                              Key key, Sampling sampling, Word there) {
    return fewmult::draw_word(weights, number, step, key, sampling, there);
  }
};

}  // namespace fewmult
