// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, alone, its sums read from memory: for unit tests and for
// co-simulation. It is the stage that the fused layer has, so that what is tested is what is used.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/passes.hpp"

namespace fewmult {

template <class Tile>
void normalize(const fewmult_calls::Normalize& given) {
#pragma HLS INLINE
  typename Tile::Sums sums;
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 3
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 4
  typename Tile::Totals totals;
#pragma HLS ARRAY_PARTITION variable = totals complete dim = 2
  const fewmult_calls::Layer call = epilogue_alone(given);
  const Word* z = given.z;
  for (int first = 0; first < given.units; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(given.units - first, Tile::kRows);
    Tile::load_sums(sums, z, rows, given.log2_batch);
    Tile::finish(call, {first, first, true, true}, rows, sums, totals);
    z += rows << given.log2_batch >> 1;
  }
}

}  // namespace fewmult
