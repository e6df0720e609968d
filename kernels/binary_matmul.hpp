// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Products with sampled weights, without a multiplier: z = T x and, transposed, g = T^T d, for a
// tile of units over the whole batch (docs/arithmetic.md, section 4). Activations and deltas lie
// as [unit][example] in memory; the sums never leave the chip.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"

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

// Signs or masks of the packed rows that meet a block.
template <class Tile>
using Rows = Word[Tile::kPanelWords][Tile::kRows];

// The operands of one step of a product: some word columns of inputs, or of outputs if transposed,
// and the packed rows that meet them.

// Of T x, for the `rows` outputs at which sign and mask point, `there` word columns.
template <class Tile>
void load_forward(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks,
                  const Product& product, const Word* x, const Word* sign, const Word* mask,
                  const Columns& columns, int column, int there, int rows) {
#pragma HLS INLINE
  const int log2_words = product.log2_batch - kLog2PortBytes;
  const int first = column << 6;
  x += first << log2_words;
  for (int k = 0; k < there; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1
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
#pragma HLS INLINE
  const int log2_words = product.log2_batch - kLog2PortBytes;
  const int first = column << 6;
  deltas += first << log2_words;
  for (int k = 0; k < there; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1
    const int output = first + (k << 6);
    const int outputs = smaller(product.outputs - output, kWordBits);
    Tile::load(panel, k, deltas, outputs, product.log2_batch);
    for (int row = 0; row < rows; row += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
      const int at = columns.first[row >> 6] + output;
      Tile::load_transposed(signs[k], masks[k], row, sign + at, mask + at, outputs);
    }
    deltas += kWordBits << log2_words;
  }
}

// Leaves in `there` how many word columns there are.
template <class Tile>
void load_block(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks, int& there,
                const Product& product, const Word* source, const Word* sign, const Word* mask,
                const Columns& columns, int number, int rows) {
  const int column = number << Tile::kLog2PanelWords;
  const int all = word_columns(product.transposed ? product.outputs : product.inputs);
  there = smaller(all - column, Tile::kPanelWords);
  if (product.transposed) {
    load_backward<Tile>(panel, signs, masks, product, source, sign, mask, columns, column, there,
                        rows);
  } else {
    load_forward<Tile>(panel, signs, masks, product, source, sign, mask, columns, column, there,
                       rows);
  }
}

template <class Tile>
void accumulate_block(typename Tile::Sums& sums, const typename Tile::Panel& panel,
                      const Rows<Tile>& signs, const Rows<Tile>& masks, int there,
                      const Product& product, int rows) {
  Tile::accumulate(sums, panel, signs, masks, there, rows, 1 << product.log2_batch,
                   product.transposed);
}

// One plane of a product. While a block meets the array, the next one is loaded.
template <class Tile>
void multiply_plane(typename Tile::Sums& sums, const Product& product, const Word* source,
                    const Word* sign, const Word* mask, const Columns& columns, int rows,
                    int blocks) {
  for (int number = 0; number < blocks; ++number) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS DATAFLOW
    typename Tile::Panel panel;
#pragma HLS ARRAY_PARTITION variable = panel complete dim = 3
    Rows<Tile> signs;
    Rows<Tile> masks;
    int there;
    load_block<Tile>(panel, signs, masks, there, product, source, sign, mask, columns, number,
                     rows);
    accumulate_block<Tile>(sums, panel, signs, masks, there, product, rows);
  }
}

// The tile of `rows` units whose words are at sign and mask. With several planes, the first one
// weighs most and each next half as much: T is the sum of plane << (planes - 1 - p).
template <class Tile>
void multiply_tile(typename Tile::Sums& sums, const Product& product, const Word* source,
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

// A product alone, its sums written out: for unit tests and for co-simulation.
template <class Tile>
void binary_matmul(const fewmult_calls::BinaryMatmul& call, fewmult_calls::Share units) {
#pragma HLS INLINE
  typename Tile::Sums sums;
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 3
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 4
  const Product product = {call.transposed != 0, call.inputs, call.outputs, call.log2_batch,
                           call.planes};
  const int log2_pairs = call.log2_batch - 1;
  const Word* sign = call.sign;
  const Word* mask = call.mask;
  Word* z = call.z + (units.first << log2_pairs);
  for (int first = units.first; first < units.end; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(units.end - first, Tile::kRows);
    multiply_tile<Tile>(sums, product, call.source, sign, mask, rows);
    Tile::store_sums(z, sums, rows, call.log2_batch);
    z += rows << log2_pairs;
    sign += words_to_next_tile<Tile>(product);
    mask += words_to_next_tile<Tile>(product);
  }
}

}  // namespace fewmult
