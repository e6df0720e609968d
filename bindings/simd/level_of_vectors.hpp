// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The level of an instruction set with vectors, and its yardsticks.
#pragma once

#include "bindings/level_of_tile.hpp"
#include "bindings/simd/peak.hpp"
#include "bindings/simd/vector_gradient.hpp"
#include "bindings/simd/vector_window.hpp"
#include "bindings/simd/vector_window_gradient.hpp"

namespace fewmult {

template <class Isa>
struct PlacesOf<OnScratch<VectorTile<Isa>>> {
  static std::size_t bytes(const fewmult_calls::Layer& call) {
    return VectorWindow<Isa>::bytes(call);
  }
  static std::size_t bytes(const fewmult_calls::ShiftGradient& call) {
    return VectorWindowGradient<Isa>::bytes(call);
  }
  static void run(const fewmult_calls::Layer& call, fewmult_calls::Share rows,
                  fewmult_calls::Share units, char* memory, std::int64_t* sums) {
    VectorWindow<Isa>::run(call, rows, units, memory, sums);
  }
  static void run(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs,
                  char* memory) {
    VectorWindowGradient<Isa>::run(call, outputs, memory);
  }
};

template <class Isa>
constexpr fewmult_bindings::Level level_of_vectors(const char* name) {
  return level_of<OnScratch<VectorTile<Isa>>>(name, peak<Isa, ProductStep<Isa>>,
                                              peak<Isa, GradientStep<Isa>>);
}

}  // namespace fewmult
