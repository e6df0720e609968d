// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The passes over a layer.
#pragma once

#include "kernels/calls.hpp"

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

// The units that a call computes at each place.
inline int units_of(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  return sends_back(pass_of(call)) ? call.channels : call.outputs;
}

// Some units at one place.
struct Place {
  int unit;     // the first one
  int row;      // its number among the units of all places
  bool begins;  // whether it is the first of the places,
  bool ends;    // or the last
};

// The pass over a layer whose sums are given, so that nothing of a product is left of it.
inline fewmult_calls::Layer epilogue_alone(const fewmult_calls::Normalize& call) {
#pragma HLS INLINE
  fewmult_calls::Layer alone = {};
  alone.pass = call.pass;
  alone.gate = call.gate;
  alone.labels = call.labels;
  alone.bias = call.bias;
  alone.mean = call.mean;
  alone.logits = call.logits;
  alone.result = call.result;
  alone.loss = call.loss;
  alone.inputs = call.units;
  alone.outputs = call.units;
  alone.log2_batch = call.log2_batch;
  alone.shift = call.shift;
  alone.bias_exponent = call.bias_exponent;
  alone.seed = call.seed;
  alone.purpose = call.purpose;
  alone.step = call.step;
  return alone;
}

}  // namespace fewmult
