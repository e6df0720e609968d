// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A product and what stands behind it, fused tile by tile: a tile holds the sums of some units
// over the whole batch, so their means are known on chip, and only activations or deltas leave.
// One array of processing elements serves all passes.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/finish_unit.hpp"

namespace fewmult {

inline Product product_of(const LayerPass& pass) {
  return {sends_back(pass.pass), pass.inputs, pass.outputs, pass.log2_batch, pass.planes};
}

template <class Tile>
void layer(const LayerPass& pass, const LayerArrays& arrays) {
#pragma HLS INLINE
  typename Tile::Sums sums;
  const Product product = product_of(pass);
  const int stride = words_to_next_tile<Tile>(product);
  const Word* sign = arrays.sign;
  const Word* mask = arrays.mask;
  for (int first = pass.first_unit; first < pass.end_unit; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int rows = smaller(pass.end_unit - first, Tile::kRows);
    binary_matmul<Tile>(sums, product, arrays.source, sign, mask, rows);
    Tile::finish(pass, arrays, first, rows, sums);
    sign += stride;
    mask += stride;
  }
}

}  // namespace fewmult
