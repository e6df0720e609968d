// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(sample_weights_top)* top, Comparison& comparison) {
  const int bits = master_bits(given);
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const std::size_t words = words_of(inputs, outputs);
  const std::size_t lanes = words * fewmult::kWordBits;
  const auto weights8 = weights_if<std::int8_t>(bits == 8, given, lanes);
  const auto weights16 = weights_if<std::int16_t>(bits == 16, given, lanes);
  Guarded<std::uint64_t> sign(words);
  Guarded<std::uint64_t> mask(words);
  const fewmult_calls::SampleWeights call = {weights8.data(),
                                             weights16.data(),
                                             sign.data(),
                                             mask.data(),
                                             bits,
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

}  // namespace

int main(int argc, char** argv) {
  return run("sample_weights", argc, argv, sample_weights_top, compare_case);
}
