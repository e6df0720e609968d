// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "testbench/epilogue.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace golden;

void compare_case(const Case& given, decltype(layer_top)* top, Comparison& comparison) {
  const bool backward = fewmult::sends_back(pass_of(given));
  fewmult_calls::Layer call = {};
  call.inputs = width(given, "inputs");
  call.outputs = width(given, "outputs");
  enter_window(call, given);
  call.planes = given.number("planes", 1, backward ? 1 : fewmult::kMaxPlanes);
  const std::size_t words =
      words_of(call.inputs, call.outputs) * static_cast<std::size_t>(call.planes);
  const Guarded<std::int8_t> source(given.array<std::int8_t>(
      "source", samples_of(backward ? result_rows(call) : image_rows(call), log2_batch(given))));
  const Guarded<std::uint64_t> sign(given.array<std::uint64_t>("sign", words));
  const Guarded<std::uint64_t> mask(given.array<std::uint64_t>("mask", words));
  call.source = source.words();
  call.sign = sign.words();
  call.mask = mask.words();
  Epilogue epilogue(given, backward ? image_rows(call) : result_rows(call),
                    backward ? call.channels : call.outputs);
  epilogue.enter(call, given);
  std::uint32_t build_id = ~fewmult::kBuildId;
  run_top(top, call, &build_id);
  comparison.names_itself(build_id);
  epilogue.compare(comparison);
}

}  // namespace

int main(int argc, char** argv) { return run("layer", argc, argv, layer_top, compare_case); }
