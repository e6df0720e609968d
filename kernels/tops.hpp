// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels' tops: the only functions with interface pragmas, one a file. Plain pointers and
// numbers, so that any HLS compiler, testbench or host can call them. Arrays: docs/arithmetic.md,
// section 9. Each leaves kBuildId in build_id; with no units it does nothing else. Of weights8 and
// weights16, and of updated8 and updated16, only the one that master_bits names is touched; what
// is updated may take the place of what it was.
#pragma once

#include <cstdint>

extern "C" {

void sample_weights_top(const std::int8_t* weights8, const std::int16_t* weights16,
                        std::uint64_t* sign, std::uint64_t* mask, int master_bits, int inputs,
                        int outputs, int binary, int sharpness, std::uint32_t seed,
                        std::uint32_t purpose, std::uint32_t step, std::uint32_t* build_id);

void binary_matmul_top(const std::int8_t* source, const std::uint64_t* sign,
                       const std::uint64_t* mask, std::int32_t* z, int transposed, int inputs,
                       int outputs, int log2_batch, int planes, std::uint32_t* build_id);

void normalize_top(int pass, const std::int32_t* z, const std::int8_t* gate,
                   const std::uint8_t* labels, std::int32_t* bias, std::int32_t* mean,
                   std::int32_t* logits, std::int8_t* result, std::int32_t* loss, int units,
                   int log2_batch, int shift, int bias_exponent, std::uint32_t seed,
                   std::uint32_t purpose, std::uint32_t step, std::uint32_t* build_id);

void layer_top(int pass, const std::int8_t* source, const std::uint64_t* sign,
               const std::uint64_t* mask, const std::int8_t* gate, const std::uint8_t* labels,
               std::int32_t* bias, std::int32_t* mean, std::int32_t* logits, std::int8_t* result,
               std::int32_t* loss, int inputs, int outputs, int log2_batch, int planes, int shift,
               int bias_exponent, std::uint32_t seed, std::uint32_t purpose, std::uint32_t step,
               std::uint32_t* build_id);

void shift_gradient_top(const std::int8_t* weights8, const std::int16_t* weights16,
                        std::int8_t* updated8, std::int16_t* updated16, std::uint64_t* sign,
                        std::uint64_t* mask, const std::int8_t* x, const std::int8_t* deltas,
                        int master_bits, int inputs, int outputs, int log2_batch, int shift,
                        int binary, int sharpness, std::uint32_t seed, std::uint32_t code_purpose,
                        std::uint32_t weight_purpose, std::uint32_t step, std::uint32_t* build_id);

}  // extern "C"
