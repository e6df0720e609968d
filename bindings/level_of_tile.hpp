// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The functions of a level, made of the kernel templates and a tile. Included once, by the one
// translation unit of that level, after `fewmult` was renamed: inline functions of the kernels then
// have names of their own in each, and the linker cannot put one level's code in another's place.
#pragma once

#include "bindings/level.hpp"
#include "bindings/scratch.hpp"
#include "kernels/layer.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/shift_gradient.hpp"

namespace fewmult {

// A tile's gradient: the kernel itself, unless the tile takes the blocks in another order.
template <class Tile>
struct GradientOf {
  static void run(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
    shift_gradient<Tile>(call, outputs);
  }
};

template <class Tile>
struct LevelOf {
  static void sample(const fewmult_calls::SampleWeights& call) { sample_weights<Tile>(call); }

  static void multiply(const fewmult_calls::BinaryMatmul& call, fewmult_calls::Share units) {
    typename Tile::Sums sums;
    const Product product = {call.transposed != 0, call.inputs, call.outputs, call.log2_batch,
                             call.planes};
    const int batch = 1 << call.log2_batch;
    const Word* sign = call.sign;
    const Word* mask = call.mask;
    std::int32_t* z = call.z + (static_cast<std::size_t>(units.first) << call.log2_batch);
    for (int first = units.first; first < units.end; first += Tile::kRows) {
      const int rows = smaller(units.end - first, Tile::kRows);
      binary_matmul<Tile>(sums, product, call.source, sign, mask, rows);
      for (int row = 0; row < rows; ++row, z += batch) {
        const std::int32_t* sum = Tile::row_of(sums, row, batch);
        for (int b = 0; b < batch; ++b) z[b] = sum[b];
      }
      sign += words_to_next_tile<Tile>(product);
      mask += words_to_next_tile<Tile>(product);
    }
  }

  static void finish(const fewmult_calls::Normalize& call) {
    const fewmult_calls::Layer pass = epilogue_alone(call);
    for (int unit = 0; unit < call.units; ++unit) {
      Tile::finish_unit(pass, unit, call.z + (static_cast<std::size_t>(unit) << call.log2_batch));
    }
  }

  static void run(const fewmult_calls::Layer& call, fewmult_calls::Share units) {
    layer<Tile>(call, units);
  }

  static void gradient(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
    GradientOf<Tile>::run(call, outputs);
  }
};

// A constant: what would be computed while the module is loaded would run on every CPU.
template <class Tile>
constexpr fewmult_bindings::Level level_of(const char* name,
                                           std::int64_t (*product_peak)(std::int64_t) = nullptr,
                                           std::int64_t (*gradient_peak)(std::int64_t) = nullptr) {
  using Functions = LevelOf<Tile>;
  return {name,           Functions::sample,   Functions::multiply, Functions::finish,
          Functions::run, Functions::gradient, product_peak,        gradient_peak};
}

}  // namespace fewmult
