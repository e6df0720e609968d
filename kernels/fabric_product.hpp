// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The fabric's product array: 512 additions a cycle. How many fit: docs/hardware/estimate.md.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"

namespace fewmult {

struct ProductArray {
  static constexpr int kRows = 128;          // units whose sums stay on chip during a product
  static constexpr int kLog2PanelWords = 0;  // word columns of inputs in one block of a product
  static constexpr int kPanelWords = 1 << kLog2PanelWords;
  static constexpr int kLog2Lanes = 5;  // examples a cycle
  static constexpr int kLanes = 1 << kLog2Lanes;
  static constexpr int kLog2Inputs = 4;  // inputs a cycle: 16 x 32 = 512 additions
  static constexpr int kInputs = 1 << kLog2Inputs;

  static_assert(kWordBits % kInputs == 0, "a packed word is a whole number of product cycles");
  static_assert(kInputs >= 16, "a fold is as long as its DEPENDENCE pragma claims");
  static_assert(kRows % kWordBits == 0, "a transposed tile is a whole number of packed words");
  static_assert(kMaxBatch % kLanes == 0, "a row of sums is a whole number of product cycles");
  static_assert(kInputs <= INT16_MAX / (kActivationMax + 1), "one cycle's sum fits 16 bits");

  // 64 units over the batch: the operand of one block of a product.
  struct Panel {
    Word eight[kWordBits][kBatchWords];
  };

  // The sums of a product's tile; those beyond a short batch are zero, up to kLanes.
  struct Sums {
    std::int32_t z[kRows][kMaxBatch];
  };

  // The sums of a row over the batch. Rows are asked for in their order, and until the next one.
  static const std::int32_t* row_of(Sums& sums, int row, int /*batch*/) { return sums.z[row]; }

  static void clear(Sums& sums, int rows, int batch) {
    const int log2_sweeps = log2_of_rows(batch, kLog2Lanes) - kLog2Lanes;
    for (int word = 0; word < rows << log2_sweeps; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2048
      const int first = (word & ((1 << log2_sweeps) - 1)) << kLog2Lanes;
      for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        sums.z[word >> log2_sweeps][first + lane] = 0;
      }
    }
  }

  // Doubles every sum: the step of Horner's rule between the planes of a multi-bit weight.
  static void twice(Sums& sums, int rows, int batch) {
    const int log2_sweeps = log2_of_rows(batch, kLog2Lanes) - kLog2Lanes;
    for (int word = 0; word < rows << log2_sweeps; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2048
// A sum is met once.
#pragma HLS DEPENDENCE variable = sums.z inter false
      const int first = (word & ((1 << log2_sweeps) - 1)) << kLog2Lanes;
      for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        std::int32_t& z = sums.z[word >> log2_sweeps][first + lane];
        z = shift_left(z, 1);
      }
    }
  }

  // Reads `units` rows of [unit][example], eight a cycle, as wide as the port is; the rest
  // of the block, and of a short batch, is zero.
  static void load(Panel& panel, int /*k*/, const std::int8_t* source, int units, int log2_batch) {
    const int log2_words = log2_batch - kLog2PortBytes;
    const int last = (1 << log2_words) - 1;
    if (units < kWordBits || log2_batch < kLog2Lanes) clear_panel(panel, log2_batch);
    for (int word = 0; word < units << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      panel.eight[word >> log2_words][word & last] = port_word(source + (word << kLog2PortBytes));
    }
  }

  // The words of 64 inputs and up to 64 outputs: each holds a bit of every row. They are turned
  // only where they meet the array. Outputs that are not there meet deltas that are zero.
  static void load_transposed(PackedRows<kRows>& words, int first, const Word* sign,
                              const Word* mask, int outputs) {
    load_rows(words, first, sign, mask, outputs);
  }

  // sums[row][b] += sum over 64 inputs of +x, -x or 0, as the packed words say: row's own word, or,
  // transposed, a bit of each input's.
  // The array takes a block in folds: for some examples, one part of the inputs after another. In a
  // fold the activations stand still in registers while the rows stream past, one a cycle; those of
  // the next fold are read meanwhile. -x is ~x + 1: the ones are counted per row instead of being
  // carried into every addition.
  //
  // 128 rows, a batch of 128 (i: inputs of the block, b: examples, r: rows):
  //
  //            before | fold 0                     | fold 1              | fold 15
  //   cycle    16 of  | 0 .. 15  16 ..  64 .. 127  | 128 ..   192 .. 255 | 1920 .. 2047
  //   x holds         | i 0-15, b 0-31             | i 16-31, b 0-31     | i 48-63, b 96-127
  //   adds            | r 0 ..          .. r 127   | r 0 ..   .. r 127   | r 0 .. r 127
  //   loads x  fold 0 | fold 1   -      -          | fold 2   -          | -
  //   loads words, each a row's own, one a cycle:
  //            -      | r 0 ..          .. r 127   | r 0 ..   .. r 127   | r 0 .. r 127
  //   loads words, transposed, each an input's, with a bit of 64 rows, in 16 cycles:
  //            r 0-63 | r 64-127 -      r 0-63 of  | r 64-127 r 0-63 of  | r 64-127
  //                   |                 fold 1     |          fold 2     |
  //
  // That is 16 + 16 * 128 cycles for 64 * 128 * 128 additions: 512 a cycle. Of fewer rows than 16
  // a fold takes 16 cycles all the same, and of other numbers the next power of two.
  static void accumulate(Sums& sums, const Panel& panel,
                         const PackedRows<kRows> (&words)[kPanelWords], int /*columns*/, int rows,
                         int batch, bool transposed) {
#pragma HLS ARRAY_PARTITION variable = sums.z cyclic factor = kLanes dim = 2
#pragma HLS ARRAY_PARTITION variable = panel.eight cyclic factor = 4 dim = 2
    std::int16_t x[kInputs][kLanes];
    std::int16_t next[kInputs][kLanes];
    HeldWords held;
    HeldWords next_held;
#pragma HLS ARRAY_PARTITION variable = x complete dim = 0
#pragma HLS ARRAY_PARTITION variable = next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = held.sign complete
#pragma HLS ARRAY_PARTITION variable = held.mask complete
#pragma HLS ARRAY_PARTITION variable = next_held.sign complete
#pragma HLS ARRAY_PARTITION variable = next_held.mask complete
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS PIPELINE II = 1
      take_bytes(next[input], panel.eight[input]);
      next_held.sign[input] = words[0].sign[input];
      next_held.mask[input] = words[0].mask[input];
    }
    const int log2_folds = log2_of_rows(batch, kLog2Lanes) - kLog2Lanes + kLog2Parts;
    const int log2_rows = log2_of_rows(rows, kLog2Inputs);
    const int log2_turn = smaller(log2_rows, 6);  // rows whose bits are in the same words
    for (int cycle = 0; cycle < 1 << log2_folds << log2_rows; ++cycle) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 64 max = 4096
