// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Sampled weights, packed: for 64 inputs of an output, a word of signs (1 = minus) and a word of
// masks (1 = not zero). A sign is 0 wherever its mask is 0. In memory the words lie as
// [plane][word column][output], so that a tile of outputs and a block of outputs are both one
// burst.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

inline int word_columns(int inputs) { return (inputs + kWordBits - 1) >> 6; }

// The packed words of a constant number of word columns: a compiler makes a product of a sum whose
// number of terms it does not know, and a shift of this one.
template <int kColumns>
inline int words_of_columns(int outputs) {
  int words = 0;
  for (int k = 0; k < kColumns; ++k) words += outputs;
  return words;
}

constexpr int kMaxColumns = 1 << (kMaxLog2Width - 6);  // word columns of the widest layer

// Where each word column begins, and where the next plane does.
struct Columns {
  int first[kMaxColumns];
  int plane;
};

inline void find_columns(Columns& columns, int inputs, int outputs) {
  int at = 0;
  for (int column = 0; column < word_columns(inputs); ++column) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
    columns.first[column] = at;
    at += outputs;
  }
  columns.plane = at;
}

template <int kRows>
struct PackedRows {
  Word sign[kRows];
  Word mask[kRows];
};

// Rows `first` and those after it.
template <int kRows>
inline void load_rows(PackedRows<kRows>& words, int first, const Word* sign, const Word* mask,
                      int rows) {
  // One port brings both: two loops of one word a cycle are as fast as one of two, and are bursts.
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    words.sign[first + row] = sign[row];
  }
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    words.mask[first + row] = mask[row];
  }
}

template <int kRows>
inline void store_rows(Word* sign, Word* mask, const PackedRows<kRows>& words, int rows) {
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    sign[row] = words.sign[row];
  }
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    mask[row] = words.mask[row];
  }
}

}  // namespace fewmult
