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

// Bursts of the words of a column: signs or masks, each alone.

// To row `first` and those after it.
template <int kRows>
inline void load_rows(Word (&words)[kRows], int first, const Word* source, int rows) {
#pragma HLS INLINE off
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    words[first + row] = source[row];
  }
}

// Words whose bits begin in the middle of memory's: the upper ones of a word become the lower ones,

template <int kRows>
inline void load_upper(Word (&words)[kRows], int first, const Word* source, int rows, int bit) {
#pragma HLS INLINE off
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
    words[first + row] = source[row] >> bit;
  }
}

// and the lower ones of the word of the next column follow.
template <int kRows>
inline void add_lower(Word (&words)[kRows], int first, const Word* source, int rows, int bit) {
#pragma HLS INLINE off
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
// A word is met once.
#pragma HLS DEPENDENCE variable = words inter false
    words[first + row] |= source[row] << (kWordBits - bit);
  }
}

template <int kRows>
inline void store_rows(Word* result, const Word (&words)[kRows], int rows) {
#pragma HLS INLINE off
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    result[row] = words[row];
  }
}

}  // namespace fewmult
