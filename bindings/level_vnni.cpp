// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#define fewmult fewmult_vnni
#include "bindings/simd/avx512.hpp"
#include "bindings/simd/level_of_vectors.hpp"

namespace fewmult_bindings {

extern constexpr Level kVnniLevel = fewmult::level_of_vectors<fewmult::Vnni>("vnni");

}  // namespace fewmult_bindings
