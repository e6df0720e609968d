// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The operands of a dense product's step for a tile of a host, which takes several word columns at
// a time: as load_block of kernels/binary_matmul.hpp, but everything is one run of rows.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/packed_words.hpp"

namespace fewmult {

// Of T x, for the `rows` outputs at which sign and mask point, `there` word columns.
template <class Tile>
void load_forward(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks,
                  const Product& product, const Word* x, const Word* sign, const Word* mask,
                  const Columns& columns, int column, int there, int rows) {
  const int log2_words = product.log2_batch - kLog2PortBytes;
  const int first = column << 6;
  x += first << log2_words;
  for (int k = 0; k < there; ++k) {
    Tile::load(panel, k, x, smaller(product.inputs - first - (k << 6), kWordBits),
               product.log2_batch);
    const int at = columns.first[column + k];
    load_rows(signs[k], 0, sign + at, rows);
    load_rows(masks[k], 0, mask + at, rows);
    x += kWordBits << log2_words;
  }
}

// Of T^T d, for the `rows` inputs at whose first word column sign and mask point, the same.
template <class Tile>
void load_backward(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks,
                   const Product& product, const Word* deltas, const Word* sign, const Word* mask,
                   const Columns& columns, int column, int there, int rows) {
  const int log2_words = product.log2_batch - kLog2PortBytes;
  const int first = column << 6;
  deltas += first << log2_words;
  for (int k = 0; k < there; ++k) {
    const int output = first + (k << 6);
    const int outputs = smaller(product.outputs - output, kWordBits);
    Tile::load(panel, k, deltas, outputs, product.log2_batch);
    for (int row = 0; row < rows; row += kWordBits) {
      const int at = columns.first[row >> 6] + output;
      Tile::load_transposed(signs[k], masks[k], row, sign + at, mask + at, outputs);
    }
    deltas += kWordBits << log2_words;
  }
}

template <class Tile>
void load_dense_block(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks,
                      const Product& product, const Word* source, const Word* sign,
                      const Word* mask, const Columns& columns, int number, int rows) {
  const int column = number << Tile::kLog2PanelWords;
  const int all = word_columns(product.transposed ? product.outputs : product.inputs);
  const int there = smaller(all - column, Tile::kPanelWords);
  if (product.transposed) {
    load_backward<Tile>(panel, signs, masks, product, source, sign, mask, columns, column, there,
                        rows);
  } else {
    load_forward<Tile>(panel, signs, masks, product, source, sign, mask, columns, column, there,
                       rows);
  }
}

}  // namespace fewmult
