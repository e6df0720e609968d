// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(binary_matmul_top)* top, Comparison& comparison) {
  const bool transposed = flag(given, "transposed");
  const int inputs = width(given, "inputs");
  const int outputs = width(given, "outputs");
  const int batch = log2_batch(given);
  const int planes = given.number("planes", 1, transposed ? 1 : fewmult::kMaxPlanes);
  const std::size_t words = words_of(inputs, outputs) * static_cast<std::size_t>(planes);
  const Guarded<std::int8_t> source(
      given.array<std::int8_t>("source", samples_of(transposed ? outputs : inputs, batch)));
  const Guarded<std::uint64_t> sign(given.array<std::uint64_t>("sign", words));
  const Guarded<std::uint64_t> mask(given.array<std::uint64_t>("mask", words));
  Guarded<std::int32_t> z(samples_of(transposed ? inputs : outputs, batch));
  const fewmult_calls::BinaryMatmul call = {source.words(), sign.words(), mask.words(),
                                            z.words(),      transposed,   inputs,
                                            outputs,        batch,        planes};
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  comparison.compare("z", z);
}

}  // namespace

int main(int argc, char** argv) {
  return run("binary_matmul", argc, argv, binary_matmul_top, compare_case);
}
