// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The product alone, its sums written out: for unit tests and for co-simulation. Training uses
// the fused layer_top.
#include "kernels/binary_matmul.hpp"
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/tops.hpp"

extern "C" void binary_matmul_top(const std::uint64_t* source, const std::uint64_t* sign,
                                  const std::uint64_t* mask, std::uint64_t* z, int transposed,
                                  int inputs, int outputs, int log2_batch, int planes,
                                  std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = source offset = slave bundle = gmem0 depth = 2048
#pragma HLS INTERFACE m_axi port = sign offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = mask offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = z offset = slave bundle = gmem1 depth = 8192
#pragma HLS INTERFACE s_axilite port = transposed bundle = control
#pragma HLS INTERFACE s_axilite port = inputs bundle = control
#pragma HLS INTERFACE s_axilite port = outputs bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = planes bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  using namespace fewmult;
  *build_id = kBuildId;
  const fewmult_calls::BinaryMatmul call = {source, sign,    mask,       z,     transposed,
                                            inputs, outputs, log2_batch, planes};
  binary_matmul<FabricTile>(call, {0, transposed != 0 ? inputs : outputs});
}
