// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A call as it is executed, and what several kinds of calls have in common. Every function reads
// fields of a record, and throws as record.hpp says.
#pragma once

#include <cstdint>
#include <functional>

#include "bindings/kernels.hpp"
#include "bindings/record.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/passes.hpp"

namespace fewmult_bindings {

// Runs a call as it is at some step.
using Action = std::function<void(Kernels& kernels, std::uint32_t step)>;

inline int master_bits_of(const Record& call) {
  const int bits = call.number("master_bits", 8, 16);
  if (bits != 8 && bits != 16) throw py::value_error("master_bits must be 8 or 16");
  return bits;
}

// Sign and mask of a product, and how many planes they have.
struct Packed {
  int planes;
  const fewmult::Word* sign;
  const fewmult::Word* mask;
};

inline Packed packed_weights(const Record& call, int inputs, int outputs, bool transposed) {
  const int planes = call.number("planes", 1, transposed ? 1 : fewmult::kMaxPlanes);
  const Shape shape = {planes, fewmult::word_columns(inputs), outputs};
  return {planes, call.array<const fewmult::Word>("sign", shape),
          call.array<const fewmult::Word>("mask", shape)};
}

inline int log2_batch_of(const Record& call) {
  return call.number("log2_batch", 4, fewmult::kMaxLog2Batch);
}

inline fewmult::Pass pass_of(const Record& call) {
  return static_cast<fewmult::Pass>(
      call.number("pass_", 0, static_cast<int>(fewmult::Pass::kPerturb)));
}

// The exponent of a bias's step, with which a sum of 2^log2_summands deltas fits 32 bits.
inline int bias_exponent_of(const Record& call, int log2_summands) {
  return call.number("bias_exponent", -fewmult::kMaxShift, fewmult::kMaxSumBits - log2_summands);
}

// log2 of n, rounded up.
inline int log2_above(int n) {
  int log2 = 0;
  while (1 << log2 < n) ++log2;
  return log2;
}

}  // namespace fewmult_bindings
