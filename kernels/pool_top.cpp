// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/build_id.hpp"
#include "kernels/pool.hpp"
#include "kernels/tops.hpp"

extern "C" void pool_top(const std::uint64_t* x, std::uint64_t* pooled, const std::uint64_t* deltas,
                         std::uint64_t* result, int back, int channels, int rows, int columns,
                         int size, int log2_batch, std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = x offset = slave bundle = gmem0 depth = 8192
#pragma HLS INTERFACE m_axi port = pooled offset = slave bundle = gmem1 depth = 2048
#pragma HLS INTERFACE m_axi port = deltas offset = slave bundle = gmem0 depth = 2048
#pragma HLS INTERFACE m_axi port = result offset = slave bundle = gmem1 depth = 8192
#pragma HLS INTERFACE s_axilite port = back bundle = control
#pragma HLS INTERFACE s_axilite port = channels bundle = control
#pragma HLS INTERFACE s_axilite port = rows bundle = control
#pragma HLS INTERFACE s_axilite port = columns bundle = control
#pragma HLS INTERFACE s_axilite port = size bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  *build_id = fewmult::kBuildId;
  fewmult::pool({x, pooled, deltas, result, back, channels, rows, columns, size, log2_batch});
}
