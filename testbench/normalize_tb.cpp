// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/tops.hpp"
#include "testbench/pass_arrays.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(normalize_top)* top, Comparison& comparison) {
  const PassNumbers numbers = pass_numbers(given);
  const int units = width(given, "units");
  const Guarded<std::int32_t> z(
      given.array<std::int32_t>("z", samples_of(units, numbers.log2_batch)));
  PassArrays arrays = pass_arrays(given, numbers, units);
  std::uint32_t build_id = ~fewmult::kBuildId;
  top(static_cast<int>(numbers.pass), z.data(), arrays.gate.data(), arrays.labels.data(),
      arrays.bias.data(), arrays.mean.data(), arrays.logits.data(), arrays.result.data(),
      arrays.loss.data(), units, numbers.log2_batch, numbers.shift, numbers.bias_exponent,
      numbers.seed, numbers.purpose, numbers.step, &build_id);
  comparison.names_itself(build_id);
  compare_pass(comparison, arrays);
}

}  // namespace

int main(int argc, char** argv) {
  return run("normalize", argc, argv, normalize_top, compare_case);
}
