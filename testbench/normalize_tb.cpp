// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/epilogue.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(normalize_top)* top, Comparison& comparison) {
  fewmult_calls::Normalize call = {};
  call.units = width(given, "units");
  const Guarded<std::int32_t> z(
      given.array<std::int32_t>("z", samples_of(call.units, log2_batch(given))));
  call.z = z.words();
  Epilogue epilogue(given, call.units);
  epilogue.enter(call, given);
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  epilogue.compare(comparison);
}

}  // namespace

int main(int argc, char** argv) {
  return run("normalize", argc, argv, normalize_top, compare_case);
}
