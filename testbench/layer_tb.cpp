// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/tops.hpp"
#include "testbench/pass_arrays.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(layer_top)* top, Comparison& comparison) {
  const PassNumbers numbers = pass_numbers(given);
  const bool backward = fewmult::sends_back(numbers.pass);
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const int planes = given.number("planes", 1, backward ? 1 : fewmult::kMaxPlanes);
  const std::size_t words = words_of(inputs, outputs) * static_cast<std::size_t>(planes);
  const Guarded<std::int8_t> source(given.array<std::int8_t>(
      "source", samples_of(backward ? outputs : inputs, numbers.log2_batch)));
  const Guarded<std::uint64_t> sign(given.array<std::uint64_t>("sign", words));
  const Guarded<std::uint64_t> mask(given.array<std::uint64_t>("mask", words));
  PassArrays arrays = pass_arrays(given, numbers, backward ? inputs : outputs);
  std::uint32_t build_id = ~fewmult::kBuildId;
  top(static_cast<int>(numbers.pass), source.data(), sign.data(), mask.data(), arrays.gate.data(),
      arrays.labels.data(), arrays.bias.data(), arrays.mean.data(), arrays.logits.data(),
      arrays.result.data(), arrays.loss.data(), inputs, outputs, numbers.log2_batch, planes,
      numbers.shift, numbers.bias_exponent, numbers.seed, numbers.purpose, numbers.step, &build_id);
  comparison.names_itself(build_id);
  compare_pass(comparison, arrays);
}

}  // namespace

int main(int argc, char** argv) { return run("layer", argc, argv, layer_top, compare_case); }
