// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of layers at places, as those of kernels/calls.hpp: fields are those of the records in
// contract/calls.py, in their order. No fabric has them, so arrays are of elements, not of words.
#pragma once

#include "kernels/calls.hpp"

namespace fewmult_calls {

// A layer whose weights are applied at places (section 14). As Layer; but source, gate and result
// have a row for each place and channel, mean a number for each of these rows, and bias one for
// each channel of result.
struct Convolution {
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
  int log2_batch;
  int planes;
  int shift;
  int bias_exponent;
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
  int channels;  // of the image that enters the layer: inputs are taps times channels
  int rows;      // of its places
  int columns;
  int tap_rows;  // of the window
  int tap_columns;
  int stride;         // 1 or 2
  int padded;         // whether zeros stand around the image
  int signed_inputs;  // of a perturbing pass: whether what it moves may be negative
};

// The gradient of shared weights over all places; x has a row for each place and channel of the
// image that enters, deltas one for each place and output.
struct ConvolutionGradient {
  std::int8_t* weights8;  // updated in place: those that master_bits names, the others are null
  std::int16_t* weights16;
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
  int channels;  // of the image that enters the layer: inputs are taps times channels
  int rows;      // of its places
  int columns;
  int tap_rows;  // of the window
  int tap_columns;
  int stride;         // 1 or 2
  int padded;         // whether zeros stand around the image
  int signed_inputs;  // whether x may be negative
};

// The largest of square windows side by side; on the way back, deltas of x.
struct Pool {
  const std::int8_t* x;  // [place][channel]
  std::int8_t* pooled;   // [window][channel]; written, and on the way back read
  const std::int8_t* deltas;
  std::int8_t* result;
  int back;
  int channels;
  int rows;
  int columns;
  int size;  // rows and columns of a window
  int log2_batch;
};

}  // namespace fewmult_calls
