// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The weight gradient as shifts, and all that follows from it in one sweep: update, clip, next
// sample. A master weight is read once and written once, a gradient never leaves the chip
// (docs/arithmetic.md, sections 7 and 8).
#pragma once

#include <cstddef>

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

// A layer's gradient, and which of its outputs are computed: all of them in the fabric, a share
// of them by one of several threads of a host.
struct Gradients {
  int inputs;
  int outputs;
  int first_output;
  int end_output;
  int log2_batch;
};

// x is [input][sample], deltas [output][sample], weights [word column][output][64], sign and mask
// [word column][output].
template <class Tile, class Weight>
void shift_gradient(Weight* weights, Word* sign, Word* mask, const std::int8_t* x,
                    const std::int8_t* deltas, const Gradients& layer, const Update& update) {
  typename Tile::Codes codes;
  typename Tile::Deltas rows;
  typename Tile::Gradient gradient;
  const int columns = word_columns(layer.inputs);
  std::uint32_t group_number = 0;  // of the first word of the group of word columns
  for (int column = 0; column < columns; column += Tile::kGradientWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int group = smaller(columns - column, Tile::kGradientWords);
    for (int k = 0; k < group; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
      const int first = (column + k) << 6;
      Tile::encode(codes, k, x + (first << layer.log2_batch),
                   smaller(layer.inputs - first, kWordBits), first, layer.log2_batch, update);
    }
    for (int output = layer.first_output; output < layer.end_output;
         output += Tile::kGradientRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
      const int there = smaller(layer.end_output - output, Tile::kGradientRows);
      Tile::load_deltas(rows, deltas + (output << layer.log2_batch), there, layer.log2_batch);
      std::uint32_t number = group_number + static_cast<std::uint32_t>(output);
      for (int k = 0; k < group; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
        const int in_block = k & (Tile::kGradientBlock - 1);
        if (in_block == 0) {
          Tile::shift_accumulate(gradient, codes, k, rows, 1 << layer.log2_batch, number,
                                 layer.outputs, update);
        }
        Tile::update(gradient, in_block, there, weights + (std::size_t{number} << 6), sign + number,
                     mask + number, number, inputs_there(layer.inputs - ((column + k) << 6)),
                     update);
        number += static_cast<std::uint32_t>(layer.outputs);
      }
    }
    // Of a full group: after a smaller one none follows.
    group_number +=
        static_cast<std::uint32_t>(words_of_columns<Tile::kGradientWords>(layer.outputs));
  }
}

}  // namespace fewmult
