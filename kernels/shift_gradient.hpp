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
#include "kernels/power_of_two.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// What one update needs to know, the same for all weights of a layer.
struct Update {
  int shift;           // right by this much with stochastic rounding, or left if negative
  bool binary;         // the next sample's kind
  Key code_key;        // draws of the power-of-two codes
  Key weight_key;      // draws of rounding and sampling
  std::uint32_t step;  // the step whose gradient this is; the next sample is for step + 1
};

// The codes of up to 64 units: x is [unit][sample], `first_unit` the number of the first.
template <class Tile>
void encode(typename Tile::Codes& codes, const std::int8_t* x, int units, int first_unit,
            int log2_batch, Key key, std::uint32_t step) {
  const int batch = 1 << log2_batch;
  std::uint8_t bytes[kMaxBatch];
  for (int unit = 0; unit < kWordBits; ++unit) {
    draw_bytes(key, static_cast<std::uint32_t>(first_unit + unit) << log2_batch, step, batch,
               bytes);
    for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
      const std::int32_t value = unit < units ? x[(unit << log2_batch) + b] : 0;
      Tile::set_code(codes, unit, b, power_of_two_code(value, bytes[b]));
    }
  }
}

template <class Tile>
void load_deltas(typename Tile::Deltas& deltas, const std::int8_t* source, int rows,
                 int log2_batch) {
  for (int row = 0; row < Tile::kGradientRows; ++row) {
    for (int b = 0; b < 1 << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
      const std::int8_t delta = row < rows ? source[(row << log2_batch) + b] : std::int8_t{0};
      Tile::set_delta(deltas, row, b, delta);
    }
  }
}

// Updates the 64 weights of packed word `number` with row `row` of the gradient and samples them.
template <class Tile, class Weight>
PackedWord update_word(Weight* weights, const typename Tile::Gradient& gradient, int row,
                       std::uint32_t number, Word there, const Update& update) {
  Weight block[kWordBits];
  std::uint16_t halves[kWordBits];
  draw_halves(update.weight_key, number, update.step + 1, halves);
  const int right = larger(update.shift, 0);
  const int left = larger(-update.shift, 0);
  const Rounding rounding = rounding_of(right);
  for (int lane = 0; lane < kWordBits; ++lane) {
#pragma HLS PIPELINE II = 1
#pragma HLS UNROLL factor = 4
    const std::int32_t term = rounding_term(halves[lane] & 0xFF, rounding);
    const std::int32_t change =
        shift_left((Tile::gradient_of(gradient, lane, row) + term) >> right, left);
    block[lane] = static_cast<Weight>(
        clamp(weights[lane] - change, -Master<Weight>::kClip, Master<Weight>::kClip));
    weights[lane] = block[lane];
  }
  return sample_word(block, halves, update.binary, there);
}

// One layer: x is [input][sample], deltas [output][sample], weights [word column][output][64],
// sign and mask [word column][output].
template <class Tile, class Weight>
void shift_gradient(Weight* weights, Word* sign, Word* mask, const std::int8_t* x,
                    const std::int8_t* deltas, int inputs, int outputs, int log2_batch,
                    const Update& update) {
  typename Tile::Codes codes[Tile::kGradientWords];
  typename Tile::Deltas rows;
  typename Tile::Gradient gradient;
  const int columns = word_columns(inputs);
  std::uint32_t group_number = 0;  // of the first word of the group of word columns
  for (int column = 0; column < columns; column += Tile::kGradientWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int group = smaller(columns - column, Tile::kGradientWords);
    for (int k = 0; k < group; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
      const int first = (column + k) << 6;
      encode<Tile>(codes[k], x + (first << log2_batch), smaller(inputs - first, kWordBits), first,
                   log2_batch, update.code_key, update.step);
    }
    for (int output = 0; output < outputs; output += Tile::kGradientRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
      const int there = smaller(outputs - output, Tile::kGradientRows);
      load_deltas<Tile>(rows, deltas + (output << log2_batch), there, log2_batch);
      std::uint32_t number = group_number + static_cast<std::uint32_t>(output);
      for (int k = 0; k < group; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
        Tile::shift_accumulate(gradient, codes[k], rows, 1 << log2_batch);
        for (int row = 0; row < there; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
          const std::uint32_t word = number + static_cast<std::uint32_t>(row);
          const PackedWord packed =
              update_word<Tile>(weights + (std::size_t{word} << 6), gradient, row, word,
                                inputs_there(inputs - ((column + k) << 6)), update);
          sign[word] = packed.sign;
          mask[word] = packed.mask;
        }
        number += static_cast<std::uint32_t>(outputs);
      }
    }
    for (int k = 0; k < group; ++k) group_number += static_cast<std::uint32_t>(outputs);
  }
}

}  // namespace fewmult
