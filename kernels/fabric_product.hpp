// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The fabric's product array: 512 additions a cycle. How many fit: docs/hardware/estimate.md.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"

namespace fewmult {

// Its blocks are plain arrays, whose last dimensions are what a cycle touches: who declares one
// partitions these completely, and no bank depends on an address.
struct ProductArray {
  static constexpr int kRows = 128;          // units whose sums stay on chip during a product
  static constexpr int kLog2PanelWords = 0;  // word columns of inputs in one block of a product
  static constexpr int kPanelWords = 1 << kLog2PanelWords;
  static constexpr int kLog2Lanes = 5;  // examples a cycle
  static constexpr int kLanes = 1 << kLog2Lanes;
  static constexpr int kLog2Inputs = 4;  // inputs a cycle: 16 x 32 = 512 additions
  static constexpr int kInputs = 1 << kLog2Inputs;
  static constexpr int kLog2Groups = kLog2Lanes - kLog2PortBytes;  // words of examples a cycle
  static constexpr int kGroups = 1 << kLog2Groups;
  static constexpr int kSweeps = kMaxBatch / kLanes;  // cycles of a whole batch

  static_assert(kWordBits % kInputs == 0, "a packed word is a whole number of product cycles");
  static_assert(kInputs >= 16, "a fold is as long as its DEPENDENCE pragma claims");
  static_assert(kRows % kWordBits == 0, "a transposed tile is a whole number of packed words");
  static_assert(kMaxBatch % kLanes == 0, "a row of sums is a whole number of product cycles");
  static_assert(kInputs <= INT16_MAX / (kActivationMax + 1), "one cycle's sum fits 16 bits");

  // 64 units over the batch: the operand of one block of a product.
  using Panel = Word[kWordBits][kSweeps][kGroups];

  // The sums of a product's tile; those beyond a short batch are zero, up to kLanes.
  using Sums = std::int32_t[kRows][kSweeps][kGroups][kPortBytes];

  // Where eight examples of a unit are: `word` of all words of some units.
  struct Eight {
    int row;
    int sweep;
    int group;
  };

  static Eight eight_of(int word, int log2_words) {
#pragma HLS INLINE
    const int at = word & ((1 << log2_words) - 1);
    return {word >> log2_words, at >> kLog2Groups, at & (kGroups - 1)};
  }

  static void clear(Sums& sums, int rows, int batch) {
    const int log2_sweeps = log2_of_rows(batch, kLog2Lanes) - kLog2Lanes;
    for (int word = 0; word < rows << log2_sweeps; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2048
      const int sweep = word & ((1 << log2_sweeps) - 1);
      for (int group = 0; group < kGroups; ++group) {
#pragma HLS UNROLL
        for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
          sums[word >> log2_sweeps][sweep][group][k] = 0;
        }
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
#pragma HLS DEPENDENCE variable = sums inter false
      const int sweep = word & ((1 << log2_sweeps) - 1);
      for (int group = 0; group < kGroups; ++group) {
#pragma HLS UNROLL
        for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
          std::int32_t& z = sums[word >> log2_sweeps][sweep][group][k];
          z = shift_left(z, 1);
        }
      }
    }
  }

  // Some rows of [row][example] to those of the block from `first` on, over a whole sweep.
  static void load_panel(Panel& panel, int first, const Word* source, int rows, int log2_batch) {
#pragma HLS INLINE off
    const int log2_words = log2_batch - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      const Eight at = eight_of(word, log2_words);
      panel[first + at.row][at.sweep][at.group] = source[word];
    }
  }

  // Zeros in their place.
  static void clear_panel(Panel& panel, int first, int rows, int log2_batch) {
    const int log2_words = larger(log2_batch, kLog2Lanes) - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      const Eight at = eight_of(word, log2_words);
      panel[first + at.row][at.sweep][at.group] = 0;
    }
  }

  // Whether loads leave something of a block as it was: of a short batch, a part of each row.
  static bool is_full(int rows, int log2_batch) {
    return rows == kWordBits && log2_batch >= kLog2Lanes;
  }

  // sums[row] += sum over 64 inputs of +x, -x or 0, as the packed words say: row's own word, or,
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
  static void accumulate(Sums& sums, const Panel& panel, const Word (&signs)[kPanelWords][kRows],
                         const Word (&masks)[kPanelWords][kRows], int /*columns*/, int rows,
                         int batch, bool transposed) {
    std::int16_t x[kInputs][kLanes];
    std::int16_t next[kInputs][kLanes];
    Word held_sign[kInputs];
    Word held_mask[kInputs];
    Word next_sign[kInputs];
    Word next_mask[kInputs];
#pragma HLS ARRAY_PARTITION variable = x complete dim = 0
#pragma HLS ARRAY_PARTITION variable = next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = held_sign complete
#pragma HLS ARRAY_PARTITION variable = held_mask complete
#pragma HLS ARRAY_PARTITION variable = next_sign complete
#pragma HLS ARRAY_PARTITION variable = next_mask complete
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS PIPELINE II = 1
      take_bytes(next[input], panel[input][0]);
      next_sign[input] = signs[0][input];
      next_mask[input] = masks[0][input];
    }
    const int log2_folds = log2_of_rows(batch, kLog2Lanes) - kLog2Lanes + kLog2Parts;
    const int log2_rows = log2_of_rows(rows, kLog2Inputs);
    const int log2_turn = smaller(log2_rows, 6);  // rows whose bits are in the same words
    for (int cycle = 0; cycle < 1 << log2_folds << log2_rows; ++cycle) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 64 max = 4096
