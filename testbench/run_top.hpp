// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a top as a call's record says. The top is an argument: a tool that simulates one puts its
// own function there.
#pragma once

#include <cstdint>

#include "kernels/calls.hpp"
#include "kernels/tops.hpp"

namespace golden {

inline void run_top(decltype(sample_weights_top)* top, const fewmult_calls::SampleWeights& c,
                    std::uint32_t* build_id) {
  top(c.weights, c.sign, c.mask, c.master_bits, c.inputs, c.outputs, c.binary, c.sharpness, c.seed,
      c.purpose, c.step, build_id);
}

inline void run_top(decltype(binary_matmul_top)* top, const fewmult_calls::BinaryMatmul& c,
                    std::uint32_t* build_id) {
  top(c.source, c.sign, c.mask, c.z, c.transposed, c.inputs, c.outputs, c.log2_batch, c.planes,
      build_id);
}

inline void run_top(decltype(normalize_top)* top, const fewmult_calls::Normalize& c,
                    std::uint32_t* build_id) {
  top(c.pass, c.z, c.gate, c.labels, c.bias, c.mean, c.logits, c.result, c.loss, c.units,
      c.log2_batch, c.shift, c.bias_exponent, c.seed, c.purpose, c.step, build_id);
}

inline void run_top(decltype(layer_top)* top, const fewmult_calls::Layer& c,
                    std::uint32_t* build_id) {
  top(c.pass, c.source, c.sign, c.mask, c.gate, c.labels, c.bias, c.mean, c.logits, c.result,
      c.loss, c.inputs, c.outputs, c.log2_batch, c.planes, c.shift, c.bias_exponent, c.seed,
      c.purpose, c.step, c.channels, c.rows, c.columns, c.tap_rows, c.tap_columns, c.stride,
      c.padded, c.signed_inputs, build_id);
}

inline void run_top(decltype(shift_gradient_top)* top, const fewmult_calls::ShiftGradient& c,
                    std::uint32_t* build_id) {
  top(c.weights, c.updated, c.sign, c.mask, c.x, c.deltas, c.master_bits, c.inputs, c.outputs,
      c.log2_batch, c.shift, c.binary, c.sharpness, c.seed, c.code_purpose, c.weight_purpose,
      c.step, c.channels, c.rows, c.columns, c.tap_rows, c.tap_columns, c.stride, c.padded,
      c.signed_inputs, build_id);
}

inline void run_top(decltype(pool_top)* top, const fewmult_calls::Pool& c,
                    std::uint32_t* build_id) {
  top(c.x, c.pooled, c.deltas, c.result, c.back, c.channels, c.rows, c.columns, c.size,
      c.log2_batch, build_id);
}

}  // namespace golden
