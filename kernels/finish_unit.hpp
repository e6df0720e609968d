// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The passes over a layer, and what each does with the sums of a unit.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/hinge.hpp"
#include "kernels/normalize.hpp"
#include "kernels/perturb.hpp"

namespace fewmult {

enum class Pass : int {
  kHidden = 0,      // activations of a hidden layer; writes the batch means
  kHiddenMean = 1,  // activations of a hidden layer with given means: evaluation
  kLogits = 2,      // logits of the output layer: evaluation
  kOutput = 3,      // logits, loss and deltas of the output layer, and its biases' step
  kBackward = 4,    // deltas of the layer before, and its biases' step
  kPerturb = 5      // adversarial inputs, of the first layer
};

// Whether a pass goes against the net: its product is transposed, its units are inputs.
inline bool sends_back(Pass pass) { return pass == Pass::kBackward || pass == Pass::kPerturb; }

// The numbers of one pass; which of them a pass reads: see Pass.
struct LayerPass {
  Pass pass;
  int inputs;
  int outputs;
  int first_unit;  // of those that are computed: all in the fabric, a share of them by one of
  int end_unit;    // several threads of a host; sign and mask point to the first unit's words
  int log2_batch;
  int planes;         // of the packed weights: 1, or 7 to evaluate 8-bit weights
  int shift;          // forward: of the sums; backward: of the deltas; perturb: of the step
  int bias_exponent;  // of the bias step
  Key key;            // draws of the deltas' rounding
  std::uint32_t step;
};

// The arrays of one pass, in memory: unit-major, [unit][sample].
struct LayerArrays {
  const std::int8_t* source;  // activations [inputs], sending back: deltas [outputs]
  const Word* sign;           // [planes][word column][output]
  const Word* mask;
  const std::int8_t* gate;     // sending back: activations [inputs]
  const std::uint8_t* labels;  // output: [sample]
  std::int32_t* bias;          // [outputs], backward: of the layer before [inputs]; not perturb
  std::int32_t* mean;          // hidden: [outputs]
  std::int32_t* logits;        // output: [outputs]
  std::int8_t* result;         // activations or deltas: [outputs], sending back: [inputs]
  std::int32_t* loss;          // output: one number
};

// Finishes one unit, whose sums are z. Inlined, like all that gets LayerArrays: a struct of
// pointers that is handed on would be a memory of addresses.
inline void finish_unit(const LayerPass& pass, const LayerArrays& arrays, int unit,
                        const std::int32_t* z) {
#pragma HLS INLINE
  const int batch = 1 << pass.log2_batch;
  const int first = unit << pass.log2_batch;
  if (pass.pass == Pass::kPerturb) {
    perturb(z, arrays.gate + first, pass.shift, batch, arrays.result + first);
    return;
  }
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

}  // namespace fewmult
