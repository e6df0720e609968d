// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A product and what stands behind it, fused tile by tile: a tile holds the sums of some units
// over the whole batch, so their means are known on chip, and only activations or deltas leave.
// One array of processing elements serves all passes.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/binary_matmul.hpp"
#include "kernels/hinge.hpp"
#include "kernels/normalize.hpp"

namespace fewmult {

enum class Pass : int {
  kHidden = 0,      // activations of a hidden layer; writes the batch means
  kHiddenMean = 1,  // activations of a hidden layer with given means: evaluation
  kLogits = 2,      // logits of the output layer: evaluation
  kOutput = 3,      // logits, loss and deltas of the output layer, and its biases' step
  kBackward = 4     // deltas of the layer before, and its biases' step
};

// The numbers of one pass; which of them a pass reads: see Pass.
struct LayerPass {
  Pass pass;
  int inputs;
  int outputs;
  int first_unit;  // of those that are computed: all in the fabric, a share of them by one of
  int end_unit;    // several threads of a host; sign and mask point to the first unit's words
  int log2_batch;
  int planes;         // of the packed weights: 1, or 7 to evaluate 8-bit weights
  int shift;          // forward: of the sums; backward: of the deltas
  int bias_exponent;  // of the bias step
  Key key;            // draws of the deltas' rounding
  std::uint32_t step;
};

// The arrays of one pass, in memory: unit-major, [unit][sample].
struct LayerArrays {
  const std::int8_t* source;  // activations [inputs], backward: deltas [outputs]
  const Word* sign;           // [planes][word column][output]
  const Word* mask;
  const std::int8_t* gate;     // backward: activations [inputs]
  const std::uint8_t* labels;  // output: [sample]
  std::int32_t* bias;          // [outputs], backward: of the layer before [inputs]
  std::int32_t* mean;          // hidden: [outputs]
  std::int32_t* logits;        // output: [outputs]
  std::int8_t* result;         // activations or deltas: [outputs], backward: [inputs]
  std::int32_t* loss;          // output: one number
};

// Finishes one unit, whose sums are z.
inline void finish_unit(const LayerPass& pass, const LayerArrays& arrays, int unit,
                        const std::int32_t* z) {
  const int batch = 1 << pass.log2_batch;
  const int first = unit << pass.log2_batch;
  const std::int32_t bias = arrays.bias[unit];
  if (pass.pass == Pass::kHidden || pass.pass == Pass::kHiddenMean) {
    if (pass.pass == Pass::kHidden) arrays.mean[unit] = batch_mean(z, pass.log2_batch);
    normalize_forward(z, arrays.mean[unit], bias, pass.shift, batch, arrays.result + first);
  } else if (pass.pass == Pass::kBackward) {
    const std::int32_t sum =
        normalize_backward(z, arrays.gate + first, pass.shift, pass.log2_batch, pass.key,
                           static_cast<std::uint32_t>(first), pass.step, arrays.result + first);
    arrays.bias[unit] = stepped_bias(bias, sum, pass.bias_exponent);
  } else {
    normalize_output(z, bias, pass.shift, batch, arrays.logits + first);
    if (pass.pass == Pass::kOutput) {
      const Hinge total =
          hinge(arrays.logits + first, arrays.labels, unit, batch, arrays.result + first);
      *arrays.loss += total.loss;
      arrays.bias[unit] = stepped_bias(bias, total.sum, pass.bias_exponent);
    }
  }
}

inline Product product_of(const LayerPass& pass) {
  return {pass.pass == Pass::kBackward, pass.inputs, pass.outputs, pass.log2_batch, pass.planes};
}

template <class Tile>
void layer(const LayerPass& pass, const LayerArrays& arrays) {
  typename Tile::Sums sums;
  const Product product = product_of(pass);
  const int stride = words_to_next_tile<Tile>(product);
  const Word* sign = arrays.sign;
  const Word* mask = arrays.mask;
  for (int first = pass.first_unit; first < pass.end_unit; first += Tile::kRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
    const int rows = smaller(pass.end_unit - first, Tile::kRows);
    binary_matmul<Tile>(sums, product, arrays.source, sign, mask, rows);
    for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
      finish_unit(pass, arrays, first + row, Tile::row_of(sums, row, 1 << pass.log2_batch));
    }
    sign += stride;
    mask += stride;
  }
}

}  // namespace fewmult
