// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The functions of a level, made of the kernel templates and a tile. Included once, by the one
// unit of that level, after `fewmult` was renamed: inline functions of the kernels then have
// names of their own in each unit, and the linker cannot put one level's code in another's place.
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
  static void run(const fewmult_bindings::GradientCall& call, const Gradients& rows,
                  const Update& update) {
    shift_gradient<Tile>(call.weights8, call.weights16, call.weights8, call.weights16, call.sign,
                         call.mask, call.x, call.deltas, rows, update);
  }
};

template <class Tile>
struct LevelOf {
  static void sample(const fewmult_bindings::SampleCall& call) {
    const Sampling sampling = {call.binary, call.sharpness};
    const Key key = {call.seed, call.purpose};
    if (call.master_bits == 8) {
      sample_weights<Tile>(call.weights8, call.sign, call.mask, call.inputs, call.outputs, sampling,
                           key, call.step);
    } else {
      sample_weights<Tile>(call.weights16, call.sign, call.mask, call.inputs, call.outputs,
                           sampling, key, call.step);
    }
  }

  static void multiply(const fewmult_bindings::ProductCall& call) {
    typename Tile::Sums sums;
    const Product product = {call.transposed, call.inputs, call.outputs, call.log2_batch,
                             call.planes};
    const int batch = 1 << call.log2_batch;
    const Word* sign = call.sign;
    const Word* mask = call.mask;
    std::int32_t* z = call.z + (static_cast<std::size_t>(call.first_unit) << call.log2_batch);
    for (int first = call.first_unit; first < call.end_unit; first += Tile::kRows) {
      const int rows = smaller(call.end_unit - first, Tile::kRows);
      binary_matmul<Tile>(sums, product, call.source, sign, mask, rows);
      for (int row = 0; row < rows; ++row, z += batch) {
        const std::int32_t* sum = Tile::row_of(sums, row, batch);
        for (int b = 0; b < batch; ++b) z[b] = sum[b];
      }
      sign += words_to_next_tile<Tile>(product);
      mask += words_to_next_tile<Tile>(product);
    }
  }

  static void finish(const fewmult_bindings::LayerCall& call, const std::int32_t* sums) {
    const LayerPass pass = pass_of(call);
    const LayerArrays arrays = arrays_of(call);
    for (int unit = call.first_unit; unit < call.end_unit; ++unit) {
      Tile::finish_unit(pass, arrays, unit,
                        sums + (static_cast<std::size_t>(unit) << call.log2_batch));
    }
  }

  static void run(const fewmult_bindings::LayerCall& call) {
    layer<Tile>(pass_of(call), arrays_of(call));
  }

  static void gradient(const fewmult_bindings::GradientCall& call) {
    const Update update = {call.shift,
                           {call.binary, call.sharpness},
                           {call.seed, call.code_purpose},
                           {call.seed, call.weight_purpose},
                           call.step};
    GradientOf<Tile>::run(call,
                          {call.inputs, call.outputs, call.first_output, call.end_output,
                           call.log2_batch, call.master_bits},
                          update);
  }

 private:
  static LayerPass pass_of(const fewmult_bindings::LayerCall& call) {
    return {static_cast<Pass>(call.pass),
            call.inputs,
            call.outputs,
            call.first_unit,
            call.end_unit,
            call.log2_batch,
            call.planes,
            call.shift,
            call.bias_exponent,
            {call.seed, call.purpose},
            call.step};
  }

  static LayerArrays arrays_of(const fewmult_bindings::LayerCall& call) {
    return {call.source, call.sign, call.mask,   call.gate,   call.labels,
            call.bias,   call.mean, call.logits, call.result, call.loss};
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
