// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_avx2
#include "bindings/simd/avx2.hpp"
#include "bindings/simd/level_of_vectors.hpp"

namespace fewmult_bindings {

extern constexpr Level kAvx2Level = fewmult::level_of_vectors<fewmult::Avx2>("avx2");

}  // namespace fewmult_bindings