// A row comes back only in the next fold, 16 cycles later or more.
#pragma HLS DEPENDENCE variable = sums inter RAW distance = 16 true
      const int last_row = (1 << log2_rows) - 1;
      const int row = cycle & last_row;
      const int fold = cycle >> log2_rows;
      if (row == 0) copy(x, next);
      if (row < kInputs && fold + 1 < 1 << log2_folds) {
        take_bytes(next[row], panel[part_of(fold + 1) + row][sweep_of(fold + 1)]);
      }
      // Of the rows of the next turn, the word of input `in_turn`.
      const int in_turn = cycle & ((1 << log2_turn) - 1);
      const int turn = ((cycle >> log2_turn) + 1) << log2_turn;
      const int word = ((turn & last_row) >> 6 << 6) + part_of(turn >> log2_rows) + in_turn;
      if (in_turn == 0) copy(held_sign, next_sign);
      if (in_turn == 0) copy(held_mask, next_mask);
      const bool ahead = in_turn < kInputs;
      const int at = transposed ? (ahead ? word : 0) : (row < rows ? row : 0);
      const Word sign = signs[0][at];
      const Word mask = masks[0][at];
      if (ahead) {
        next_sign[in_turn] = sign;
        next_mask[in_turn] = mask;
      }
      if (row < rows) {
        accumulate_row(sums[row][sweep_of(fold)], x,
                       transposed ? bit_of(held_sign, row) : sign >> part_of(fold),
                       transposed ? bit_of(held_mask, row) : mask >> part_of(fold));
      }
    }
  }

  // The sums of some units from memory, or to it, as [unit][example], two in a word.

  static void load_sums(Sums& sums, const Word* z, int rows, int log2_batch) {
#pragma HLS INLINE off
    const int log2_pairs = log2_batch - 1;
    for (int pair = 0; pair < rows << log2_pairs; ++pair) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 8 max = 16384
      const Word two = z[pair];
      const Eight at = eight_of(pair >> 2, log2_pairs - 2);
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        if (k >> 1 == (pair & 3)) sums[at.row][at.sweep][at.group][k] = number_in(two, k & 1);
      }
    }
  }

  static void store_sums(Word* z, const Sums& sums, int rows, int log2_batch) {
#pragma HLS INLINE off
    const int log2_pairs = log2_batch - 1;
    for (int pair = 0; pair < rows << log2_pairs; ++pair) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 8 max = 16384
      const Eight at = eight_of(pair >> 2, log2_pairs - 2);
      const int first = (pair & 3) << 1;
      z[pair] = number_at(sums[at.row][at.sweep][at.group][first], 0) |
                number_at(sums[at.row][at.sweep][at.group][first + 1], 1);
    }
  }

 private:
  // The examples of a fold, and its first input.
  static constexpr int kLog2Parts = 6 - kLog2Inputs;
  static int sweep_of(int fold) { return fold >> kLog2Parts; }
  static int part_of(int fold) { return (fold & ((1 << kLog2Parts) - 1)) << kLog2Inputs; }

  static void copy(Word (&held)[kInputs], const Word (&from)[kInputs]) {
#pragma HLS INLINE
    for (int input = 0; input < kInputs; ++input) {
#pragma HLS UNROLL
      held[input] = from[input];
    }
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

  static void accumulate_row(std::int32_t (&z)[kGroups][kPortBytes],
                             const std::int16_t (&x)[kInputs][kLanes], Word sign, Word mask) {
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
    for (int group = 0; group < kGroups; ++group) {
      for (int k = 0; k < kPortBytes; ++k) {
        z[group][k] += sum[(group << kLog2PortBytes) + k] + minus;
      }
    }
  }
};

}  // namespace fewmult
