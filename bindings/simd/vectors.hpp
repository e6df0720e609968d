// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Vectors of kBytes bytes: the compiler's own vector types, with the operators of C++.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

template <int kBytes>
struct VectorTypes;

// g++ takes no size that depends on a template's argument.
template <>
struct VectorTypes<32> {
  typedef std::int32_t Int __attribute__((vector_size(32)));
  typedef std::uint32_t Uint __attribute__((vector_size(32)));
  typedef std::int16_t Short __attribute__((vector_size(32)));
  typedef std::uint8_t Bytes __attribute__((vector_size(32)));
};

template <>
struct VectorTypes<64> {
  typedef std::int32_t Int __attribute__((vector_size(64)));
  typedef std::uint32_t Uint __attribute__((vector_size(64)));
  typedef std::int16_t Short __attribute__((vector_size(64)));
  typedef std::uint8_t Bytes __attribute__((vector_size(64)));
};

template <int kBytes>
struct Vectors : VectorTypes<kBytes> {
  using typename VectorTypes<kBytes>::Int;
  using typename VectorTypes<kBytes>::Uint;
  static constexpr int kLanes = kBytes / 4;

  static Int splat(std::int32_t value) { return Int{} + value; }
  // 0, 1, 2, ..
  static Uint counting() {
    Uint lanes;
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = static_cast<std::uint32_t>(lane);
    return lanes;
  }
};

}  // namespace fewmult
