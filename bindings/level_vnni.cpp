// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_vnni
#include "bindings/level_of_tile.hpp"
#include "bindings/simd/avx512.hpp"
#include "bindings/simd/peak.hpp"
#include "bindings/simd/vector_gradient.hpp"

namespace fewmult_bindings {

extern const Level kVnniLevel =
    fewmult::level_with_peaks<fewmult::VectorTile<fewmult::Vnni>, fewmult::Vnni>("vnni");

}  // namespace fewmult_bindings
