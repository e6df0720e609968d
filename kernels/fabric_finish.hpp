// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of a product, for all units of a tile in the fabric: finish_unit for one unit
// after another would wait for memory at each. Here a loop runs over all of them, eight examples a
// cycle, as wide as a port is.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/fabric_product.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/port_words.hpp"

namespace fewmult {

struct FabricEpilogue {
  using Sums = ProductArray::Sums;
  static constexpr int kRows = ProductArray::kRows;

  // A number for each unit of a tile.
  struct UnitNumbers {
    std::int32_t of[kRows];
  };

  // How what is left of a sum is shifted: to the nearest, or, sending back, at random.
  struct Rounded {
    int log2_batch;
    bool at_random;
    int bits;
    Key key;
    std::uint32_t step;
  };

  // Units `first` to `first` + `rows` - 1, whose sums a tile holds.
  static void finish(const fewmult_calls::Layer& call, int first, int rows, Sums& sums) {
#pragma HLS INLINE
    const Pass pass = pass_of(call);
    const int at = first << call.log2_batch;
    if (pass == Pass::kPerturb) {
      write_moved(call.result + at, sums, call.gate + at, rows, call.log2_batch, call.shift);
      return;
    }
    UnitNumbers bias;
    UnitNumbers sum;
    load_numbers(bias, call.bias + first, rows);
    if (pass == Pass::kLogits || pass == Pass::kOutput) {
      write_logits(call.logits + at, sums, bias, rows, call.log2_batch, call.shift);
      if (pass == Pass::kOutput) {
        *call.loss += write_hinge(call.result + at, sum, sums, bias, call.labels, first, rows,
                                  call.log2_batch, call.shift);
      }
    } else {
      UnitNumbers mean;
      if (pass == Pass::kHiddenMean) {
        load_numbers(mean, call.mean + first, rows);
      } else if (pass == Pass::kHidden) {
        find_means(mean, sums, rows, call.log2_batch);
        store_numbers(call.mean + first, mean, rows);
      } else {
        open_gates(mean, sum, sums, call.gate + at, rows, call.log2_batch);
      }
      write_hidden(
          call.result + at, sums, mean, bias, rows, static_cast<std::uint32_t>(at),
          {call.log2_batch, sends_back(pass), call.shift, {call.seed, call.purpose}, call.step});
    }
    if (pass == Pass::kOutput || pass == Pass::kBackward) {
      step_biases(bias, sum, rows, call.bias_exponent);
      store_numbers(call.bias + first, bias, rows);
    }
  }

