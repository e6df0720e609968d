// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The fabric's gradient array: 256 shifts and additions a cycle, and the update behind it, four
// weights a cycle, as wide as a port is for weights of 16 bits.
#pragma once

#include <cstddef>

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"
#include "kernels/power_of_two.hpp"
#include "kernels/threefry.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

struct GradientArray {
  static constexpr int kGradientRows = 128;  // outputs whose deltas stay on chip
  static constexpr int kLog2GradientInputs = 3;
  static constexpr int kGradientInputs = 1 << kLog2GradientInputs;
  static constexpr int kLog2GradientLanes = 5;
  static constexpr int kGradientLanes = 1 << kLog2GradientLanes;
  static constexpr int kQuads = kWordBits / 4;
  static constexpr int kFours = kGradientRows * kQuads;

  static_assert(kWordBits % kGradientInputs == 0, "a word column is a whole number of parts");
  static_assert(kGradientInputs >= 8, "a pass is as long as its DEPENDENCE pragma claims");
  static_assert(kMaxBatch % kGradientLanes == 0, "a batch is a whole number of cycles");

  // By how much each activation of 64 units shifts a delta, or kNothing for one that counts as
  // zero; eight examples lie in a word, four bits each.
  static constexpr int kNothing = 7;
  struct Codes {
    std::uint32_t eight[kWordBits][kBatchWords];
  };

  struct Deltas {
    Word eight[kGradientRows][kBatchWords];
  };

  // Of the outputs of a tile and the inputs of a word column, four inputs side by side.
  struct Gradient {
    std::int32_t g[kGradientRows][kQuads][4];
  };

  // Master weights in the order of memory, four in a word: what a port brings in a cycle. They pass
  // from process to process as streams.
  struct Weights {
    Word four[kFours];
  };

  using Samples = PackedRows<kGradientRows>;

  // The deltas of `rows` outputs, [output][example].
  static void load_deltas(Deltas& deltas, const std::int8_t* source, int rows, int log2_batch) {
    const int log2_words = log2_batch - kLog2PortBytes;
    const int last = (1 << log2_words) - 1;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      deltas.eight[word >> log2_words][word & last] = port_word(source + (word << kLog2PortBytes));
    }
  }

  // The codes of up to 64 units: x is [unit][example], `first_unit` the number of the first. A draw
  // has a byte for each of eight examples.
  static void encode(Codes& codes, const std::int8_t* x, int units, int first_unit, int log2_batch,
                     const Update& update) {
#pragma HLS ARRAY_PARTITION variable = codes.eight cyclic factor = 4 dim = 2
    const int log2_words = log2_batch - kLog2PortBytes;
    const int last = (1 << log2_words) - 1;
    if (units < kWordBits || log2_batch < kLog2GradientLanes) clear_codes(codes, log2_batch);
    const std::uint32_t first = static_cast<std::uint32_t>(first_unit) << log2_words;
    for (int word = 0; word < units << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      const Bits64 bits =
          threefry(update.code_key, first + static_cast<std::uint32_t>(word), update.step);
      std::uint32_t eight = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::uint32_t code =
            power_of_two_code(x[(word << kLog2PortBytes) + k], byte_of(bits, k));
        eight |= ((code - 1) & 7U) << (k << 2);
      }
      codes.eight[word >> log2_words][word & last] = eight;
    }
  }

  // g[row][input] = sum over the batch of delta << shift.
  // In a fold, the shifts of some inputs and examples stand still in registers while the rows'
  // deltas stream past; those of the next fold are read meanwhile.
  static void shift_accumulate(Gradient& gradient, const Codes& codes, const Deltas& deltas,
                               int rows, int log2_batch) {
#pragma HLS ARRAY_PARTITION variable = gradient.g cyclic factor = 4 dim = 2
#pragma HLS ARRAY_PARTITION variable = gradient.g complete dim = 3
#pragma HLS ARRAY_PARTITION variable = codes.eight cyclic factor = 4 dim = 2
#pragma HLS ARRAY_PARTITION variable = deltas.eight cyclic factor = 4 dim = 2
    std::int16_t shift[kGradientInputs][kGradientLanes];
    std::int16_t next[kGradientInputs][kGradientLanes];
#pragma HLS ARRAY_PARTITION variable = shift complete dim = 0
#pragma HLS ARRAY_PARTITION variable = next complete dim = 0
    for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS PIPELINE II = 1
      take_shifts(next[input], codes.eight[input]);
    }
    const int log2_sweeps = larger(log2_batch - kLog2GradientLanes, 0);
    const int log2_rows = log2_of_rows(rows, kLog2GradientInputs);
    const int log2_folds = log2_sweeps + 6 - kLog2GradientInputs;
    for (int cycle = 0; cycle < 1 << log2_folds << log2_rows; ++cycle) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 64 max = 4096
