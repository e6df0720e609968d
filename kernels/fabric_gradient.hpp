// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The fabric's gradient array: 256 shifts and additions a cycle, and the update behind it, four
// weights a cycle, as wide as a port is for weights of 16 bits.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"
#include "kernels/power_of_two.hpp"
#include "kernels/threefry.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

// Its blocks are plain arrays, whose last dimensions are what a cycle touches: who declares one
// partitions these completely, and no bank depends on an address.
struct GradientArray {
  static constexpr int kLog2GradientRows = 7;
  static constexpr int kGradientRows = 128;  // outputs whose deltas stay on chip
  static constexpr int kLog2PlaceRows = 6;
  static constexpr int kPlaceRows = 64;  // the same at places, where deltas come and go
  static constexpr int kLog2GradientInputs = 3;
  static constexpr int kGradientInputs = 1 << kLog2GradientInputs;
  static constexpr int kLog2GradientLanes = 5;
  static constexpr int kGradientLanes = 1 << kLog2GradientLanes;
  static constexpr int kLog2GradientGroups = kLog2GradientLanes - kLog2PortBytes;
  static constexpr int kGradientGroups = 1 << kLog2GradientGroups;
  static constexpr int kGradientSweeps = kMaxBatch / kGradientLanes;
  static constexpr int kGradientParts = kWordBits / kGradientInputs;
  static constexpr int kPartQuads = kGradientInputs / 4;
  static constexpr int kLog2Quads = 4;
  static constexpr int kQuads = 1 << kLog2Quads;
  static constexpr int kFours = kGradientRows * kQuads;

  static_assert(kWordBits % kGradientInputs == 0, "a word column is a whole number of parts");
  static_assert(kGradientInputs >= 8, "a fold is as long as its DEPENDENCE pragma claims");
  static_assert(kMaxBatch % kGradientLanes == 0, "a batch is a whole number of cycles");
  static_assert(kQuads == kWordBits / 4, "a draw is for four weights");

  // By how much each activation of 64 units shifts a delta, or kNothing for one that counts as
  // zero; eight examples lie in a word, four bits each.
  static constexpr int kNothing = 7;
  using Codes = std::uint32_t[kWordBits][kGradientSweeps][kGradientGroups];

  // Of outputs over the batch.
  using Deltas = Word[kGradientRows][kGradientSweeps][kGradientGroups];

  // The same at one of several places.
  using PlaceDeltas = Word[kPlaceRows][kGradientSweeps][kGradientGroups];

  // Of the outputs of a tile and the inputs of a word column, four inputs side by side.
  using Gradient = std::int32_t[kGradientRows][kGradientParts][kPartQuads][4];

  // Its sums over the places that have passed.
  using PlaceGradient = std::int32_t[kPlaceRows][kGradientParts][kPartQuads][4];

  // Master weights as they lie in memory: four of 16 bits in a word, or eight of 8.
  using Weights = Word[kFours];

  // Signs or masks of the outputs of a tile.
  using Samples = Word[kGradientRows];

  // log2 of the fours in a word of master weights.
  static int log2_fours_of(int master_bits) { return master_bits == 8 ? 1 : 0; }

  // The deltas of `rows` outputs, which stay for all word columns, or come and go with a place.
  static void load_all_deltas(Deltas& deltas, const Word* source, int rows, int log2_batch) {
#pragma HLS INLINE
    load_deltas(deltas, source, rows, log2_batch);
  }
  static void load_place_deltas(PlaceDeltas& deltas, const Word* source, int rows, int log2_batch) {
#pragma HLS INLINE
    load_deltas(deltas, source, rows, log2_batch);
  }