// A row comes back only in the next fold, 16 cycles later or more.
#pragma HLS DEPENDENCE variable = sums.z inter RAW distance = 16 true
      const int last_row = (1 << log2_rows) - 1;
      const int row = cycle & last_row;
      const int fold = cycle >> log2_rows;
      if (row == 0) copy(x, next);
      if (row < kInputs && fold + 1 < 1 << log2_folds) {
        take_bytes(next[row],
                   panel.eight[part_of(fold + 1) + row] + (first_of(fold + 1) >> kLog2PortBytes));
      }
      // Of the rows of the next turn, the word of input `in_turn`.
      const int in_turn = cycle & ((1 << log2_turn) - 1);
      const int turn = ((cycle >> log2_turn) + 1) << log2_turn;
      const int word = ((turn & last_row) >> 6 << 6) + part_of(turn >> log2_rows) + in_turn;
      if (in_turn == 0) copy(held, next_held);
      const bool ahead = in_turn < kInputs;
      const int at = transposed ? (ahead ? word : 0) : (row < rows ? row : 0);
      const Word sign = words[0].sign[at];
      const Word mask = words[0].mask[at];
      if (ahead) {
        next_held.sign[in_turn] = sign;
        next_held.mask[in_turn] = mask;
      }
      if (row < rows) {
        accumulate_row(sums.z[row] + first_of(fold), x,
                       transposed ? bit_of(held.sign, row) : sign >> part_of(fold),
                       transposed ? bit_of(held.mask, row) : mask >> part_of(fold));
      }
    }
  }

 private:
  // The first example of a fold, and the first input.
  static constexpr int kLog2Parts = 6 - kLog2Inputs;
  static int first_of(int fold) { return fold >> kLog2Parts << kLog2Lanes; }
  static int part_of(int fold) { return (fold & ((1 << kLog2Parts) - 1)) << kLog2Inputs; }

  static void clear_panel(Panel& panel, int log2_batch) {
    const int log2_words = larger(log2_batch, kLog2Lanes) - kLog2PortBytes;
    const int last = (1 << log2_words) - 1;
    for (int word = 0; word < kWordBits << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 256 max = 2048
      panel.eight[word >> log2_words][word & last] = 0;
    }
  }

  // The words of a part's inputs.
  struct HeldWords {
    Word sign[kInputs];
    Word mask[kInputs];
  };

  static void copy(HeldWords& held, const HeldWords& from) {
#pragma HLS INLINE
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS UNROLL
      held.sign[input] = from.sign[input];
      held.mask[input] = from.mask[input];
    }
  }

  // The bits of a row, one of each input's word.
  static Word bit_of(const Word (&words)[kInputs], int row) {
#pragma HLS INLINE
    Word bits = 0;
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS UNROLL
      bits |= (words[input] >> (row & 63) & 1U) << input;
    }
    return bits;
  }

  static void copy(std::int16_t (&x)[kInputs][kLanes],
                   const std::int16_t (&from)[kInputs][kLanes]) {
#pragma HLS INLINE
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS UNROLL
      for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        x[input][lane] = from[input][lane];
      }
    }
  }

  static void accumulate_row(std::int32_t* z, const std::int16_t (&x)[kInputs][kLanes], Word sign,
                             Word mask) {
#pragma HLS INLINE
    std::int16_t sum[kLanes];
#pragma HLS ARRAY_PARTITION variable = sum complete
    for (int lane = 0; lane < kLanes; ++lane) sum[lane] = 0;
    int minus = 0;
    for (int input = 0; input < kInputs; ++input) {
      const int keep = -static_cast<int>(mask >> input & 1);
      const int flip = -static_cast<int>(sign >> input & 1);
      minus -= flip;
      for (int lane = 0; lane < kLanes; ++lane) {
        sum[lane] = static_cast<std::int16_t>(sum[lane] + ((x[input][lane] & keep) ^ flip));
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) z[lane] += sum[lane] + minus;
  }
};

}  // namespace fewmult