// A row comes back only in the next fold, 8 cycles later or more.
#pragma HLS DEPENDENCE variable = gradient.g inter RAW distance = 8 true
      const int row = cycle & ((1 << log2_rows) - 1);
      const Fold at = fold_of(cycle >> log2_rows, log2_sweeps);
      const Fold then = fold_of((cycle >> log2_rows) + 1, log2_sweeps);
      if (row == 0) copy(shift, next);
      if (row < kGradientInputs && then.part < kWordBits) {
        take_shifts(next[row], codes.eight[then.part + row] + then.word);
      }
      if (row < rows) {
        accumulate_row(gradient.g[row], at, shift, deltas.eight[row] + at.word);
      }
    }
  }

  // The weights of `rows` outputs and one word column, as they lie in memory.
  template <class Weight>
  static void load_weights(Weights& fours, const Weight* weights, int rows) {
    for (int four = 0; four < rows << 4; ++four) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 2048
      Word packed = 0;
      for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
        packed |= Word{static_cast<std::uint16_t>(weights[(four << 2) + k])} << (k << 4);
      }
      fours.four[four] = packed;
    }
  }

  template <class Weight>
  static void store_weights(Weight* weights, const Weights& fours, int rows) {
    for (int four = 0; four < rows << 4; ++four) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 2048
      const Word packed = fours.four[four];
      for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
        weights[(four << 2) + k] = static_cast<Weight>(packed >> (k << 4) & 0xFFFFU);
      }
    }
  }

  // Updates the weights of `rows` outputs and one word column, and samples them; `number` is that
  // of the first packed word.
  static void update(Samples& samples, Weights& updated, const Weights& weights,
                     const Gradient& gradient, int rows, std::uint32_t number, Word there,
                     int master_bits, const Update& update) {
    const WeightStep step = step_of(update);
    PackedWord packed = {0, 0};
    for (int four = 0; four < rows << 4; ++four) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 2048
      const int row = four >> 4;
      const int quad = four & (kQuads - 1);
      const Bits64 bits = threefry(
          update.weight_key, (number << 4) + static_cast<std::uint32_t>(four), update.step + 1);
      const Word old = weights.four[four];
      Word now = 0;
      packed.sign >>= 4;
      packed.mask >>= 4;
      for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
        const std::int32_t half = half_of(bits, k);
        const auto before = static_cast<std::int16_t>(old >> (k << 4) & 0xFFFFU);
        const std::int32_t weight =
            stepped_weight(before, gradient.g[row][quad][k], half, step, master_bits);
        const SampledWeight sampled = sample_weight(weight, half, update.sampling, master_bits);
        now |= Word{static_cast<std::uint16_t>(weight)} << (k << 4);
        packed.sign |= Word{sampled.minus} << (kWordBits - 4 + k);
        packed.mask |= Word{sampled.nonzero} << (kWordBits - 4 + k);
      }
      updated.four[four] = now;
      samples.sign[row] = packed.sign & there;  // the last one of a row stays
      samples.mask[row] = packed.mask & there;
    }
  }

 private:
  // Some inputs of a word column, and some words of examples.
  struct Fold {
    int part;
    int word;
    bool begins;  // the sums of these inputs
  };

  static Fold fold_of(int number, int log2_sweeps) {
    const int sweep = number & ((1 << log2_sweeps) - 1);
    return {number >> log2_sweeps << kLog2GradientInputs,
            sweep << (kLog2GradientLanes - kLog2PortBytes), sweep == 0};
  }

  static void clear_codes(Codes& codes, int log2_batch) {
    const int log2_words = larger(log2_batch, kLog2GradientLanes) - kLog2PortBytes;
    const int last = (1 << log2_words) - 1;
    for (int word = 0; word < kWordBits << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 256 max = 2048
      codes.eight[word >> log2_words][word & last] = 0x77777777U;  // kNothing
    }
  }

  // d << shift, or 0 for a shift of 7, in three shifts: what vectors of a CPU do as well.
  static std::int16_t shifted(std::int16_t d, std::int16_t shift) {
#pragma HLS INLINE
    std::int16_t v = d;
    v = (shift & 1) != 0 ? shifted_by<1>(v) : v;
    v = (shift & 2) != 0 ? shifted_by<2>(v) : v;
    v = (shift & 4) != 0 ? shifted_by<4>(v) : v;
    return shift == kNothing ? std::int16_t{0} : v;
  }
  template <int kShift>
  static std::int16_t shifted_by(std::int16_t v) {
    return static_cast<std::int16_t>(static_cast<std::uint16_t>(v) << kShift);
  }

  static void take_shifts(std::int16_t (&shift)[kGradientLanes], const std::uint32_t* eights) {
#pragma HLS INLINE
    for (int word = 0; word < kGradientLanes / 8; ++word) {
#pragma HLS UNROLL
      for (int k = 0; k < 8; ++k) {
#pragma HLS UNROLL
        shift[(word << 3) + k] = static_cast<std::int16_t>(eights[word] >> (k << 2) & 7U);
      }
    }
  }

  static void copy(std::int16_t (&shift)[kGradientInputs][kGradientLanes],
                   const std::int16_t (&from)[kGradientInputs][kGradientLanes]) {
#pragma HLS INLINE
    for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS UNROLL
      for (int lane = 0; lane < kGradientLanes; ++lane) {
#pragma HLS UNROLL
        shift[input][lane] = from[input][lane];
      }
    }
  }

  static void accumulate_row(std::int32_t (&g)[kQuads][4], Fold at,
                             const std::int16_t (&shift)[kGradientInputs][kGradientLanes],
                             const Word* eights) {
#pragma HLS INLINE
    std::int16_t d[kGradientLanes];
#pragma HLS ARRAY_PARTITION variable = d complete
    take_bytes(d, eights);
    for (int input = 0; input < kGradientInputs; ++input) {
      std::int32_t sum = 0;
      for (int lane = 0; lane < kGradientLanes; ++lane) sum += shifted(d[lane], shift[input][lane]);
      std::int32_t& total = g[(at.part >> 2) + (input >> 2)][input & 3];
      total = (at.begins ? 0 : total) + sum;
    }
  }
};

}  // namespace fewmult
