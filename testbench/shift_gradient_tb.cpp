// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

template <class Weight>
void compare_with(const Case& given, decltype(shift_gradient_top)* top, Comparison& comparison) {
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const int batch = log2_batch(given);
  const std::size_t words = words_of(inputs, outputs);
  const std::size_t lanes = words * fewmult::kWordBits;
  const Guarded<Weight> weights(given.array<Weight>("weights", lanes));
  Guarded<Weight> updated(lanes);
  Guarded<std::uint64_t> sign(words);
  Guarded<std::uint64_t> mask(words);
  const Guarded<std::int8_t> x(given.array<std::int8_t>("x", samples_of(inputs, batch)));
  const Guarded<std::int8_t> deltas(given.array<std::int8_t>("deltas", samples_of(outputs, batch)));
  const fewmult_calls::ShiftGradient call = {
      weights.words(),
      updated.words(),
      sign.words(),
      mask.words(),
      x.words(),
      deltas.words(),
      master_bits(given),
      inputs,
      outputs,
      batch,
      given.number("shift", -fewmult::kMaxLeftShift, fewmult::kMaxShift),
      flag(given, "binary"),
      given.number("sharpness", 0, fewmult::kMaxSharpness),
      given.word("seed"),
      given.word("code_purpose"),
      given.word("weight_purpose"),
      given.word("step")};
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  comparison.compare("weights", updated);
  comparison.compare("sign", sign);
  comparison.compare("mask", mask);
}

void compare_case(const Case& given, decltype(shift_gradient_top)* top, Comparison& comparison) {
  const bool bytes = master_bits(given) == 8;
  (bytes ? compare_with<std::int8_t> : compare_with<std::int16_t>)(given, top, comparison);
}

}  // namespace

int main(int argc, char** argv) {
  return run("shift_gradient", argc, argv, shift_gradient_top, compare_case);
}
