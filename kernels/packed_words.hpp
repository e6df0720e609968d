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

template <int kRows>
struct PackedRows {
  Word sign[kRows];
  Word mask[kRows];
};

template <int kRows>
inline void load_rows(PackedRows<kRows>& words, const Word* sign, const Word* mask, int rows) {
  for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
    words.sign[row] = sign[row];
    words.mask[row] = mask[row];
  }
}

// Bit i of word k becomes bit k of word i: a network of exchanges, each half the size of the last.
inline void transpose_bits(Word (&block)[kWordBits]) {
#pragma HLS INLINE
  Word low = 0x00000000FFFFFFFFU;
  for (int log2_span = 5; log2_span >= 0; --log2_span) {
#pragma HLS UNROLL
    const int span = 1 << log2_span;
    for (int pair = 0; pair < kWordBits / 2; ++pair) {
#pragma HLS UNROLL
      const int upper = (pair >> log2_span << (log2_span + 1)) + (pair & (span - 1));
      const Word exchange = (block[upper] >> span ^ block[upper + span]) & low;
      block[upper] ^= exchange << span;
      block[upper + span] ^= exchange;
    }
    low ^= low << (span >> 1);
  }
}

// The words of 64 inputs and up to 64 outputs, turned: row `first` + i then holds input i's
// weights, bit k for output k. Outputs that are not there count as zero weights.
template <int kRows>
inline void load_rows_transposed(PackedRows<kRows>& words, int first, const Word* sign,
                                 const Word* mask, int outputs) {
  Word sign_block[kWordBits];
  Word mask_block[kWordBits];
#pragma HLS ARRAY_PARTITION variable = sign_block complete
#pragma HLS ARRAY_PARTITION variable = mask_block complete
  for (int output = 0; output < kWordBits; ++output) {
#pragma HLS PIPELINE II = 1
    sign_block[output] = output < outputs ? sign[output] : 0;
    mask_block[output] = output < outputs ? mask[output] : 0;
  }
  transpose_bits(sign_block);
  transpose_bits(mask_block);
  for (int input = 0; input < kWordBits; ++input) {
#pragma HLS PIPELINE II = 1
    words.sign[first + input] = sign_block[input];
    words.mask[first + input] = mask_block[input];
  }
}

}  // namespace fewmult
