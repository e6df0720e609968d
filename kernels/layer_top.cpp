// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/layer.hpp"
#include "kernels/tops.hpp"

extern "C" void layer_top(int pass, const std::uint64_t* source, const std::uint64_t* sign,
                          const std::uint64_t* mask, const std::uint64_t* gate,
                          const std::uint64_t* labels, std::uint64_t* bias, std::uint64_t* mean,
                          std::uint64_t* logits, std::uint64_t* result, std::uint64_t* loss,
                          int inputs, int outputs, int log2_batch, int planes, int shift,
                          int bias_exponent, std::uint32_t seed, std::uint32_t purpose,
                          std::uint32_t step, int channels, int rows, int columns, int tap_rows,
                          int tap_columns, int stride, int padded, int signed_inputs,
                          std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = source offset = slave bundle = gmem0 depth = 4096
#pragma HLS INTERFACE m_axi port = sign offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = mask offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = gate offset = slave bundle = gmem0 depth = 8192
#pragma HLS INTERFACE m_axi port = labels offset = slave bundle = gmem0 depth = 32
#pragma HLS INTERFACE m_axi port = bias offset = slave bundle = gmem1 depth = 256
#pragma HLS INTERFACE m_axi port = mean offset = slave bundle = gmem1 depth = 512
#pragma HLS INTERFACE m_axi port = logits offset = slave bundle = gmem1 depth = 8192
#pragma HLS INTERFACE m_axi port = result offset = slave bundle = gmem1 depth = 8192
#pragma HLS INTERFACE m_axi port = loss offset = slave bundle = gmem1 depth = 1
#pragma HLS INTERFACE s_axilite port = pass bundle = control
#pragma HLS INTERFACE s_axilite port = inputs bundle = control
#pragma HLS INTERFACE s_axilite port = outputs bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = planes bundle = control
#pragma HLS INTERFACE s_axilite port = shift bundle = control
#pragma HLS INTERFACE s_axilite port = bias_exponent bundle = control
#pragma HLS INTERFACE s_axilite port = seed bundle = control
#pragma HLS INTERFACE s_axilite port = purpose bundle = control
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
  const fewmult_calls::Layer call = {
      pass,   source,  sign,          mask,        gate,    labels,  bias,
      mean,   logits,  result,        loss,        inputs,  outputs, log2_batch,
      planes, shift,   bias_exponent, seed,        purpose, step,    channels,
      rows,   columns, tap_rows,      tap_columns, stride,  padded,  signed_inputs};
  *build_id = kBuildId;
  layer<FabricTile>(call, {0, units_of(call)});
}
