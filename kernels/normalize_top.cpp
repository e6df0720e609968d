// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, alone, its sums read from memory: for unit tests and for
// co-simulation. Training uses the fused layer_top.
#include "kernels/build_id.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/tops.hpp"

extern "C" void normalize_top(int pass, const std::int32_t* z, const std::int8_t* gate,
                              const std::uint8_t* labels, std::int32_t* bias, std::int32_t* mean,
                              std::int32_t* logits, std::int8_t* result, std::int32_t* loss,
                              int units, int log2_batch, int shift, int bias_exponent,
                              std::uint32_t seed, std::uint32_t purpose, std::uint32_t step,
                              std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = z offset = slave bundle = gmem0 depth = 16384
#pragma HLS INTERFACE m_axi port = gate offset = slave bundle = gmem0 depth = 16384
#pragma HLS INTERFACE m_axi port = labels offset = slave bundle = gmem0 depth = 256
#pragma HLS INTERFACE m_axi port = bias offset = slave bundle = gmem1 depth = 512
#pragma HLS INTERFACE m_axi port = mean offset = slave bundle = gmem1 depth = 512
#pragma HLS INTERFACE m_axi port = logits offset = slave bundle = gmem1 depth = 16384
#pragma HLS INTERFACE m_axi port = result offset = slave bundle = gmem1 depth = 16384
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
  const fewmult_calls::Layer call =
      epilogue_alone({pass, z, gate, labels, bias, mean, logits, result, loss, units, log2_batch,
                      shift, bias_exponent, seed, purpose, step});
  for (int unit = 0; unit < units; ++unit) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
    std::int32_t sums[kMaxBatch];
    for (int b = 0; b < 1 << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
      sums[b] = *z++;
    }
    finish_unit(call, unit, sums);
  }
}
