// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

template <class Weight>
void compare_with(const Case& given, decltype(shift_gradient_top)* top, Comparison& comparison) {
  fewmult_calls::ShiftGradient call = {};
  call.master_bits = master_bits(given);
  call.inputs = width(given, "inputs");
  call.outputs = width(given, "outputs");
  call.log2_batch = log2_batch(given);
  call.shift = given.number("shift", -fewmult::kMaxLeftShift, fewmult::kMaxShift);
  call.binary = flag(given, "binary");
  call.sharpness = given.number("sharpness", 0, fewmult::kMaxSharpness);
  call.seed = given.word("seed");
  call.code_purpose = given.word("code_purpose");
  call.weight_purpose = given.word("weight_purpose");
  call.step = given.word("step");
  enter_window(call, given);
  const std::size_t words = words_of(call.inputs, call.outputs);
  const std::size_t lanes = words * fewmult::kWordBits;
  const Guarded<Weight> weights(given.array<Weight>("weights", lanes));
  Guarded<Weight> updated(lanes);
  Guarded<std::uint64_t> sign(words);
  Guarded<std::uint64_t> mask(words);
  const Guarded<std::int8_t> x(
      given.array<std::int8_t>("x", samples_of(image_rows(call), call.log2_batch)));
  const Guarded<std::int8_t> deltas(
      given.array<std::int8_t>("deltas", samples_of(result_rows(call), call.log2_batch)));
  call.weights = weights.words();
  call.updated = updated.words();
  call.sign = sign.words();
  call.mask = mask.words();
  call.x = x.words();
  call.deltas = deltas.words();
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
