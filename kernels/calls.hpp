// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of kernels: a record a kernel, whose fields are the arguments of its top, in their order
// (without build_id). Arrays lie as docs/arithmetic.md, section 9, says. The namespace is one that
// no level renames: these records cross between levels.
#pragma once

#include <cstdint>

namespace fewmult_calls {

// Units, or outputs, that are computed: all in the fabric, a share of them by one of several
// threads of a host. Sign and mask of a product's call then point to the first unit's words.
struct Share {
  int first;
  int end;
};

// Of weights8 and weights16, only the one that master_bits names is touched.
struct SampleWeights {
  const std::int8_t* weights8;
  const std::int16_t* weights16;
  std::uint64_t* sign;
  std::uint64_t* mask;
  int master_bits;
  int inputs;
  int outputs;
  int binary;
  int sharpness;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

struct BinaryMatmul {
  const std::int8_t* source;
  const std::uint64_t* sign;
  const std::uint64_t* mask;
  std::int32_t* z;
  int transposed;
  int inputs;
  int outputs;
  int log2_batch;
  int planes;
};

// Which arrays and numbers a pass touches: finish_unit.hpp; the others may be null.
struct Normalize {
  int pass;
  const std::int32_t* z;
  const std::int8_t* gate;
  const std::uint8_t* labels;
  std::int32_t* bias;
  std::int32_t* mean;
  std::int32_t* logits;
  std::int8_t* result;
  std::int32_t* loss;
  int units;
  int log2_batch;
  int shift;
  int bias_exponent;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

struct Layer {
  int pass;
  const std::int8_t* source;  // activations [inputs], sending back: deltas [outputs]
  const std::uint64_t* sign;  // [planes][word column][output]
  const std::uint64_t* mask;
  const std::int8_t* gate;     // sending back: activations [inputs]
  const std::uint8_t* labels;  // output: [example]
  std::int32_t* bias;          // [outputs], backward: of the layer before [inputs]; not perturb
  std::int32_t* mean;          // hidden: [outputs]
  std::int32_t* logits;        // output: [outputs]
  std::int8_t* result;         // activations or deltas: [outputs], sending back: [inputs]
  std::int32_t* loss;          // output: one number
  int inputs;
  int outputs;
  int log2_batch;
  int planes;         // of the packed weights: 1, or 7 to evaluate 8-bit weights
  int shift;          // forward: of the sums; backward: of the deltas; perturb: of the step
  int bias_exponent;  // of the bias step
  std::uint32_t seed;
  std::uint32_t purpose;  // draws of the deltas' rounding
  std::uint32_t step;
};

// Of the weights and the updated ones, only those that master_bits names are touched; what is
// updated may take the place of what it was.
struct ShiftGradient {
  const std::int8_t* weights8;
  const std::int16_t* weights16;
  std::int8_t* updated8;
  std::int16_t* updated16;
  std::uint64_t* sign;
  std::uint64_t* mask;
  const std::int8_t* x;
  const std::int8_t* deltas;
  int master_bits;
  int inputs;
  int outputs;
  int log2_batch;
  int shift;
  int binary;
  int sharpness;
  std::uint32_t seed;
  std::uint32_t code_purpose;
  std::uint32_t weight_purpose;
  std::uint32_t step;
};

}  // namespace fewmult_calls
