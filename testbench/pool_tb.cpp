// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool.hpp"
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(pool_top)* top, Comparison& comparison) {
  fewmult_calls::Pool call = {};
  call.back = flag(given, "back");
  call.channels = width(given, "channels");
  call.rows = given.number("rows", 1, 1 << fewmult::kMaxLog2Rows);
  call.columns = given.number("columns", 1, 1 << fewmult::kMaxLog2Rows);
  call.size = given.number("size", 2, fewmult::smaller(call.rows, call.columns));
  call.log2_batch = log2_batch(given);
  const int windows = fewmult::squares_along(call.rows, call.size) *
                      fewmult::squares_along(call.columns, call.size);
  const std::size_t image = samples_of(call.rows * call.columns * call.channels, call.log2_batch);
  const std::size_t squares = samples_of(windows * call.channels, call.log2_batch);
  const Guarded<std::int8_t> x(given.array<std::int8_t>("x", image));
  Guarded<std::int8_t> pooled = as_given<std::int8_t>(given, "pooled", squares);
  const Guarded<std::int8_t> deltas = as_given<std::int8_t>(given, "deltas", squares);
  Guarded<std::int8_t> result = as_given<std::int8_t>(given, "result", image);
  call.x = x.words();
  call.pooled = pooled.words();
  call.deltas = deltas.words();
  call.result = result.words();
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  comparison.compare("pooled", pooled);
  comparison.compare("result", result);
}

}  // namespace

int main(int argc, char** argv) { return run("pool", argc, argv, pool_top, compare_case); }
