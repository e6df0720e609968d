// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The array of processing elements that the fabric gets, and that the portable emulation runs.
// A kernel is a template over its tile and reaches the tile's blocks through its functions alone:
// another tile may lay them out otherwise and compute with other instructions, but never to other
// sums.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/power_of_two.hpp"
#include "kernels/threefry.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

struct FabricTile {
  static constexpr int kRows = 256;           // units whose sums stay on chip during a product
  static constexpr int kPanelWords = 1;       // word columns of inputs in one block of a product
  static constexpr int kLanes = 32;           // samples a cycle of the product
  static constexpr int kInputs = 32;          // inputs a cycle: 32 x 32 = 1024 additions
  static constexpr int kGradientRows = 16;    // outputs a cycle of the gradient
  static constexpr int kGradientInputs = 32;  // inputs a cycle: 32 x 16 = 512 shifted additions
  static constexpr int kGradientWords = 4;    // word columns that share one sweep over the deltas
  static constexpr int kGradientBlock = 1;    // word columns whose gradient is there at a time

  static_assert(kWordBits % kInputs == 0, "a packed word is a whole number of product cycles");
  static_assert(kWordBits % kGradientInputs == 0, "and of gradient cycles");
  static_assert(kRows % kWordBits == 0, "a transposed tile is a whole number of packed words");
  static_assert(kMaxBatch % kLanes == 0, "a row of sums is a whole number of product cycles");
  static_assert((kGradientBlock & (kGradientBlock - 1)) == 0, "a word column's place is a mask");
  static_assert(kInputs <= INT16_MAX / (kActivationMax + 1), "one cycle's sum fits 16 bits");

  // 64 units over the batch: the operand of one block of a product.
  struct Panel {
    std::int8_t x[kWordBits][kMaxBatch];
  };

  // The sums of a product's tile; what lies beyond the batch is never read.
  struct Sums {
    std::int32_t z[kRows][kMaxBatch];
  };

  // log2 of the power of two that stands for each input, plus one; 0 stands for zero.
  struct Codes {
    std::uint8_t log2[kGradientWords][kMaxBatch][kWordBits];
  };

  struct Deltas {
    std::int8_t d[kMaxBatch][kGradientRows];
  };

  struct Gradient {
    std::int32_t g[kWordBits][kGradientRows];
  };

  // The sums of a row over the batch. Rows are asked for in their order, and until the next one.
  static const std::int32_t* row_of(Sums& sums, int row, int /*batch*/) { return sums.z[row]; }

  // The batch, rounded up to whole product cycles.
  static int padded(int batch) { return (batch + kLanes - 1) & -kLanes; }

  // What stands behind the product, for one unit.
  static void finish_unit(const LayerPass& pass, const LayerArrays& arrays, int unit,
                          const std::int32_t* z) {
#pragma HLS INLINE
    fewmult::finish_unit(pass, arrays, unit, z);
  }

