// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_avx512
#include "bindings/simd/avx512.hpp"
#include "bindings/simd/level_of_vectors.hpp"

namespace fewmult_bindings {

extern constexpr Level kAvx512Level = fewmult::level_of_vectors<fewmult::Avx512>("avx512");

}  // namespace fewmult_bindings
