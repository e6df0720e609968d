// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The functions of a level, made of the kernel templates and a tile. Included once, by the one
// translation unit of that level, after `fewmult` was renamed: inline functions of the kernels then
// have names of their own in each, and the linker cannot put one level's code in another's place.
#pragma once

#include "bindings/level.hpp"
#include "bindings/places/pool.hpp"
#include "bindings/scratch.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/layer.hpp"
#include "kernels/normalize.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/shift_gradient.hpp"

namespace fewmult {

// The kernels of a tile: a tile may take the blocks of one in another order.

template <class Tile>
struct NormalizeOf {
  static void run(const fewmult_calls::Normalize& call) { normalize<Tile>(call); }
};

template <class Tile>
struct GradientOf {
  static void run(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
    shift_gradient<Tile>(call, outputs);
  }
};

template <class Tile>
struct PlacesOf {
  static constexpr fewmult_bindings::PlaceFunctions functions() { return {}; }
};

// A constant: what would be computed while the module is loaded would run on every CPU.
template <class Tile>
constexpr fewmult_bindings::Level level_of(const char* name,
                                           std::int64_t (*product_peak)(std::int64_t) = nullptr,
                                           std::int64_t (*gradient_peak)(std::int64_t) = nullptr) {
  return {name,         sample_weights<Tile>,  binary_matmul<Tile>,         NormalizeOf<Tile>::run,
          layer<Tile>,  GradientOf<Tile>::run, PlacesOf<Tile>::functions(), pool_rows,
          product_peak, gradient_peak};
}

}  // namespace fewmult
