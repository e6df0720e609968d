// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for all units of a tile: one unit after another would wait for
// memory at each. Here a loop runs over all of them, a word of eight examples a cycle. What touches
// memory is a burst, alone in its function: what is inlined shares its region with others.
#pragma once

#include "kernels/activation.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/fabric_product.hpp"
#include "kernels/hinge.hpp"
#include "kernels/passes.hpp"
#include "kernels/perturb.hpp"
#include "kernels/port_words.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

struct FabricEpilogue {
  using Sums = ProductArray::Sums;
  using Eight = ProductArray::Eight;
  static constexpr int kRows = ProductArray::kRows;

  // A number for each unit of a tile, as they lie in memory: two in a word.
  using UnitNumbers = std::int32_t[kRows / 2][2];

  // How what is left of a sum is shifted: to the nearest, or, sending back, at random.
  struct Rounded {
    int log2_batch;
    bool at_random;
    int bits;
    Key key;
    std::uint32_t step;
  };

  // What an output layer is told of its units.
  struct Answers {
    int first_unit;
    int log2_batch;
    int shift;
    bool learns;  // labels are there, and deltas are wanted
  };

  // Of the units of a tile, what biases step by: a sum over places and batch.
  using Totals = std::int64_t[kRows / 2][2];

  // Where the numbers of a tile's units begin, in arrays of two a word.
  struct Numbers {
    int bias;
    int mean;
  };

  // The units of a tile at a place, whose sums it holds.
  static void finish(const fewmult_calls::Layer& call, const Place& place, const Numbers& numbers,
                     int rows, Sums& sums, Totals& totals) {
#pragma HLS INLINE
    const Pass pass = pass_of(call);
    const int log2_words = call.log2_batch - kLog2PortBytes;
    const int at = place.row << log2_words;
    if (pass == Pass::kPerturb) {
      write_moved(call.result + at, sums, call.gate + at, rows, log2_words, call.shift,
                  call.signed_inputs != 0 ? -kActivationMax : 0);
      return;
    }
    UnitNumbers bias;
    UnitNumbers mean;
#pragma HLS ARRAY_PARTITION variable = bias complete dim = 2
#pragma HLS ARRAY_PARTITION variable = mean complete dim = 2
    Word* const biases = call.bias + (numbers.bias >> 1);
    Word* const means = call.mean + (numbers.mean >> 1);
    const int odd = numbers.mean & 1;  // then two places share a word
    load_numbers(bias, biases, rows, 0);
    if (pass == Pass::kLogits || pass == Pass::kOutput) {
      write_outputs(call, place.unit, rows, sums, bias, totals);
    } else {
      if (pass == Pass::kHiddenMean) {
        load_numbers(mean, means, rows, odd);
      } else if (pass == Pass::kHidden) {
        find_means(mean, sums, rows, call.log2_batch);
        const Word before = odd != 0 ? load_word(means) : 0;
        const bool shares = ((odd + rows) & 1) != 0 && !place.ends;
        const Word behind = shares ? load_word(means + ((odd + rows) >> 1)) : 0;
        store_numbers(means, mean, rows, odd, before, behind);
      } else {
        open_gates(mean, totals, sums, call.gate + at, rows, call.log2_batch, place.begins);
      }
      write_hidden(
          call.result + at, sums, mean, bias, rows, static_cast<std::uint32_t>(at),
          {call.log2_batch, sends_back(pass), call.shift, {call.seed, call.purpose}, call.step});
    }
    if (place.ends && (pass == Pass::kOutput || pass == Pass::kBackward)) {
      step_biases(bias, totals, rows, call.bias_exponent);
      store_numbers(biases, bias, rows, 0, 0, 0);
    }
  }

