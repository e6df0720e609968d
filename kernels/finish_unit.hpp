// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The passes over a layer, and the epilogue of each: what it does with the sums of a unit.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/hinge.hpp"
#include "kernels/normalize.hpp"
#include "kernels/perturb.hpp"
#include "kernels/threefry.hpp"

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

inline Pass pass_of(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  return static_cast<Pass>(call.pass);
}

// The units that a call computes.
inline int units_of(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  return sends_back(pass_of(call)) ? call.inputs : call.outputs;
}

// The pass over a layer whose sums are given: of the product nothing is left.
inline fewmult_calls::Layer epilogue_alone(const fewmult_calls::Normalize& call) {
#pragma HLS INLINE
  return {call.pass,    nullptr,         nullptr,     nullptr,     call.gate,          call.labels,
          call.bias,    call.mean,       call.logits, call.result, call.loss,          call.units,
          call.units,   call.log2_batch, 1,           call.shift,  call.bias_exponent, call.seed,
          call.purpose, call.step};
}

// Finishes one unit, whose sums are z. Inlined, like all that gets a call: a struct of pointers
// that is handed on would be a memory of addresses.
template <class Draws = DrawByDraw>
inline void finish_unit(const fewmult_calls::Layer& call, int unit, const std::int32_t* z) {
#pragma HLS INLINE
  const Pass pass = pass_of(call);
  const int batch = 1 << call.log2_batch;
  const int first = unit << call.log2_batch;
  if (pass == Pass::kPerturb) {
    perturb(z, call.gate + first, call.shift, batch, call.result + first);
    return;
  }
  const std::int32_t bias = call.bias[unit];
  if (pass == Pass::kHidden || pass == Pass::kHiddenMean) {
    if (pass == Pass::kHidden) call.mean[unit] = batch_mean(z, call.log2_batch);
    normalize_forward(z, call.mean[unit], bias, call.shift, batch, call.result + first);
  } else if (pass == Pass::kBackward) {
    const std::int32_t sum = normalize_backward<Draws>(
        z, call.gate + first, call.shift, call.log2_batch, Key{call.seed, call.purpose},
        static_cast<std::uint32_t>(first), call.step, call.result + first);
    call.bias[unit] = stepped_bias(bias, sum, call.bias_exponent);
  } else {
    normalize_output(z, bias, call.shift, batch, call.logits + first);
    if (pass == Pass::kOutput) {
      const Hinge total = hinge(call.logits + first, call.labels, unit, batch, call.result + first);
      *call.loss += total.loss;
      call.bias[unit] = stepped_bias(bias, total.sum, call.bias_exponent);
    }
  }
}

}  // namespace fewmult
