// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

template <class Weight>
void compare_with(const Case& given, decltype(sample_weights_top)* top, Comparison& comparison) {
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const std::size_t words = words_of(inputs, outputs);
  const Guarded<Weight> weights(given.array<Weight>("weights", words * fewmult::kWordBits));
  Guarded<std::uint64_t> sign(words);
  Guarded<std::uint64_t> mask(words);
  const fewmult_calls::SampleWeights call = {weights.words(),
                                             sign.words(),
                                             mask.words(),
                                             master_bits(given),
                                             inputs,
                                             outputs,
                                             flag(given, "binary"),
                                             given.number("sharpness", 0, fewmult::kMaxSharpness),
                                             given.word("seed"),
                                             given.word("purpose"),
                                             given.word("step")};
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  comparison.compare("sign", sign);
  comparison.compare("mask", mask);
}

void compare_case(const Case& given, decltype(sample_weights_top)* top, Comparison& comparison) {
  const bool bytes = master_bits(given) == 8;
  (bytes ? compare_with<std::int8_t> : compare_with<std::int16_t>)(given, top, comparison);
}

}  // namespace

int main(int argc, char** argv) {
  return run("sample_weights", argc, argv, sample_weights_top, compare_case);
}
