// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A product and its epilogue, fused tile by tile: a tile holds the sums of some
// units over the whole batch, so their means are known on chip, and only
// activations or deltas leave. One array of processing elements serves all
// passes. A tile meets one place after the other; a dense layer has one.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/passes.hpp"
#include "kernels/window.hpp"

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
  typename Tile::Totals totals;
#pragma HLS ARRAY_PARTITION variable = totals complete dim = 2
  Columns columns;
  const Product product = product_of(call);
  const View view = view_of(window_of(call), product.transposed);
  const int stride = words_to_next_tile<Tile>(product);
  const Word* sign = call.sign;
  const Word* mask = call.mask;
  for (int first = units.first; first < units.end; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(units.end - first, Tile::kRows);
    find_columns(columns, call.inputs, call.outputs);
    Place place = {first, first, true, false};
    Visit down = first_visit(view, view.vertical, view.down);
    for (int line = 0; line < view.rows; ++line) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 32
      Visit across = first_visit(view, view.horizontal, view.across);
      for (int column = 0; column < view.columns; ++column) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 32
        place.ends = line + 1 == view.rows && column + 1 == view.columns;
        const Seen seen = {view.runs, sight_of(view, down, across, call.inputs)};
        multiply_tile<Tile>(sums, product, seen, call.source, sign, mask, columns, rows);
        Tile::finish(call, place, rows, sums, totals);
        place.row += view.units;
        place.begins = false;
        next_visit(across, view, view.horizontal, view.across);
      }
      next_visit(down, view, view.vertical, view.down);
    }
    sign += stride;
    mask += stride;
  }
}

}  // namespace fewmult
