// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// shift_gradient in the order of a CPU with caches: some word columns' codes stay while the deltas
// stream past, so that no code is drawn twice.
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/level_of_tile.hpp"
#include "bindings/simd/vector_tile.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/shift_gradient.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

// Arrays as of shift_gradient; the updated weights take the place of the weights.
template <class Tile, class Weight>
void vector_gradient(Weight* weights, Word* sign, Word* mask, const std::int8_t* x,
                     const std::int8_t* deltas, const Gradients& layer, const Update& update) {
  typename Tile::Codes codes;
  typename Tile::Deltas rows;
  typename Tile::Gradient gradient;
  const int columns = word_columns(layer.inputs);
  std::uint32_t group_number = 0;  // of the first word of the group of word columns
  for (int column = 0; column < columns; column += Tile::kGradientWords) {
    const int group = smaller(columns - column, Tile::kGradientWords);
    for (int k = 0; k < group; ++k) {
      const int first = (column + k) << 6;
      Tile::encode(codes, k, x + (first << layer.log2_batch),
                   smaller(layer.inputs - first, kWordBits), first, layer.log2_batch, update);
    }
    for (int output = layer.first_output; output < layer.end_output;
         output += Tile::kGradientRows) {
      const int there = smaller(layer.end_output - output, Tile::kGradientRows);
      Tile::load_deltas(rows, deltas + (output << layer.log2_batch), there, layer.log2_batch);
      std::uint32_t number = group_number + static_cast<std::uint32_t>(output);
      Tile::shift_accumulate(gradient, codes, rows, number, layer.outputs, update);
      for (int k = 0; k < group; ++k) {
        Tile::update(gradient, k, there, weights + (std::size_t{number} << 6), sign + number,
                     mask + number, inputs_there(layer.inputs - ((column + k) << 6)), update);
        number += static_cast<std::uint32_t>(layer.outputs);
      }
    }
    // Of a full group: after a smaller one none follows.
    group_number +=
        static_cast<std::uint32_t>(words_of_columns<Tile::kGradientWords>(layer.outputs));
  }
}

// In place: a call's updated weights are its weights.
template <class Isa>
struct GradientOf<OnScratch<VectorTile<Isa>>> {
  static void run(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
    if (call.master_bits == 8) {
      run(elements<std::int8_t>(call.updated), call, outputs);
    } else {
      run(elements<std::int16_t>(call.updated), call, outputs);
    }
  }

 private:
  template <class Weight>
  static void run(Weight* weights, const fewmult_calls::ShiftGradient& call,
                  fewmult_calls::Share outputs) {
    vector_gradient<OnScratch<VectorTile<Isa>>>(
        weights, call.sign, call.mask, elements<std::int8_t>(call.x),
        elements<std::int8_t>(call.deltas), gradients_of(call, outputs), update_of(call));
  }
};

// A unit after the other: its sums lie in memory as they are needed.
template <class Isa>
struct NormalizeOf<OnScratch<VectorTile<Isa>>> {
  static void run(const fewmult_calls::Normalize& call) {
    const fewmult_calls::Layer pass = epilogue_alone(call);
    const auto* z = elements<std::int32_t>(call.z);
    for (int unit = 0; unit < call.units; ++unit) {
      VectorEpilogue<Isa>::finish(pass, unit, z);
      z += std::ptrdiff_t{1} << call.log2_batch;
    }
  }
};

}  // namespace fewmult
