// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A product and its epilogue, fused tile by tile: a tile holds the sums of some units
// over the whole batch, so their means are known on chip, and only activations or deltas leave.
// One array of processing elements serves all passes.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/passes.hpp"

namespace fewmult {

inline Product product_of(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  return {sends_back(pass_of(call)), call.inputs, call.outputs, call.log2_batch, call.planes};
}

template <class Tile>
void layer(const fewmult_calls::Layer& call, fewmult_calls::Share units) {
#pragma HLS INLINE
  typename Tile::Sums sums;
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 3
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 4
  const Product product = product_of(call);
  const int stride = words_to_next_tile<Tile>(product);
  const Word* sign = call.sign;
  const Word* mask = call.mask;
  for (int first = units.first; first < units.end; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(units.end - first, Tile::kRows);
    multiply_tile<Tile>(sums, product, call.source, sign, mask, rows);
    Tile::finish(call, first, rows, sums);
    sign += stride;
    mask += stride;
  }
}

}  // namespace fewmult
