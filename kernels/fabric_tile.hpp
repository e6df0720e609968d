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
#include "kernels/sample_weights.hpp"

namespace fewmult {

struct FabricTile : ProductArray, GradientArray {
  // The epilogue of the units of a tile.
  static void finish(const fewmult_calls::Layer& call, int first, int rows, Sums& sums) {
#pragma HLS INLINE
    FabricEpilogue::finish(call, first, first >> 1, rows, sums);
  }

  // Samples `rows` packed words, of which `number` is the first and whose weights are at `source`.
  static void sample(Word* sign, Word* mask, const Word* source, int rows, std::uint32_t number,
                     Word there, int master_bits, const Sampler& sampler) {
#pragma HLS INLINE
    Weights weights;
    Samples signs;
    Samples masks;
    load_weights(weights, source, words_of_weights(rows, master_bits));
    draw(signs, masks, weights, rows, number, there, master_bits, sampler);
    store_rows(sign, signs, rows);
    store_rows(mask, masks, rows);
  }
};

}  // namespace fewmult
