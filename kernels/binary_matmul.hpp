// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Products with sampled weights, without a multiplier: z = T x and, transposed, g = T^T d, for a
// tile of units over the whole batch (docs/arithmetic.md, section 4). Activations and deltas lie
// as [unit][sample] in memory; the sums never leave the chip.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"

namespace fewmult {

// One product: T is outputs x inputs, a forward product has outputs as its units, a transposed one
// inputs.
struct Product {
  bool transposed;
  int inputs;
  int outputs;
  int log2_batch;
  int planes;  // of a forward product: 1, or 7 for 8-bit weights
};

inline int units_of(const Product& product) {
  return product.transposed ? product.inputs : product.outputs;
}

// sums = T x for the `rows` outputs at which sign and mask point. With several planes, the first
// one weighs most and each next half as much: T is the sum of plane << (planes - 1 - p).
template <class Tile>
void multiply_forward(typename Tile::Sums& sums, const Product& product, const std::int8_t* x,
                      const Word* sign, const Word* mask, int rows) {
  typename Tile::Panel panel;
  PackedRows<Tile::kRows> words[Tile::kPanelWords];
  const int batch = 1 << product.log2_batch;
  for (int plane = 0; plane < product.planes; ++plane) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 7
    if (plane > 0) Tile::twice(sums, rows, batch);
    const std::int8_t* block = x;
    int k = 0;
    for (int first = 0; first < product.inputs; first += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
      Tile::load(panel, k, block, smaller(product.inputs - first, kWordBits), product.log2_batch);
      load_rows(words[k], sign, mask, rows);
      block += kWordBits << product.log2_batch;
      sign += product.outputs;  // a plane ends where the next begins
      mask += product.outputs;
      ++k;
      if (k == Tile::kPanelWords || first + kWordBits >= product.inputs) {
        Tile::accumulate(sums, panel, words, k, rows, batch);
        k = 0;
      }
    }
  }
}

// sums = T^T d for the `rows` inputs at whose first word column sign and mask point.
template <class Tile>
void multiply_transposed(typename Tile::Sums& sums, const Product& product,
                         const std::int8_t* deltas, const Word* sign, const Word* mask, int rows) {
  typename Tile::Panel panel;
  PackedRows<Tile::kRows> words[Tile::kPanelWords];
  int k = 0;
  for (int first = 0; first < product.outputs; first += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
    const int there = smaller(product.outputs - first, kWordBits);
    Tile::load(panel, k, deltas, there, product.log2_batch);
    const Word* sign_column = sign + first;
    const Word* mask_column = mask + first;
    for (int row = 0; row < rows; row += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
      Tile::load_transposed(words[k], row, sign_column, mask_column, there);
      sign_column += product.outputs;
      mask_column += product.outputs;
    }
    deltas += kWordBits << product.log2_batch;
    ++k;
    if (k == Tile::kPanelWords || first + kWordBits >= product.outputs) {
      Tile::accumulate(sums, panel, words, k, rows, 1 << product.log2_batch);
      k = 0;
    }
  }
}

// The tile of `rows` units whose words are at sign and mask.
template <class Tile>
void binary_matmul(typename Tile::Sums& sums, const Product& product, const std::int8_t* source,
                   const Word* sign, const Word* mask, int rows) {
  Tile::clear(sums, rows, 1 << product.log2_batch);
  if (product.transposed) {
    multiply_transposed<Tile>(sums, product, source, sign, mask, rows);
  } else {
    multiply_forward<Tile>(sums, product, source, sign, mask, rows);
  }
}

// How far the words of the next tile are from those of this one.
template <class Tile>
inline int words_to_next_tile(const Product& product) {
  return product.transposed ? words_of_columns<Tile::kRows / kWordBits>(product.outputs)
                            : Tile::kRows;
}

}  // namespace fewmult
