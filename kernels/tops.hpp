// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels' tops: the only functions with interface pragmas, one a file. Plain pointers and
// numbers, so that any HLS compiler, testbench or host can call them. Arrays: kernels/calls.hpp.
// Each leaves kBuildId in build_id; with no units it does nothing else. What is updated may take
// the place of what it was.
#pragma once

#include <cstdint>

extern "C" {

void sample_weights_top(const std::uint64_t* weights, std::uint64_t* sign, std::uint64_t* mask,
                        int master_bits, int inputs, int outputs, int binary, int sharpness,
                        std::uint32_t seed, std::uint32_t purpose, std::uint32_t step,
                        std::uint32_t* build_id);

void binary_matmul_top(const std::uint64_t* source, const std::uint64_t* sign,
                       const std::uint64_t* mask, std::uint64_t* z, int transposed, int inputs,
                       int outputs, int log2_batch, int planes, std::uint32_t* build_id);

void normalize_top(int pass, const std::uint64_t* z, const std::uint64_t* gate,
                   const std::uint64_t* labels, std::uint64_t* bias, std::uint64_t* mean,
                   std::uint64_t* logits, std::uint64_t* result, std::uint64_t* loss, int units,
                   int log2_batch, int shift, int bias_exponent, std::uint32_t seed,
                   std::uint32_t purpose, std::uint32_t step, std::uint32_t* build_id);

void layer_top(int pass, const std::uint64_t* source, const std::uint64_t* sign,
               const std::uint64_t* mask, const std::uint64_t* gate, const std::uint64_t* labels,
               std::uint64_t* bias, std::uint64_t* mean, std::uint64_t* logits,
               std::uint64_t* result, std::uint64_t* loss, int inputs, int outputs, int log2_batch,
               int planes, int shift, int bias_exponent, std::uint32_t seed, std::uint32_t purpose,
               std::uint32_t step, int channels, int rows, int columns, int tap_rows,
               int tap_columns, int stride, int padded, int signed_inputs, std::uint32_t* build_id);

void shift_gradient_top(const std::uint64_t* weights, std::uint64_t* updated, std::uint64_t* sign,
                        std::uint64_t* mask, const std::uint64_t* x, const std::uint64_t* deltas,
                        int master_bits, int inputs, int outputs, int log2_batch, int shift,
                        int binary, int sharpness, std::uint32_t seed, std::uint32_t code_purpose,
                        std::uint32_t weight_purpose, std::uint32_t step, int channels, int rows,
                        int columns, int tap_rows, int tap_columns, int stride, int padded,
                        int signed_inputs, std::uint32_t* build_id);

void pool_top(const std::uint64_t* x, std::uint64_t* pooled, const std::uint64_t* deltas,
              std::uint64_t* result, int back, int channels, int rows, int columns, int size,
              int log2_batch, std::uint32_t* build_id);

}  // extern "C"
