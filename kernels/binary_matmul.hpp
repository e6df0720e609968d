// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Products with sampled weights, without a multiplier: z = T x and, transposed, g = T^T d, for a
// tile of units over the whole batch (docs/arithmetic.md, section 4). Activations and deltas lie
// as [unit][example] in memory; the sums never leave the chip.
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

// The operands of one step of a product: some word columns of inputs, or of outputs if transposed,
// and the packed rows that meet them.
template <class Tile>
struct Block {
  typename Tile::Panel panel;
  PackedRows<Tile::kRows> words[Tile::kPanelWords];
  int columns;
};

// Of T x, for the `rows` outputs at which sign and mask point, `there` word columns.
template <class Tile>
void load_forward(Block<Tile>& block, const Product& product, const std::int8_t* x,
                  const Word* sign, const Word* mask, const Columns& columns, int column, int there,
                  int rows) {
  const int first = column << 6;
  x += first << product.log2_batch;
  for (int k = 0; k < there; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1
    Tile::load(block.panel, k, x, smaller(product.inputs - first - (k << 6), kWordBits),
               product.log2_batch);
    const int at = columns.first[column + k];
    load_rows(block.words[k], 0, sign + at, mask + at, rows);
    x += kWordBits << product.log2_batch;
  }
}

// Of T^T d, for the `rows` inputs at whose first word column sign and mask point, the same.
template <class Tile>
void load_backward(Block<Tile>& block, const Product& product, const std::int8_t* deltas,
                   const Word* sign, const Word* mask, const Columns& columns, int column,
                   int there, int rows) {
  const int first = column << 6;
  deltas += first << product.log2_batch;
  for (int k = 0; k < there; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1
    const int output = first + (k << 6);
    const int outputs = smaller(product.outputs - output, kWordBits);
    Tile::load(block.panel, k, deltas, outputs, product.log2_batch);
    for (int row = 0; row < rows; row += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
      const int at = columns.first[row >> 6] + output;
      Tile::load_transposed(block.words[k], row, sign + at, mask + at, outputs);
    }
    deltas += kWordBits << product.log2_batch;
  }
}

template <class Tile>
void load_block(Block<Tile>& block, const Product& product, const std::int8_t* source,
                const Word* sign, const Word* mask, const Columns& columns, int number, int rows) {
  const int column = number << Tile::kLog2PanelWords;
  const int all = word_columns(product.transposed ? product.outputs : product.inputs);
  const int there = smaller(all - column, Tile::kPanelWords);
  block.columns = there;
  if (product.transposed) {
    load_backward<Tile>(block, product, source, sign, mask, columns, column, there, rows);
  } else {
    load_forward<Tile>(block, product, source, sign, mask, columns, column, there, rows);
  }
}

template <class Tile>
void accumulate_block(typename Tile::Sums& sums, const Block<Tile>& block, const Product& product,
                      int rows) {
  Tile::accumulate(sums, block.panel, block.words, block.columns, rows, 1 << product.log2_batch,
                   product.transposed);
}

// One plane of a product. While a block meets the array, the next one is loaded.
template <class Tile>
void multiply_plane(typename Tile::Sums& sums, const Product& product, const std::int8_t* source,
                    const Word* sign, const Word* mask, const Columns& columns, int rows,
                    int blocks) {
  for (int number = 0; number < blocks; ++number) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS DATAFLOW
    Block<Tile> block;
    load_block<Tile>(block, product, source, sign, mask, columns, number, rows);
    accumulate_block<Tile>(sums, block, product, rows);
  }
}

// The tile of `rows` units whose words are at sign and mask. With several planes, the first one
// weighs most and each next half as much: T is the sum of plane << (planes - 1 - p).
template <class Tile>
void binary_matmul(typename Tile::Sums& sums, const Product& product, const std::int8_t* source,
                   const Word* sign, const Word* mask, int rows) {
  Columns columns;
  find_columns(columns, product.inputs, product.outputs);
  const int all = word_columns(product.transposed ? product.outputs : product.inputs);
  const int blocks = (all + Tile::kPanelWords - 1) >> Tile::kLog2PanelWords;
  const int planes = product.transposed ? 1 : product.planes;
  Tile::clear(sums, rows, 1 << product.log2_batch);
  for (int plane = 0; plane < planes; ++plane) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 7
    if (plane > 0) Tile::twice(sums, rows, 1 << product.log2_batch);
    multiply_plane<Tile>(sums, product, source, sign, mask, columns, rows, blocks);
    sign += columns.plane;
    mask += columns.plane;
  }
}

// How far the words of the next tile are from those of this one.
template <class Tile>
inline int words_to_next_tile(const Product& product) {
  return product.transposed ? words_of_columns<Tile::kRows / kWordBits>(product.outputs)
                            : Tile::kRows;
}

}  // namespace fewmult
