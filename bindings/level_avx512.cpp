// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_avx512
#include "bindings/level_of_tile.hpp"
#include "bindings/simd/avx512.hpp"
#include "bindings/simd/peak.hpp"
#include "bindings/simd/vector_gradient.hpp"

namespace fewmult_bindings {

extern const Level kAvx512Level =
    fewmult::level_with_peaks<fewmult::VectorTile<fewmult::Avx512>, fewmult::Avx512>("avx512");

}  // namespace fewmult_bindings
