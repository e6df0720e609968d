// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_avx2
#include "bindings/level_of_tile.hpp"
#include "bindings/simd/avx2.hpp"
#include "bindings/simd/peak.hpp"
#include "bindings/simd/vector_gradient.hpp"

namespace fewmult_bindings {

extern const Level kAvx2Level =
    fewmult::level_with_peaks<fewmult::VectorTile<fewmult::Avx2>, fewmult::Avx2>("avx2");

}  // namespace fewmult_bindings
