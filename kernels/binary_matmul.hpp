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
#include "kernels/window.hpp"

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

// What a product's units see of its source, at one place.
struct Seen {
  Runs runs;
  Sight sight;
};

// All of it, once: a product of rows of values.
inline Seen all_of(const Product& product) {
  const int terms = product.transposed ? product.outputs : product.inputs;
  return {runs_of_rows(terms), sight_of_rows(terms)};
}

// Some rows of a run: what lies outside of the image is zero. In a block that was cleared it is
// zero already.
template <class Tile>
void load_piece(typename Tile::Panel& panel, int first, const Word* source, const Piece& piece,
                int at, int log2_batch, bool is_clear) {
  const int log2_words = log2_batch - kLog2PortBytes;
  if (piece.end > piece.begin) {
    Tile::load_panel(panel, first + piece.begin, source + ((at + piece.begin) << log2_words),
                     piece.end - piece.begin, log2_batch);
  }
  if (is_clear) return;
  if (piece.begin > 0) Tile::clear_panel(panel, first, piece.begin, log2_batch);
  if (piece.rows > piece.end) {
    Tile::clear_panel(panel, first + piece.end, piece.rows - piece.end, log2_batch);
  }
}

// The words of some outputs, each with a bit of every input of a tile: those from `bit` on, which
// may begin in the middle of a word and end in that of the next column. They are turned only where
// they meet the array.
template <class Tile>
void load_turned(Word (&words)[Tile::kRows], int first, const Word* source, const Columns& columns,
                 int bit, int outputs, int output, int rows) {
#pragma HLS INLINE
  for (int row = 0; row < rows; row += kWordBits) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int column = (bit + row) >> 6;
    const int in_word = bit & (kWordBits - 1);
    const int there = smaller(rows - row, kWordBits);
    const Word* const found = source + (columns.first[column] + output);
    if (in_word == 0) {
      load_rows(words, row + first, found, outputs);
    } else {
      load_upper(words, row + first, found, outputs, in_word);
      if (there + in_word > kWordBits) {
        add_lower(words, row + first, source + (columns.first[column + 1] + output), outputs,
                  in_word);
      }
    }
  }
}

// The operands of one step of a product: the next 64 rows of a walk over its source, and the packed
// rows that meet them; sending back, a piece's words are those of the tap through which it is seen.
template <class Tile>
void load_block(typename Tile::Panel& panel, Rows<Tile>& signs, Rows<Tile>& masks, Walk& walk,
                const Product& product, const Seen& seen, const Word* source, const Word* sign,
                const Word* mask, const Columns& columns, int number, int rows) {
#pragma HLS INLINE
  const int all = smaller(walk.left, kWordBits);
  const bool is_clear = !Tile::is_full(all, product.log2_batch);
  if (is_clear) Tile::clear_panel(panel, 0, kWordBits, product.log2_batch);
  int first = 0;
  for (int k = 0; k < kWordBits; ++k) {
    const Piece piece = piece_of(walk, all - first, seen.runs, seen.sight);
    load_piece<Tile>(panel, first, source, piece, walk.at + walk.row, product.log2_batch, is_clear);
    if (product.transposed) {
      load_turned<Tile>(signs[0], first, sign, columns, walk.bit, piece.rows, walk.row, rows);
      load_turned<Tile>(masks[0], first, mask, columns, walk.bit, piece.rows, walk.row, rows);
    }
    advance(walk, piece.rows, seen.runs, seen.sight);
    first += piece.rows;
    if (first == all) break;
  }
  if (!product.transposed) {
    load_rows(signs[0], 0, sign + columns.first[number], rows);
    load_rows(masks[0], 0, mask + columns.first[number], rows);
  }
}

template <class Tile>
void accumulate_block(typename Tile::Sums& sums, const typename Tile::Panel& panel,
                      const Rows<Tile>& signs, const Rows<Tile>& masks, const Product& product,
                      const Seen& seen, int number, int rows) {
  const int left = word_columns(seen.sight.terms) - (number << Tile::kLog2PanelWords);
  Tile::accumulate(sums, panel, signs, masks, smaller(left, Tile::kPanelWords), rows,
                   1 << product.log2_batch, product.transposed);
}

// One plane of a product. While a block meets the array, the next one is loaded.
template <class Tile>
void multiply_plane(typename Tile::Sums& sums, Walk& walk, const Product& product, const Seen& seen,
                    const Word* source, const Word* sign, const Word* mask, const Columns& columns,
                    int rows, int blocks) {
  for (int number = 0; number < blocks; ++number) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS DATAFLOW
    typename Tile::Panel panel;
#pragma HLS ARRAY_PARTITION variable = panel complete dim = 3
    Rows<Tile> signs;
    Rows<Tile> masks;
    Tile::load_block(panel, signs, masks, walk, product, seen, source, sign, mask, columns, number,
                     rows);
    accumulate_block<Tile>(sums, panel, signs, masks, product, seen, number, rows);
  }
}

// The tile of `rows` units whose words are at sign and mask, of what they see. With several planes,
// the first one weighs most and each next half as much: T is the sum of plane << (planes - 1 - p).
template <class Tile>
void multiply_tile(typename Tile::Sums& sums, const Product& product, const Seen& seen,
                   const Word* source, const Word* sign, const Word* mask, const Columns& columns,
                   int rows) {
  const int all = word_columns(seen.sight.terms);
  const int blocks = (all + Tile::kPanelWords - 1) >> Tile::kLog2PanelWords;
  const int planes = product.transposed ? 1 : product.planes;
  Tile::clear(sums, rows, 1 << product.log2_batch);
  for (int plane = 0; plane < planes; ++plane) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 7
    if (plane > 0) Tile::twice(sums, rows, 1 << product.log2_batch);
    Walk walk = begin(seen.sight);
    multiply_plane<Tile>(sums, walk, product, seen, source, sign, mask, columns, rows, blocks);
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
  Columns columns;
  const Word* sign = call.sign;
  const Word* mask = call.mask;
  Word* z = call.z + (units.first << log2_pairs);
  for (int first = units.first; first < units.end; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(units.end - first, Tile::kRows);
    find_columns(columns, call.inputs, call.outputs);
    multiply_tile<Tile>(sums, product, all_of(product), call.source, sign, mask, columns, rows);
    Tile::store_sums(z, sums, rows, call.log2_batch);
    z += rows << log2_pairs;
    sign += words_to_next_tile<Tile>(product);
    mask += words_to_next_tile<Tile>(product);
  }
}

}  // namespace fewmult