  static void clear(Sums& sums, int rows, int batch) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      for (int first = 0; first < padded(batch); first += kLanes) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
          sums.z[row][first + lane] = 0;
        }
      }
    }
  }

  // Doubles every sum: the step of Horner's rule between the planes of a multi-bit weight.
  static void twice(Sums& sums, int rows, int batch) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
      for (int first = 0; first < padded(batch); first += kLanes) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
          sums.z[row][first + lane] += sums.z[row][first + lane];
        }
      }
    }
  }

  // Reads `units` rows of [unit][sample]; the rest of the block, and of a short batch, is zero.
  static void load(Panel& panel, int /*k*/, const std::int8_t* source, int units, int log2_batch) {
    const int batch = 1 << log2_batch;
    for (int unit = 0; unit < kWordBits; ++unit) {
      for (int b = 0; b < padded(batch); ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 32 max = kMaxBatch
        const bool there = unit < units && b < batch;
        panel.x[unit][b] = there ? source[(unit << log2_batch) + b] : std::int8_t{0};
      }
    }
  }

  // The words of 64 inputs and up to 64 outputs, turned, as rows `first` and those after it.
  static void load_transposed(PackedRows<kRows>& words, int first, const Word* sign,
                              const Word* mask, int outputs) {
    load_rows_transposed(words, first, sign, mask, outputs);
  }

  // sums[row][b] += sum over 64 inputs of +x, -x or 0, as row's packed word says.
  // Activations stand still in registers while the words stream past, one a cycle. -x is ~x + 1:
  // the ones are counted per row instead of being carried into every addition.
  static void accumulate(Sums& sums, const Panel& panel,
                         const PackedRows<kRows> (&words)[kPanelWords], int /*columns*/, int rows,
                         int batch) {
#pragma HLS ARRAY_PARTITION variable = sums.z cyclic factor = kLanes dim = 2
#pragma HLS ARRAY_PARTITION variable = panel.x cyclic factor = kLanes dim = 2
    for (int first = 0; first < padded(batch); first += kLanes) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
      for (int part = 0; part < kWordBits; part += kInputs) {
        std::int16_t x[kInputs][kLanes];
#pragma HLS ARRAY_PARTITION variable = x complete dim = 0
        for (int input = 0; input < kInputs; ++input) {
#pragma HLS PIPELINE II = 1
          for (int lane = 0; lane < kLanes; ++lane) {
            x[input][lane] = panel.x[part + input][first + lane];
          }
        }
        for (int row = 0; row < rows; ++row) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kRows
// A row comes back only in the next part or lanes, many cycles later.
#pragma HLS DEPENDENCE variable = sums.z inter false
          accumulate_row(sums.z[row] + first, x, words[0].sign[row] >> part,
                         words[0].mask[row] >> part);
        }
      }
    }
  }

  // The codes of up to 64 units, as word column k of the block: x is [unit][sample], `first_unit`
  // the number of the first.
  static void encode(Codes& codes, int k, const std::int8_t* x, int units, int first_unit,
                     int log2_batch, const Update& update) {
    const int batch = 1 << log2_batch;
    std::uint8_t bytes[kMaxBatch];
    for (int unit = 0; unit < kWordBits; ++unit) {
      draw_bytes(update.code_key, static_cast<std::uint32_t>(first_unit + unit) << log2_batch,
                 update.step, batch, bytes);
      for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
#pragma HLS UNROLL factor = 8
        const std::int32_t value = unit < units ? x[(unit << log2_batch) + b] : 0;
        codes.log2[k][b][unit] = power_of_two_code(value, bytes[b]);
      }
    }
  }

  // The deltas of up to kGradientRows outputs, [output][sample].
  static void load_deltas(Deltas& deltas, const std::int8_t* source, int rows, int log2_batch) {
    for (int row = 0; row < kGradientRows; ++row) {
      for (int b = 0; b < 1 << log2_batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
        deltas.d[b][row] = row < rows ? source[(row << log2_batch) + b] : std::int8_t{0};
      }
    }
  }

  // g[input][row] = sum over the batch of delta << (code - 1), of nothing for code 0, for the
  // inputs of word column k. The draws of the update could begin meanwhile: the last arguments.
  static void shift_accumulate(Gradient& gradient, const Codes& codes, int k, const Deltas& deltas,
                               int batch, std::uint32_t /*number*/, int /*outputs*/,
                               const Update& /*update*/) {
#pragma HLS ARRAY_PARTITION variable = gradient.g complete dim = 0
#pragma HLS ARRAY_PARTITION variable = codes.log2 cyclic factor = kGradientInputs dim = 3
#pragma HLS ARRAY_PARTITION variable = deltas.d complete dim = 2
    for (int input = 0; input < kWordBits; ++input) {
#pragma HLS UNROLL
      for (int row = 0; row < kGradientRows; ++row) gradient.g[input][row] = 0;
    }
    for (int part = 0; part < kWordBits; part += kGradientInputs) {
      for (int b = 0; b < batch; ++b) {
#pragma HLS PIPELINE II = 1
#pragma HLS LOOP_TRIPCOUNT min = 16 max = kMaxBatch
        for (int input = 0; input < kGradientInputs; ++input) {
#pragma HLS UNROLL
          const int code = codes.log2[k][b][part + input];
          if (code == 0) continue;
          for (int row = 0; row < kGradientRows; ++row) {
#pragma HLS UNROLL
            gradient.g[part + input][row] += shift_left(deltas.d[b][row], code - 1);
          }
        }
      }
    }
  }

  // Draws the sample of packed word `number`, whose 64 weights are at `weights`.
  template <class Weight>
  static PackedWord draw_word(const Weight* weights, std::uint32_t number, std::uint32_t step,
                              Key key, Sampling sampling, Word there) {
    return fewmult::draw_word(weights, number, step, key, sampling, there);
  }

  // Updates the weights of a gradient block's word column, a packed word of 64 a row, and samples
  // them; `number` is that of the first word.
  template <class Weight>
  static void update(const Gradient& gradient, int /*column*/, int rows, Weight* weights,
                     Word* sign, Word* mask, std::uint32_t number, Word there,
                     const Update& update) {
    for (int row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = kGradientRows
      std::int32_t g[kWordBits];
#pragma HLS ARRAY_PARTITION variable = g complete
      for (int input = 0; input < kWordBits; ++input) {
#pragma HLS UNROLL
        g[input] = gradient.g[input][row];
      }
      const PackedWord packed = update_word(weights, g, number++, there, update);
      weights += kWordBits;
      *sign++ = packed.sign;
      *mask++ = packed.mask;
    }
  }

 private:
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
