// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/shift_gradient.hpp"
#include "kernels/tops.hpp"

extern "C" void shift_gradient_top(const std::uint64_t* weights, std::uint64_t* updated,
                                   std::uint64_t* sign, std::uint64_t* mask, const std::uint64_t* x,
                                   const std::uint64_t* deltas, int master_bits, int inputs,
                                   int outputs, int log2_batch, int shift, int binary,
                                   int sharpness, std::uint32_t seed, std::uint32_t code_purpose,
                                   std::uint32_t weight_purpose, std::uint32_t step, int channels,
                                   int rows, int columns, int tap_rows, int tap_columns, int stride,
                                   int padded, int signed_inputs, std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = weights offset = slave bundle = gmem1 depth = 4096
#pragma HLS INTERFACE m_axi port = updated offset = slave bundle = gmem2 depth = 4096
#pragma HLS INTERFACE m_axi port = sign offset = slave bundle = gmem3 depth = 256
#pragma HLS INTERFACE m_axi port = mask offset = slave bundle = gmem3 depth = 256
#pragma HLS INTERFACE m_axi port = x offset = slave bundle = gmem0 depth = 4096
#pragma HLS INTERFACE m_axi port = deltas offset = slave bundle = gmem0 depth = 2048
#pragma HLS INTERFACE s_axilite port = master_bits bundle = control
#pragma HLS INTERFACE s_axilite port = inputs bundle = control
#pragma HLS INTERFACE s_axilite port = outputs bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = shift bundle = control
#pragma HLS INTERFACE s_axilite port = binary bundle = control
#pragma HLS INTERFACE s_axilite port = sharpness bundle = control
#pragma HLS INTERFACE s_axilite port = seed bundle = control
#pragma HLS INTERFACE s_axilite port = code_purpose bundle = control
#pragma HLS INTERFACE s_axilite port = weight_purpose bundle = control
#pragma HLS INTERFACE s_axilite port = step bundle = control
#pragma HLS INTERFACE s_axilite port = channels bundle = control
#pragma HLS INTERFACE s_axilite port = rows bundle = control
#pragma HLS INTERFACE s_axilite port = columns bundle = control
#pragma HLS INTERFACE s_axilite port = tap_rows bundle = control
#pragma HLS INTERFACE s_axilite port = tap_columns bundle = control
#pragma HLS INTERFACE s_axilite port = stride bundle = control
#pragma HLS INTERFACE s_axilite port = padded bundle = control
#pragma HLS INTERFACE s_axilite port = signed_inputs bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  using namespace fewmult;
  const fewmult_calls::ShiftGradient call = {
      weights,      updated,        sign,       mask,         x,      deltas,    master_bits,
      inputs,       outputs,        log2_batch, shift,        binary, sharpness, seed,
      code_purpose, weight_purpose, step,       channels,     rows,   columns,   tap_rows,
      tap_columns,  stride,         padded,     signed_inputs};
  *build_id = kBuildId;
  shift_gradient<FabricTile>(call, {0, outputs});
}