  // [output][example].
  template <int kRows>
  static void load_deltas(Word (&deltas)[kRows][kGradientSweeps][kGradientGroups],
                          const Word* source, int rows, int log2_batch) {
#pragma HLS INLINE off
    const int log2_words = log2_batch - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      const int at = word & ((1 << log2_words) - 1);
      deltas[word >> log2_words][at >> kLog2GradientGroups][at & (kGradientGroups - 1)] =
          source[word];
    }
  }

  // Whether codes leave nothing of a block as it was, as of a short batch a part of each row.
  static bool is_full_of_codes(int rows, int log2_batch) {
    return rows == kWordBits && log2_batch >= kLog2GradientLanes;
  }

  // No codes for some rows of a block, over a whole sweep.
  static void clear_codes(Codes& codes, int first, int rows, int log2_batch) {
    const int log2_words = larger(log2_batch, kLog2GradientLanes) - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      const int at = word & ((1 << log2_words) - 1);
      codes[first + (word >> log2_words)][at >> kLog2GradientGroups][at & (kGradientGroups - 1)] =
          0x77777777U;  // kNothing
    }
  }

  // Those of rows of activations, for the rows of a block from `first` on: of what is above 0, or
  // of the sizes of what is below. A draw has a byte for each of eight examples; `number` is that
  // of the first one.
  static void draw_codes(Codes& codes, int first, const Word* x, int rows, std::uint32_t number,
                         int log2_batch, bool below, const Update& update) {
#pragma HLS INLINE off
    const int log2_words = log2_batch - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 2048
      const int at = word & ((1 << log2_words) - 1);
      const Word eight_x = x[word];
      const Bits64 bits =
          threefry(update.code_key, number + static_cast<std::uint32_t>(word), update.step);
      std::uint32_t eight = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t value = byte_in(eight_x, k);
        const std::int32_t size = larger(below ? -value : value, 0);
        const std::uint32_t code = power_of_two_code(size, byte_of(bits, k));
        eight |= ((code - 1) & 7U) << (k << 2);
      }
      codes[first + (word >> log2_words)][at >> kLog2GradientGroups][at & (kGradientGroups - 1)] =
          eight;
    }
  }

  // gradient[row] = sum over the batch of delta << shift, or what is subtracted for activations
  // below 0, and, at places, over the turns that passed before, whose sums are in `passed`.
  // For some inputs and examples at a time the shifts stand still in registers while the rows'
  // deltas stream past; those of the next fold are read meanwhile.
  static void shift_accumulate(Gradient& gradient, PlaceGradient& passed, const Codes& codes,
                               const Deltas& deltas, const PlaceDeltas& of_place, int rows,
                               int log2_batch, bool at_places, bool is_first, bool below) {
    std::int16_t shift[kGradientInputs][kGradientLanes];
    std::int16_t next[kGradientInputs][kGradientLanes];
#pragma HLS ARRAY_PARTITION variable = shift complete dim = 0
#pragma HLS ARRAY_PARTITION variable = next complete dim = 0
    for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS PIPELINE II = 1
      take_shifts(next[input], codes[input][0]);
    }
    const int log2_sweeps = larger(log2_batch - kLog2GradientLanes, 0);
    const int log2_rows = log2_of_rows(rows, kLog2GradientInputs);
    const int log2_folds = log2_sweeps + 6 - kLog2GradientInputs;
    for (int cycle = 0; cycle < 1 << log2_folds << log2_rows; ++cycle) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 64 max = 4096