 private:
  static void load_numbers(UnitNumbers& numbers, const std::int32_t* source, int rows) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      numbers.of[row] = source[row];
    }
  }

  static void store_numbers(std::int32_t* result, const UnitNumbers& numbers, int rows) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      result[row] = numbers.of[row];
    }
  }

  static void step_biases(UnitNumbers& bias, const UnitNumbers& sum, int rows, int exponent) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      bias.of[row] = stepped_bias(bias.of[row], sum.of[row], exponent);
    }
  }

  // Rounded to the nearest integer, halves up.
  static void find_means(UnitNumbers& mean, const Sums& sums, int rows, int log2_batch) {
    const int log2_words = log2_batch - kLog2PortBytes;
    const std::int64_t half = 1 << log2_batch >> 1;
    std::int64_t sum = 0;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 8192
      const int row = word >> log2_words;
      const int first = first_of(word, log2_words);
      std::int64_t part = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        part += sums.z[row][first + k];
      }
      sum = (first == 0 ? half : sum) + part;
      mean.of[row] = static_cast<std::int32_t>(sum >> log2_batch);  // the last one stays
    }
  }

  // Leaves in the tile what passes the gates, and each unit's sum and mean of it.
  static void open_gates(UnitNumbers& mean, UnitNumbers& sum, Sums& sums, const std::int8_t* x,
                         int rows, int log2_batch) {
    const int log2_words = log2_batch - kLog2PortBytes;
    const std::int32_t half = 1 << log2_batch >> 1;
    std::int32_t total = 0;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 8192
// A sum is met once.
#pragma HLS DEPENDENCE variable = sums.z inter false
      const int row = word >> log2_words;
      const int first = first_of(word, log2_words);
      std::int32_t part = 0;
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t open = gated(sums.z[row][first + k], x[(word << kLog2PortBytes) + k]);
        sums.z[row][first + k] = open;
        part += open;
      }
      total = (first == 0 ? 0 : total) + part;
      sum.of[row] = total;  // the last one stays
      mean.of[row] = (total + half) >> log2_batch;
    }
  }

  // Activations, rounded to the nearest, or deltas, rounded at random: both with the same shifters.
  static void write_hidden(std::int8_t* result, const Sums& sums, const UnitNumbers& mean,
                           const UnitNumbers& bias, int rows, std::uint32_t element,
                           const Rounded& shift) {
    const int log2_words = shift.log2_batch - kLog2PortBytes;
    const bool back = shift.at_random;
    const std::int32_t half = 1 << shift.bits >> 1;
    const Rounding rounding = rounding_of(shift.bits);
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 4096
      const int row = word >> log2_words;
      const int first = first_of(word, log2_words);
      const std::int32_t offset = bias.of[row] >> (kBiasFraction - kActivationFraction);
      const Bits64 bits = threefry(
          shift.key, (element >> kLog2PortBytes) + static_cast<std::uint32_t>(word), shift.step);
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        const std::int32_t term = back ? rounding_term(byte_of(bits, k), rounding) : half;
        result[(word << kLog2PortBytes) + k] =
            saturated(sums.z[row][first + k] - mean.of[row], term, shift.bits, back ? 0 : offset,
                      back ? -kDeltaMax : 0);
      }
    }
  }

  // An output layer has few units: one example a cycle.
  static void write_logits(std::int32_t* logits, const Sums& sums, const UnitNumbers& bias,
                           int rows, int log2_batch, int shift) {
    const int last = (1 << log2_batch) - 1;
    for (int b = 0; b < rows << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 65536
      const int row = b >> log2_batch;
      logits[b] = logit(sums.z[row][b & last], bias.of[row], shift);
    }
  }

  // Deltas, each unit's sum of them, and the sum of their sizes, which is the loss.
  static std::int32_t write_hinge(std::int8_t* result, UnitNumbers& sum, const Sums& sums,
                                  const UnitNumbers& bias, const std::uint8_t* labels,
                                  int first_unit, int rows, int log2_batch, int shift) {
    std::uint8_t label[kMaxBatch];
    for (int b = 0; b < 1 << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
      label[b] = labels[b];
    }
    const int last = (1 << log2_batch) - 1;
    std::int32_t total = 0;
    std::int32_t loss = 0;
    for (int b = 0; b < rows << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = 65536
      const int row = b >> log2_batch;
      const int example = b & last;
      const std::int32_t delta = hinge_delta(logit(sums.z[row][example], bias.of[row], shift),
                                             label[example] == first_unit + row);
      result[b] = static_cast<std::int8_t>(delta);
      loss += delta < 0 ? -delta : delta;
      total = (example == 0 ? 0 : total) + delta;
      sum.of[row] = total;
    }
    return loss;
  }

  static void write_moved(std::int8_t* result, const Sums& sums, const std::int8_t* x, int rows,
                          int log2_batch, int shift) {
    const int log2_words = log2_batch - kLog2PortBytes;
    for (int word = 0; word < rows << log2_words; ++word) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 8192
      const int first = first_of(word, log2_words);
      for (int k = 0; k < kPortBytes; ++k) {
#pragma HLS UNROLL
        result[(word << kLog2PortBytes) + k] = moved_pixel(
            sums.z[word >> log2_words][first + k], x[(word << kLog2PortBytes) + k], 1 << shift);
      }
    }
  }

  // The first example of a unit's word.
  static int first_of(int word, int log2_words) {
    return (word & ((1 << log2_words) - 1)) << kLog2PortBytes;
  }
};

}  // namespace fewmult
