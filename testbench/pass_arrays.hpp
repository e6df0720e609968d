// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What stands behind a product, for the testbenches of normalize_top and layer_top: each pass has
// its own arrays, and those of the others have no elements.
#pragma once

#include "kernels/layer.hpp"
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"

namespace golden {

struct PassNumbers {
  fewmult::Pass pass;
  int log2_batch;
  int shift;
  int bias_exponent;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

inline PassNumbers pass_numbers(const Case& given) {
  return {static_cast<fewmult::Pass>(given.number("pass", 0, 5)),
          log2_batch(given),
          given.number("shift", 0, fewmult::kMaxShift),
          given.number("bias_exponent", -fewmult::kMaxShift, fewmult::kMaxShift),
          given.word("seed"),
          given.word("purpose"),
          given.word("step")};
}

struct PassArrays {
  Guarded<std::int8_t> gate;
  Guarded<std::uint8_t> labels;
  Guarded<std::int32_t> bias;
  Guarded<std::int32_t> mean;
  Guarded<std::int32_t> logits;
  Guarded<std::int8_t> result;
  Guarded<std::int32_t> loss;
};

inline PassArrays pass_arrays(const Case& given, const PassNumbers& numbers, int units) {
  using fewmult::Pass;
  const Pass pass = numbers.pass;
  const std::size_t rows = samples_of(units, 0);
  const std::size_t samples = samples_of(units, numbers.log2_batch);
  const bool output = pass == Pass::kLogits || pass == Pass::kOutput;
  return {read_if<std::int8_t>(sends_back(pass), given, "gate", samples),
          read_if<std::uint8_t>(pass == Pass::kOutput, given, "labels",
                                samples_of(1, numbers.log2_batch)),
          read_if<std::int32_t>(pass != Pass::kPerturb, given, "bias", rows),
          pass == Pass::kHidden
              ? written_if<std::int32_t>(true, rows)
              : read_if<std::int32_t>(pass == Pass::kHiddenMean, given, "mean", rows),
          written_if<std::int32_t>(output, samples),
          written_if<std::int8_t>(pass != Pass::kLogits, samples),
          read_if<std::int32_t>(pass == Pass::kOutput, given, "loss", 1)};
}

template <class T>
void compare_if_there(Comparison& comparison, const char* name, const Guarded<T>& got) {
  if (got.length() == 0) {
    comparison.untouched_beyond(name, got);
  } else {
    comparison.compare(name, got);
  }
}

inline void compare_pass(Comparison& comparison, const PassArrays& arrays) {
  compare_if_there(comparison, "bias", arrays.bias);
  compare_if_there(comparison, "mean", arrays.mean);
  compare_if_there(comparison, "logits", arrays.logits);
  compare_if_there(comparison, "result", arrays.result);
  compare_if_there(comparison, "loss", arrays.loss);
}

}  // namespace golden
