// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of kernels: a record a kernel, whose fields are the arguments of its top, in their order
// (without build_id). Arrays lie in memory as docs/arithmetic.md, section 9, says, and are taken in
// 64-bit words, the first element lowest; an odd number of 32-bit numbers fills half of its last
// word, whose other half is nobody's. The namespace is one that no level renames: these records
// cross between levels.
#pragma once

#include <cstdint>

namespace fewmult_calls {

// Units, or outputs, that are computed: all in the fabric, a share of them by one of several
// threads of a host. Sign and mask of a product's call then point to the first unit's words.
struct Share {
  int first;
  int end;
};

struct SampleWeights {
  const std::uint64_t* weights;  // s8 or s16, as master_bits says: [word column][output][64]
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
  const std::uint64_t* source;  // s8: [unit][example]
  const std::uint64_t* sign;
  const std::uint64_t* mask;
  std::uint64_t* z;  // s32: [unit][example]
  int transposed;
  int inputs;
  int outputs;
  int log2_batch;
  int planes;
};

// Which arrays and numbers a pass touches: fabric_finish.hpp; the others may be null.
struct Normalize {
  int pass;
  const std::uint64_t* z;       // s32: [unit][example]
  const std::uint64_t* gate;    // u7: [unit][example]
  const std::uint64_t* labels;  // u8: [example]
  std::uint64_t* bias;          // s32: [unit]
  std::uint64_t* mean;          // s32: [unit]
  std::uint64_t* logits;        // s32: [unit][example]
  std::uint64_t* result;        // s8: [unit][example]
  std::uint64_t* loss;          // s32: one number
  int units;
  int log2_batch;
  int shift;
  int bias_exponent;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

// Rows of units lie as [place][unit]: there are many of them where a window lies at many places
// (section 14), and the numbers of a bias are those of one place.
struct Layer {
  int pass;
  const std::uint64_t* source;  // s8: activations [inputs], sending back: deltas [outputs]
  const std::uint64_t* sign;    // [planes][word column][output]
  const std::uint64_t* mask;
  const std::uint64_t* gate;    // u7, sending back: activations [inputs]
  const std::uint64_t* labels;  // u8, output: [example]
  std::uint64_t* bias;    // s32: [outputs], backward: of the layer before [inputs]; not perturb
  std::uint64_t* mean;    // s32, hidden: [outputs]
  std::uint64_t* logits;  // s32, output: [outputs]
  std::uint64_t* result;  // s8: activations or deltas: [outputs], sending back: [inputs]
  std::uint64_t* loss;    // s32, output: one number
  int inputs;
  int outputs;
  int log2_batch;
  int planes;         // of the packed weights: 1, or 7 to evaluate 8-bit weights
  int shift;          // forward: of the sums; backward: of the deltas; perturb: of the step
  int bias_exponent;  // of the bias step
  std::uint32_t seed;
  std::uint32_t purpose;  // draws of the deltas' rounding
  std::uint32_t step;
  int channels;  // of the image that enters; inputs are taps times channels
  int rows;      // of its places: a layer that is not applied at places has one
  int columns;
  int tap_rows;  // of the window
  int tap_columns;
  int stride;         // 1 or 2
  int padded;         // whether zeros stand around the image
  int signed_inputs;  // of a perturbing pass: whether what it moves may be negative
};

// What is updated may take the place of what it was.
struct ShiftGradient {
  const std::uint64_t* weights;  // s8 or s16, as master_bits says: [word column][output][64]
  std::uint64_t* updated;
  std::uint64_t* sign;
  std::uint64_t* mask;
  const std::uint64_t* x;       // u7: [input][example]
  const std::uint64_t* deltas;  // s8: [output][example]
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
  int channels;  // of the image that enters; inputs are taps times channels
  int rows;      // of its places: a layer that is not applied at places has one
  int columns;
  int tap_rows;  // of the window
  int tap_columns;
  int stride;         // 1 or 2
  int padded;         // whether zeros stand around the image
  int signed_inputs;  // whether x may be negative
};

// The largest of square windows side by side; on the way back, deltas of x.
struct Pool {
  const std::uint64_t* x;       // s8 [place][channel]
  std::uint64_t* pooled;        // s8 [window][channel]; written, and on the way back read
  const std::uint64_t* deltas;  // s8 [window][channel]
  std::uint64_t* result;        // s8 [place][channel]
  int back;
  int channels;
  int rows;
  int columns;
  int size;  // rows and columns of a window
  int log2_batch;
};

}  // namespace fewmult_calls
