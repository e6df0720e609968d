// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels at one instruction set level: a table of functions on plain pointers and numbers.
// Each level is compiled in a unit of its own, with its own compiler flags; nothing but these
// tables crosses between them.
#pragma once

#include <cstdint>

namespace fewmult_bindings {

// A share of a sampling: the arguments of sample_weights_top, and which outputs.
struct SampleCall {
  const std::int8_t* weights8;
  const std::int16_t* weights16;
  std::uint64_t* sign;
  std::uint64_t* mask;
  int master_bits;
  int inputs;
  int outputs;
  bool binary;
  int sharpness;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

// A share of a pass: the arguments of layer_top, and which units. With `z` the sums are written
// out there and nothing stands behind the product; with `sums` they are read instead of computed.
struct LayerCall {
  int pass;
  const std::int8_t* source;
  const std::uint64_t* sign;
  const std::uint64_t* mask;
  const std::int8_t* gate;
  const std::uint8_t* labels;
  std::int32_t* bias;
  std::int32_t* mean;
  std::int32_t* logits;
  std::int8_t* result;
  std::int32_t* loss;
  int inputs;
  int outputs;
  int first_unit;
  int end_unit;
  int log2_batch;
  int planes;
  int shift;
  int bias_exponent;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

// A share of a product whose sums are written out.
struct ProductCall {
  const std::int8_t* source;
  const std::uint64_t* sign;
  const std::uint64_t* mask;
  std::int32_t* z;
  bool transposed;
  int inputs;
  int outputs;
  int first_unit;
  int end_unit;
  int log2_batch;
  int planes;
};

// A share of a gradient with its update: the arguments of shift_gradient_top, and which outputs.
struct GradientCall {
  std::int8_t* weights8;
  std::int16_t* weights16;
  std::uint64_t* sign;
  std::uint64_t* mask;
  const std::int8_t* x;
  const std::int8_t* deltas;
  int master_bits;
  int inputs;
  int outputs;
  int first_output;
  int end_output;
  int log2_batch;
  int shift;
  bool binary;
  int sharpness;
  std::uint32_t seed;
  std::uint32_t code_purpose;
  std::uint32_t weight_purpose;
  std::uint32_t step;
};

struct Level {
  const char* name;
  void (*sample_weights)(const SampleCall&);
  void (*binary_matmul)(const ProductCall&);
  void (*normalize)(const LayerCall&, const std::int32_t* sums);
  void (*layer)(const LayerCall&);
  void (*shift_gradient)(const GradientCall&);
  // The instructions of a product and of a gradient on registers alone, `loops` times; returns
  // how many multiply-accumulates they stand for. Null for a level whose instructions are the
  // compiler's choice.
  std::int64_t (*product_peak)(std::int64_t loops);
  std::int64_t (*gradient_peak)(std::int64_t loops);
};

}  // namespace fewmult_bindings
