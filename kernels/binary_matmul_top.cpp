// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The product alone, its sums written out: for unit tests and for co-simulation. Training uses
// the fused layer_top.
#include "kernels/binary_matmul.hpp"
#include "kernels/build_id.hpp"
#include "kernels/fabric_tile.hpp"
#include "kernels/tops.hpp"

namespace {

using Tile = fewmult::FabricTile;

void write_sums(Tile::Sums& sums, int rows, int log2_batch, std::int32_t* z) {
  for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
    const std::int32_t* sum = Tile::row_of(sums, row, 1 << log2_batch);
    for (int b = 0; b < 1 << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 256
      *z++ = sum[b];
    }
  }
}

}  // namespace

extern "C" void binary_matmul_top(const std::int8_t* source, const std::uint64_t* sign,
                                  const std::uint64_t* mask, std::int32_t* z, int transposed,
                                  int inputs, int outputs, int log2_batch, int planes,
                                  std::uint32_t* build_id) {
#pragma HLS INTERFACE m_axi port = source offset = slave bundle = gmem0 depth = 16384
#pragma HLS INTERFACE m_axi port = sign offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = mask offset = slave bundle = gmem0 depth = 1024
#pragma HLS INTERFACE m_axi port = z offset = slave bundle = gmem1 depth = 16384
#pragma HLS INTERFACE s_axilite port = transposed bundle = control
#pragma HLS INTERFACE s_axilite port = inputs bundle = control
#pragma HLS INTERFACE s_axilite port = outputs bundle = control
#pragma HLS INTERFACE s_axilite port = log2_batch bundle = control
#pragma HLS INTERFACE s_axilite port = planes bundle = control
#pragma HLS INTERFACE s_axilite port = build_id bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control
  using namespace fewmult;
  *build_id = kBuildId;
  const Product product = {transposed != 0, inputs, outputs, log2_batch, planes};
  Tile::Sums sums;
  for (int first = 0; first < units_of(product); first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int rows = smaller(units_of(product) - first, Tile::kRows);
    binary_matmul<Tile>(sums, product, source, sign, mask, rows);
    write_sums(sums, rows, log2_batch, z);
    z += rows << log2_batch;
    sign += words_to_next_tile<Tile>(product);
    mask += words_to_next_tile<Tile>(product);
  }
}
