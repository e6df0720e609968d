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
  static constexpr fewmult_bindings::PlaceFunctions functions() {
    return {VectorWindow<Isa>::bytes, VectorWindow<Isa>::run, VectorWindowGradient<Isa>::bytes,
            VectorWindowGradient<Isa>::run};
  }
};

template <class Isa>
constexpr fewmult_bindings::Level level_of_vectors(const char* name) {
  return level_of<OnScratch<VectorTile<Isa>>>(name, peak<Isa, ProductStep<Isa>>,
                                              peak<Isa, GradientStep<Isa>>);
}

}  // namespace fewmult