 private:
  // Numbers that begin with the second half of a word if they are odd.
  static void load_numbers(UnitNumbers& numbers, const Word* source, int rows, int odd) {
#pragma HLS INLINE off
    for (int pair = 0; pair < pairs_of(rows + odd); ++pair) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows / 2
      const Word two = source[pair];
      if (pair < kRows / 2) numbers[pair][0] = number_in(two, odd);
      if (pair >= odd) numbers[pair - odd][1] = number_in(two, 1 - odd);
    }
  }

  // What is not theirs of the first and of the last word is that of `before` and of `behind`.
  static void store_numbers(Word* result, const UnitNumbers& numbers, int rows, int odd,
                            Word before, Word behind) {
#pragma HLS INLINE off
    for (int pair = 0; pair < pairs_of(rows + odd); ++pair) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows / 2
      const int second = (pair << 1) + 1 - odd;  // number of the word's second one
      const std::int32_t even_one = pair < kRows / 2 ? numbers[pair][0] : 0;
      const std::int32_t odd_one = pair >= odd ? numbers[pair - odd][1] : 0;
      const std::int32_t low = odd == 0 ? even_one : odd_one;
      const std::int32_t high = odd == 0 ? odd_one : even_one;
      result[pair] = number_at(second > 0 ? low : number_in(before, 0), 0) |
                     number_at(second < rows ? high : number_in(behind, 1), 1);
    }
  }

  static void step_biases(UnitNumbers& bias, const Totals& totals, int rows, int exponent) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      const int pair = row >> 1;
      const int k = row & 1;
      bias[pair][k] = stepped_bias(bias[pair][k], totals[pair][k], exponent);
    }
  }

  // Rounded to the nearest integer, halves up.
  static void find_means(UnitNumbers& mean, const Sums& sums, int rows, int log2_batch) {
    const int log2_words = log2_batch - kLog2PortBytes;
    const std::int64_t half = 1 << log2_batch >> 1;
    std::int64_t sum = 0;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      const Eight at = ProductArray::eight_of(word, log2_words);
      std::int64_t part = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        part += sums[at.row][at.sweep][at.group][k];
      }
      sum = (begins(at) ? half : sum) + part;
      // The last one stays.
      mean[at.row >> 1][at.row & 1] = static_cast<std::int32_t>(sum >> log2_batch);
    }
  }

  // Leaves in the tile what passes the gates, its mean for each unit, and adds it to the totals.
  static void open_gates(UnitNumbers& mean, Totals& totals, Sums& sums, const Word* x, int rows,
                         int log2_batch, bool is_first) {
#pragma HLS INLINE off
    const int log2_words = log2_batch - kLog2PortBytes;
    const std::int32_t half = 1 << log2_batch >> 1;
    std::int32_t total = 0;
    std::int64_t of_places = 0;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
// A sum is met once, and a total read only before it is written.
#pragma HLS DEPENDENCE variable = sums inter false
#pragma HLS DEPENDENCE variable = totals inter false
      const Eight at = ProductArray::eight_of(word, log2_words);
      const Word eight = x[word];
      std::int32_t part = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t open = gated(sums[at.row][at.sweep][at.group][k], byte_in(eight, k));
        sums[at.row][at.sweep][at.group][k] = open;
        part += open;
      }
      std::int64_t& of_unit = totals[at.row >> 1][at.row & 1];
      if (begins(at)) of_places = is_first ? 0 : of_unit;
      total = (begins(at) ? 0 : total) + part;
      of_unit = of_places + total;  // the last one stays
      mean[at.row >> 1][at.row & 1] = (total + half) >> log2_batch;
    }
  }

  // Activations, rounded to the nearest, or deltas, rounded at random: both with the same shifters.
  static void write_hidden(Word* result, const Sums& sums, const UnitNumbers& mean,
                           const UnitNumbers& bias, int rows, std::uint32_t number,
                           const Rounded& shift) {
#pragma HLS INLINE off
    const int log2_words = shift.log2_batch - kLog2PortBytes;
    const bool back = shift.at_random;
    const std::int32_t half = 1 << shift.bits >> 1;
    const Rounding rounding = rounding_of(shift.bits);
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      const Eight at = ProductArray::eight_of(word, log2_words);
      const std::int32_t of_unit = mean[at.row >> 1][at.row & 1];
      const std::int32_t offset =
          bias[at.row >> 1][at.row & 1] >> (kBiasFraction - kActivationFraction);
      const Bits64 bits =
          threefry(shift.key, number + static_cast<std::uint32_t>(word), shift.step);
      Word eight = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t term = back ? rounding_term(byte_of(bits, k), rounding) : half;
        eight |= byte_at(saturated(sums[at.row][at.sweep][at.group][k] - of_unit, term, shift.bits,
                                   back ? 0 : offset, back ? -kDeltaMax : 0),
                         k);
      }
      result[word] = eight;
    }
  }

  static void write_moved(Word* result, const Sums& sums, const Word* x, int rows, int log2_words,
                          int shift, std::int32_t least) {
#pragma HLS INLINE off
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      const Eight at = ProductArray::eight_of(word, log2_words);
      const Word eight = x[word];
      Word moved = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        moved |= byte_at(
            moved_pixel(sums[at.row][at.sweep][at.group][k], byte_in(eight, k), 1 << shift, least),
            k);
      }
      result[word] = moved;
    }
  }

  // An output layer has few units: one after the other, an example a cycle, and then their bursts.
  static void write_outputs(const fewmult_calls::Layer& call, int first, int rows, const Sums& sums,
                            const UnitNumbers& bias, Totals& totals) {
#pragma HLS INLINE
    Word labels[kBatchWords];
    Word logits[kMaxPairs];
    Word deltas[kBatchWords];
    const Answers to = {first, call.log2_batch, call.shift, pass_of(call) == Pass::kOutput};
    const int log2_words = call.log2_batch - kLog2PortBytes;
    if (to.learns) load_row(labels, call.labels, 1 << log2_words);
    std::int32_t loss = 0;
    for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
      find_outputs(logits, deltas, totals, loss, sums, bias, labels, row, to);
      store_row(call.logits + ((first + row) << (call.log2_batch - 1)), logits,
                1 << (call.log2_batch - 1));
      if (to.learns) {
        store_row(call.result + ((first + row) << log2_words), deltas, 1 << log2_words);
      }
    }
    if (to.learns) store_word(call.loss, number_at(number_in(load_word(call.loss), 0) + loss, 0));
  }

  // A unit's logits and deltas, the sum of its deltas, and their sizes onto the loss.
  static void find_outputs(Word (&logits)[kMaxPairs], Word (&deltas)[kBatchWords], Totals& totals,
                           std::int32_t& loss, const Sums& sums, const UnitNumbers& bias,
                           const Word (&labels)[kBatchWords], int row, const Answers& to) {
    const int log2_words = to.log2_batch - kLog2PortBytes;
    const std::int32_t of_unit = bias[row >> 1][row & 1];
    std::int32_t total = 0;
    Word pair = 0;
    Word eight = 0;
    for (int b = 0; b < 1 << to.log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
      const Eight at = ProductArray::eight_of(b >> kLog2PortBytes, log2_words);
      const std::int32_t z = sums[row][at.sweep][at.group][b & (kPortBytes - 1)];
      const std::int32_t found = logit(z, of_unit, to.shift);
      pair = pair >> 32 | number_at(found, 1);
      logits[b >> 1] = pair;  // the last one stays
      const Word label = to.learns ? labels[b >> kLog2PortBytes] : 0;
      const bool is_target = (label >> ((b & (kPortBytes - 1)) << 3) & 0xFFU) ==
                             static_cast<Word>(to.first_unit + row);
      const std::int32_t delta = hinge_delta(found, is_target);
      eight = eight >> 8 | byte_at(delta, kPortBytes - 1);
      deltas[b >> kLog2PortBytes] = eight;
      loss += delta < 0 ? -delta : delta;
      total += delta;
    }
    totals[row >> 1][row & 1] = total;
  }

  template <int kWords>
  static void load_row(Word (&row)[kWords], const Word* source, int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kWords
      row[word] = source[word];
    }
  }

  template <int kWords>
  static void store_row(Word* result, const Word (&row)[kWords], int words) {
#pragma HLS INLINE off
    for (int word = 0; word < words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = kWords
      result[word] = row[word];
    }
  }

  static Word load_word(const Word* source) {
#pragma HLS INLINE off
    return source[0];
  }

  static void store_word(Word* result, Word word) {
#pragma HLS INLINE off
    result[0] = word;
  }

  // Whether these are the first examples of a unit.
  static bool begins(const Eight& at) {
#pragma HLS INLINE
    return at.sweep == 0 && at.group == 0;
  }
};

}  // namespace fewmult