// A row comes back only in the next fold, 8 cycles later or more.
#pragma HLS DEPENDENCE variable = gradient inter RAW distance = 8 true
#pragma HLS DEPENDENCE variable = passed inter RAW distance = 8 true
      const int row = cycle & ((1 << log2_rows) - 1);
      const Fold at = fold_of(cycle >> log2_rows, log2_sweeps);
      const Fold then = fold_of((cycle >> log2_rows) + 1, log2_sweeps);
      if (row == 0) copy(shift, next);
      if (row < kGradientInputs && then.part < kGradientParts) {
        take_shifts(next[row], codes[(then.part << kLog2GradientInputs) + row][then.sweep]);
      }
      if (row < rows) {
        const int held = row & (kPlaceRows - 1);
        Word eights[kGradientGroups];
        std::int32_t sums[kPartQuads][4];
#pragma HLS ARRAY_PARTITION variable = eights complete
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 0
        copy(eights, at_places ? of_place[held][at.sweep] : deltas[row][at.sweep]);
        begin_row(sums, gradient[row][at.part], passed[held][at.part], at.sweep == 0, is_first);
        accumulate_row(sums, shift, eights, below);
        end_row(gradient[row][at.part], passed[held][at.part], sums, at_places);
      }
    }
  }

  static void load_weights(Weights& weights, const Word* source, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 8 max = 2048
      weights[word] = source[word];
    }
  }

  static void store_weights(Word* result, const Weights& weights, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 8 max = 2048
      result[word] = weights[word];
    }
  }

  // Updates the weights of `rows` outputs and one word column, and samples them; `number` is that
  // of the first packed word.
  static void update(Samples& signs, Samples& masks, Weights& updated, const Weights& weights,
                     const Gradient& gradient, int rows, std::uint32_t number, Word there,
                     int master_bits, const Update& update) {
    const WeightStep step = step_of(update);
    const int log2_fours = log2_fours_of(master_bits);
    Word now = 0;
    PackedWord packed = {0, 0};
    for (int four = 0; four < rows << kLog2Quads; ++four) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 2048
      const int row = four >> kLog2Quads;
      const int quad = four & (kQuads - 1);
      const int part = quad >> (kLog2GradientInputs - 2);
      const Bits64 bits =
          threefry(update.weight_key, (number << kLog2Quads) + static_cast<std::uint32_t>(four),
                   update.step + 1);
      const Word old = weights[four >> log2_fours];
      now = log2_fours == 1 ? now >> 32 : 0;
      packed.sign >>= 4;
      packed.mask >>= 4;
      for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
        const std::int32_t half = half_of(bits, k);
        const std::int32_t before = weight_in(old, four, k, log2_fours);
        const std::int32_t g = gradient[row][part][quad & (kPartQuads - 1)][k];
        const std::int32_t weight = stepped_weight(before, g, half, step, master_bits);
        const SampledWeight sampled = sample_weight(weight, half, update.sampling, master_bits);
        now |= log2_fours == 1 ? byte_at(weight, 4 + k) : half_at(weight, k);
        packed.sign |= Word{sampled.minus} << (kWordBits - 4 + k);
        packed.mask |= Word{sampled.nonzero} << (kWordBits - 4 + k);
      }
      // Of what has one place the last one stays.
      updated[four >> log2_fours] = now;
      signs[row] = packed.sign & there;
      masks[row] = packed.mask & there;
    }
  }

  // Samples `rows` packed words, of which `number` is the first.
  static void draw(Samples& signs, Samples& masks, const Weights& weights, int rows,
                   std::uint32_t number, Word there, int master_bits, const Sampler& sampler) {
    const int log2_fours = log2_fours_of(master_bits);
    PackedWord packed = {0, 0};
    for (int four = 0; four < rows << kLog2Quads; ++four) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 2048
      const Bits64 bits = threefry(
          sampler.key, (number << kLog2Quads) + static_cast<std::uint32_t>(four), sampler.step);
      const Word word = weights[four >> log2_fours];
      packed.sign >>= 4;
      packed.mask >>= 4;
      for (int k = 0; k < 4; ++k) {
#pragma HLS UNROLL
        const SampledWeight sampled = sample_weight(
            weight_in(word, four, k, log2_fours), half_of(bits, k), sampler.sampling, master_bits);
        packed.sign |= Word{sampled.minus} << (kWordBits - 4 + k);
        packed.mask |= Word{sampled.nonzero} << (kWordBits - 4 + k);
      }
      signs[four >> kLog2Quads] = packed.sign & there;  // the last one stays
      masks[four >> kLog2Quads] = packed.mask & there;
    }
  }

 private:
  // One fold of the array: some inputs of a word column, and some examples.
  struct Fold {
    int part;
    int sweep;
  };

  static Fold fold_of(int fold, int log2_sweeps) {
    return {fold >> log2_sweeps, fold & ((1 << log2_sweeps) - 1)};
  }

  // Weight k of a four, of which a word has one or two.
  static std::int32_t weight_in(Word word, int four, int k, int log2_fours) {
#pragma HLS INLINE
    const Word of_bytes = (four & 1) != 0 ? word >> 32 : word;
    return log2_fours == 1 ? byte_in(of_bytes, k) : half_in(word, k);
  }

  // d << shift, or 0 for a shift of 7, in stages: what vectors of a CPU do as well.
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

  static void take_shifts(std::int16_t (&shift)[kGradientLanes],
                          const std::uint32_t (&eights)[kGradientGroups]) {
#pragma HLS INLINE
    for (int word = 0; word < kGradientGroups; ++word) {
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

  static void copy(Word (&eights)[kGradientGroups], const Word (&from)[kGradientGroups]) {
#pragma HLS INLINE
    for (int group = 0; group < kGradientGroups; ++group) {
#pragma HLS UNROLL
      eights[group] = from[group];
    }
  }

  // What a row's terms of a fold are added to.
  static void begin_row(std::int32_t (&sums)[kPartQuads][4],
                        const std::int32_t (&so_far)[kPartQuads][4],
                        const std::int32_t (&passed)[kPartQuads][4], bool begins, bool is_first) {
#pragma HLS INLINE
    for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS UNROLL
      const std::int32_t before = is_first ? 0 : passed[input >> 2][input & 3];
      sums[input >> 2][input & 3] = begins ? before : so_far[input >> 2][input & 3];
    }
  }

  static void end_row(std::int32_t (&g)[kPartQuads][4], std::int32_t (&passed)[kPartQuads][4],
                      const std::int32_t (&sums)[kPartQuads][4], bool at_places) {
#pragma HLS INLINE
    for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS UNROLL
      g[input >> 2][input & 3] = sums[input >> 2][input & 3];
      if (at_places) passed[input >> 2][input & 3] = sums[input >> 2][input & 3];
    }
  }

  static void accumulate_row(std::int32_t (&sums)[kPartQuads][4],
                             const std::int16_t (&shift)[kGradientInputs][kGradientLanes],
                             const Word (&eights)[kGradientGroups], bool below) {
#pragma HLS INLINE
    std::int16_t d[kGradientLanes];
#pragma HLS ARRAY_PARTITION variable = d complete
    take_bytes(d, eights);
    for (int input = 0; input < kGradientInputs; ++input) {
      std::int32_t sum = 0;
      for (int lane = 0; lane < kGradientLanes; ++lane) sum += shifted(d[lane], shift[input][lane]);
      sums[input >> 2][input & 3] += below ? -sum : sum;
    }
  }
};

}  // namespace fewmult
