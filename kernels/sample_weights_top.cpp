// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/tops.hpp"

extern "C" void sample_weights_top(const std::uint64_t* weights, std::uint64_t* sign,
                                   std::uint64_t* mask, int master_bits, int inputs, int outputs,
                                   int binary, int sharpness, std::uint32_t seed,
                                   std::uint32_t purpose, std::uint32_t step,
                                   std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = weights offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = sign offset = slave bundle = gmem1 depth = 64
#pragma HLS INTERFACE m_axi port = mask offset = slave bundle = gmem1 depth = 64
#pragma HLS INTERFACE s_axilite port = master_bits bundle = control
#pragma HLS INTERFACE s_axilite port = inputs bundle = control
#pragma HLS INTERFACE s_axilite port = outputs bundle = control
#pragma HLS INTERFACE s_axilite port = binary bundle = control
#pragma HLS INTERFACE s_axilite port = sharpness bundle = control
#pragma HLS INTERFACE s_axilite port = seed bundle = control
#pragma HLS INTERFACE s_axilite port = purpose bundle = control
#pragma HLS INTERFACE s_axilite port = step bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  using namespace fewmult;
  *build_id = kBuildId;
  sample_weights<FabricTile>(
      {weights, sign, mask, master_bits, inputs, outputs, binary, sharpness, seed, purpose, step});
}
