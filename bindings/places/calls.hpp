// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of layers at places, as those of kernels/calls.hpp: fields are those of the records in
// contract/calls.py, in their order. No fabric has them, so arrays are of elements, not of words.
#pragma once

#include "kernels/calls.hpp"

namespace fewmult_calls {

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
