// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(shift_gradient_top)* top, Comparison& comparison) {
  const int bits = master_bits(given);
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const int batch = log2_batch(given);
  const std::size_t words = words_of(inputs, outputs);
  const std::size_t lanes = words * fewmult::kWordBits;
  const auto weights8 = weights_if<std::int8_t>(bits == 8, given, lanes);
  const auto weights16 = weights_if<std::int16_t>(bits == 16, given, lanes);
  Guarded<std::int8_t> updated8(bits == 8 ? lanes : 0);
  Guarded<std::int16_t> updated16(bits == 16 ? lanes : 0);
  Guarded<std::uint64_t> sign(words);
  Guarded<std::uint64_t> mask(words);
  const Guarded<std::int8_t> x(given.array<std::int8_t>("x", samples_of(inputs, batch)));
  const Guarded<std::int8_t> deltas(given.array<std::int8_t>("deltas", samples_of(outputs, batch)));
  const fewmult_calls::ShiftGradient call = {
      weights8.data(),
      weights16.data(),
      updated8.data(),
      updated16.data(),
      sign.data(),
      mask.data(),
      x.data(),
      deltas.data(),
      bits,
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
  comparison.compare("weights", updated8);
  comparison.compare("weights", updated16);
  comparison.compare("sign", sign);
  comparison.compare("mask", mask);
}

}  // namespace

int main(int argc, char** argv) {
  return run("shift_gradient", argc, argv, shift_gradient_top, compare_case);
}
