// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, alone, its sums read from memory: for unit tests and for
// co-simulation. Training uses the fused layer_top.
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/normalize.hpp"
#include "kernels/tops.hpp"

extern "C" void normalize_top(int pass, const std::uint64_t* z, const std::uint64_t* gate,
                              const std::uint64_t* labels, std::uint64_t* bias, std::uint64_t* mean,
                              std::uint64_t* logits, std::uint64_t* result, std::uint64_t* loss,
                              int units, int log2_batch, int shift, int bias_exponent,
                              std::uint32_t seed, std::uint32_t purpose, std::uint32_t step,
                              std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = z offset = slave bundle = gmem0 depth = 8192
#pragma HLS INTERFACE m_axi port = gate offset = slave bundle = gmem0 depth = 2048
#pragma HLS INTERFACE m_axi port = labels offset = slave bundle = gmem0 depth = 32
#pragma HLS INTERFACE m_axi port = bias offset = slave bundle = gmem1 depth = 256
#pragma HLS INTERFACE m_axi port = mean offset = slave bundle = gmem1 depth = 256
#pragma HLS INTERFACE m_axi port = logits offset = slave bundle = gmem1 depth = 8192
#pragma HLS INTERFACE m_axi port = result offset = slave bundle = gmem1 depth = 2048
#pragma HLS INTERFACE m_axi port = loss offset = slave bundle = gmem1 depth = 1
#pragma HLS INTERFACE s_axilite port = pass bundle = control
#pragma HLS INTERFACE s_axilite port = units bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = shift bundle = control
#pragma HLS INTERFACE s_axilite port = bias_exponent bundle = control
#pragma HLS INTERFACE s_axilite port = seed bundle = control
#pragma HLS INTERFACE s_axilite port = purpose bundle = control
#pragma HLS INTERFACE s_axilite port = step bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  using namespace fewmult;
  *build_id = kBuildId;
  normalize<FabricTile>({pass, z, gate, labels, bias, mean, logits, result, loss, units, log2_batch,
                         shift, bias_exponent, seed, purpose, step});
}
