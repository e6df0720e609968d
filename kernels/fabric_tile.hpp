// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The tile that the fabric gets, and that the portable emulation runs. A kernel is a template over
// its tile and reaches the tile's blocks through its functions alone: another tile may lay them out
// otherwise and compute with other instructions, but never to other sums.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/fabric_finish.hpp"
#include "kernels/fabric_gradient.hpp"
#include "kernels/fabric_product.hpp"
#include "kernels/sample_weights.hpp"

namespace fewmult {

struct FabricTile : ProductArray, GradientArray {
  using Totals = FabricEpilogue::Totals;

  static void load_block(Panel& panel, Rows<ProductArray>& signs, Rows<ProductArray>& masks,
                         Walk& walk, const Product& product, const Seen& seen, const Word* source,
                         const Word* sign, const Word* mask, const Columns& columns, int number,
                         int rows) {
    fewmult::load_block<ProductArray>(panel, signs, masks, walk, product, seen, source, sign, mask,
                                      columns, number, rows);
  }

  // The epilogue of the units of a tile at a place.
  static void finish(const fewmult_calls::Layer& call, const Place& place, int rows, Sums& sums,
                     Totals& totals) {
#pragma HLS INLINE
    FabricEpilogue::finish(call, place, {place.unit, place.row}, rows, sums, totals);
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
