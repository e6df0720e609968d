// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The tile of a CPU with vectors: what FabricTile computes, in another order and with other
// blocks. Both products and the gradient are sums of a vector's bytes times one example's (or one
// output's) four bytes; four that are all zero are left out, and of deltas and pixels many are.
#pragma once

#include <cstring>
#include <type_traits>

#include "bindings/dense_blocks.hpp"
#include "bindings/elements.hpp"
#include "bindings/scratch.hpp"
#include "bindings/simd/vector_codes.hpp"
#include "bindings/simd/vector_draws.hpp"
#include "bindings/simd/vector_epilogue.hpp"
#include "bindings/simd/vector_weights.hpp"
#include "bindings/simd/vectors.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"

namespace fewmult {

template <class Isa>
struct VectorTile {
  using Int = typename Isa::Int;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kBlock = Isa::kBlock;
  static constexpr int kQuads = kWordBits / 4;  // groups of four inputs in a word
  static constexpr int kRows = 512;  // the sums of a batch of 128 fit a second-level cache
  static constexpr int kLog2PanelWords = 1;
  static constexpr int kPanelWords = 1 << kLog2PanelWords;
  static constexpr int kPanelQuads = kPanelWords * kQuads;
  static constexpr int kGradientRows = 8;
  static constexpr int kGradientWords = 2;
  static constexpr int kGradientUnits = kGradientWords * kWordBits;

  // Units over the batch, 64 a word: four units' bytes of an example side by side.
  struct Panel {
    alignas(64) std::int32_t quads[kMaxBatch][kPanelQuads];
    std::uint64_t nonzero[kMaxBatch];  // bit q: whether quad q is
    std::int32_t minus[kMaxBatch];     // minus the sum: weights are counted one up
  };

  struct Sums {
    alignas(64) std::int32_t z[kMaxBatch][kRows];
    alignas(64) std::int32_t turned[kLanes][kMaxBatch];  // some rows, over the batch
  };

  // The powers of two, halved, as bytes: four examples' side by side.
  struct Codes {
    alignas(64) std::int32_t quads[kMaxBatch / 4][kGradientUnits];
  };

  // Where the rows are, four examples' deltas a quad.
  struct Deltas {
    const std::int8_t* row[kGradientRows];
    std::uint64_t nonzero[kGradientRows];  // bit q: whether quad q is
  };

  struct Gradient {
    alignas(64) std::int32_t g[kGradientRows][kGradientUnits];
    alignas(64) std::uint16_t halves[kGradientWords][kGradientRows][kWordBits];  // the updates'
  };

  static const std::int32_t* row_of(Sums& sums, int row, int batch) {
    const int lane = row & (kLanes - 1);
    if (lane == 0) {
      for (int b = 0; b < batch; b += kLanes) {
        Isa::transpose(sums.z[b] + row, kRows, sums.turned[0] + b, kMaxBatch);
      }
    }
    return sums.turned[lane];
  }

  // A dense layer has one place, behind which biases step at once.
  struct Totals {};
  static void finish(const fewmult_calls::Layer& call, const Place& place, int rows, Sums& sums,
                     Totals& /*totals*/) {
    for (int row = 0; row < rows; ++row) {
      VectorEpilogue<Isa>::finish(call, place.unit + row, row_of(sums, row, 1 << call.log2_batch));
    }
  }

  static void store_sums(Word* z, Sums& sums, int rows, int log2_batch) {
    const std::size_t bytes = sizeof(std::int32_t) << log2_batch;
    for (int row = 0; row < rows; ++row) {
      std::memcpy(elements<std::int32_t>(z) + (std::ptrdiff_t{row} << log2_batch),
                  row_of(sums, row, 1 << log2_batch), bytes);
    }
  }

  static void clear(Sums& sums, int rows, int batch) {
    const std::size_t there = static_cast<std::size_t>(padded(rows)) * sizeof(sums.z[0][0]);
    for (int b = 0; b < batch; ++b) std::memset(sums.z[b], 0, there);
  }

  static void twice(Sums& sums, int rows, int batch) {
    for (int b = 0; b < batch; ++b) {
      for (int row = 0; row < padded(rows); ++row) sums.z[b][row] += sums.z[b][row];
    }
  }

  static void load_block(Panel& panel, Rows<VectorTile>& signs, Rows<VectorTile>& masks,
                         Walk& /*walk*/, const Product& product, const Seen& /*seen*/,
                         const Word* source, const Word* sign, const Word* mask,
                         const Columns& columns, int number, int rows) {
    load_dense_block<VectorTile>(panel, signs, masks, product, source, sign, mask, columns, number,
                                 rows);
  }

  static void load(Panel& panel, int k, const Word* words, int units, int log2_batch) {
    constexpr int kChunk = 16;
    const auto* const source = elements<std::int8_t>(words);
    alignas(64) static const std::int8_t zeros[kMaxBatch] = {};
    for (int first = 0; first < 1 << log2_batch; first += kChunk) {
      alignas(64) std::int32_t quads[kQuads][kChunk];
      __m128i sums[4] = {};  // of two units each, in 16 bits
      for (int q = 0; q < kQuads; ++q) {
        __m128i rows[4];
        for (int n = 0; n < 4; ++n) {
          const int unit = 4 * q + n;
          const std::int8_t* row = unit < units ? source + (unit << log2_batch) + first : zeros;
          rows[n] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
        }
        interleave_bytes(rows);
        for (int n = 0; n < 4; ++n) {
          _mm_store_si128(reinterpret_cast<__m128i*>(quads[q]) + n, rows[n]);
          sums[n] = _mm_add_epi16(sums[n], _mm_maddubs_epi16(_mm_set1_epi8(1), rows[n]));
        }
      }
      for (int row = 0; row < kQuads; row += kLanes) {
        for (int b = 0; b < kChunk; b += kLanes) {
          Isa::transpose(quads[row] + b, kChunk, panel.quads[first + b] + k * kQuads + row,
                         kPanelQuads);
        }
      }
      alignas(16) std::int32_t minus[kChunk];
      for (int n = 0; n < 4; ++n) {
        _mm_store_si128(reinterpret_cast<__m128i*>(minus) + n,
                        _mm_madd_epi16(sums[n], _mm_set1_epi16(-1)));
      }
      for (int b = 0; b < kChunk; ++b) {
        std::uint64_t& nonzero = panel.nonzero[first + b];
        const std::uint64_t here = Isa::nonzero16(panel.quads[first + b] + k * kQuads);
        nonzero = k == 0 ? here : nonzero | here << (k * kQuads);
        panel.minus[first + b] = (k == 0 ? 0 : panel.minus[first + b]) + minus[b];
      }
    }
  }

  static void load_transposed(Word (&signs)[kRows], Word (&masks)[kRows], int first,
                              const Word* sign, const Word* mask, int outputs) {
    alignas(64) Word all[2][kWordBits];
    for (int output = 0; output < kWordBits; ++output) {
      all[0][output] = output < outputs ? sign[output] : 0;
      all[1][output] = output < outputs ? mask[output] : 0;
    }
    // Dword h of row n: byte n of four words; n = 0 .. 7 of signs, 8 .. 15 of masks.
    alignas(64) std::int32_t bytes[16][16];
    alignas(64) std::int32_t turned[16][16];
    for (int which = 0; which < 2; ++which) {
      for (int eight = 0; eight < kWordBits; eight += 8) {
        const Word* w = all[which] + eight;
        __m128i quads[4] = {pair(w[0], w[4]), pair(w[1], w[5]), pair(w[2], w[6]), pair(w[3], w[7])};
        interleave_bytes(quads);
        std::memcpy(bytes[eight >> 2] + 8 * which, quads, 32);
        std::memcpy(bytes[(eight >> 2) + 1] + 8 * which, quads + 2, 32);
      }
    }
    turn<16, 16>(bytes[0], turned[0]);
    for (int n = 0; n < 8; ++n) {
      Isa::bits_of_bytes(turned[n], signs + first + 8 * n);
      Isa::bits_of_bytes(turned[n + 8], masks + first + 8 * n);
    }
  }

  static void accumulate(Sums& sums, const Panel& panel, const Word (&signs)[kPanelWords][kRows],
                         const Word (&masks)[kPanelWords][kRows], int columns, int rows, int batch,
                         bool /*transposed*/) {
    int row = 0;
    for (; row + kBlock * kLanes <= padded(rows); row += kBlock * kLanes) {
      accumulate_block<kBlock>(sums, panel, signs, masks, columns, row, batch);
    }
    for (; row < rows; row += kLanes) {
      accumulate_block<1>(sums, panel, signs, masks, columns, row, batch);
    }
  }

  static void encode(Codes& codes, int k, const std::int8_t* x, int units, int first_unit,
                     int log2_batch, const Update& update) {
    const int batch = 1 << log2_batch;
    alignas(64) std::uint8_t powers[16][kMaxBatch];  // a batch, or a vector's worth
    for (int first = 0; first < kWordBits; first += 16) {
      for (int lane = 0; lane < 16; ++lane) {
        const int unit = first + lane;
        if (unit < units) {
          const std::uint32_t element = static_cast<std::uint32_t>(first_unit + unit) << log2_batch;
          VectorCodes<Isa>::halved_powers(x + (unit << log2_batch), update.code_key, element,
                                          update.step, batch, powers[lane]);
        } else {
          std::memset(powers[lane], 0, static_cast<std::size_t>(batch));
        }
      }
      for (int lane = 0; lane < 16; lane += kLanes) {
        for (int quad = 0; quad < batch >> 2; quad += kLanes) {
          // What lies beyond a short batch is never read.
          Isa::transpose(reinterpret_cast<const std::int32_t*>(powers[lane]) + quad, kMaxBatch / 4,
                         codes.quads[quad] + k * kWordBits + first + lane, kGradientUnits);
        }
      }
    }
  }

  static void load_deltas(Deltas& deltas, const std::int8_t* source, int rows, int log2_batch) {
    for (int row = 0; row < kGradientRows; ++row) {
      deltas.row[row] = source + (smaller(row, rows - 1) << log2_batch);
      deltas.nonzero[row] = row < rows ? nonzero_quads(deltas.row[row], 1 << log2_batch) : 0;
    }
  }

  // The gradients of some word columns; the draws of their update are made meanwhile.
  static void shift_accumulate(Gradient& gradient, const Codes& codes, const Deltas& deltas,
                               std::uint32_t number, int outputs, const Update& update) {
    static_assert(kBlock * kLanes <= kGradientUnits, "a row is a whole number of blocks");
    const typename Draws::Schedule schedule(update.weight_key, update.step + 1);
    const std::uint32_t next = number + static_cast<std::uint32_t>(outputs);
    for (int row = 0; row < kGradientRows; row += 2) {
      const auto at = static_cast<std::uint32_t>(row);
      Draws draws(schedule, {number + at, number + at + 1, next + at, next + at + 1});
      for (int unit = 0; unit < kGradientUnits; unit += kBlock * kLanes) {
        dot_rows<kBlock, Dot>(deltas.nonzero + row, deltas.row[row], deltas.row[row + 1],
                              vector(codes.quads[0] + unit), kGradientUnits / kLanes,
                              company_of(draws, TwoRows()),
                              [&](int which, const Int(&sums)[kBlock]) {
#pragma GCC unroll 8
                                for (int v = 0; v < kBlock; ++v) {
                                  store(gradient.g[row + which] + unit + v * kLanes, sums[v]);
                                }
                              });
      }
      while (!draws.done()) draws.round();
      for (int word = 0; word < 4; ++word) {
        draws.store(word, gradient.halves[word >> 1][row + (word & 1)]);
      }
    }
  }

  static void sample(Word* sign, Word* mask, const Word* weights, int rows, std::uint32_t number,
                     Word there, int master_bits, const Sampler& sampler) {
    if (master_bits == 8) {
      Weights::sample(sign, mask, elements<std::int8_t>(weights), rows, number, there, sampler);
    } else {
      Weights::sample(sign, mask, elements<std::int16_t>(weights), rows, number, there, sampler);
    }
  }

  template <class Weight>
  static void update(const Gradient& gradient, int column, int rows, Weight* weights, Word* sign,
                     Word* mask, Word there, const Update& update) {
    Weights::update(gradient.g[0] + column * kWordBits, kGradientUnits, gradient.halves[column],
                    rows, weights, sign, mask, there, update);
  }

  // Bit q: whether quad q of a row is not zero.
  static std::uint64_t nonzero_quads(const std::int8_t* row, int batch) {
    std::uint64_t nonzero = 0;
    if (batch < 64) {
      for (int q = 0; q < batch >> 2; ++q) {
        nonzero |= std::uint64_t{quad_of(row, q) != 0 ? 1U : 0U} << q;
      }
    } else {
      for (int q = 0; q < batch >> 2; q += 16) {
        nonzero |= std::uint64_t{Isa::nonzero16(row + 4 * q)} << q;
      }
    }
    return nonzero;
  }

  static std::int32_t quad_of(const std::int8_t* row, int quad) {
    std::int32_t four;
    std::memcpy(&four, row + 4 * quad, sizeof(four));
    return four;
  }

 private:
  using Weights = VectorWeights<Isa, kGradientRows>;
  using TwoRows = std::integral_constant<bool, Isa::kTwoRows>;
  using Draws = VectorDraws<Isa, 2 * kGradientWords>;

  static const Int* vector(const std::int32_t* lanes) {
    return reinterpret_cast<const Int*>(lanes);
  }
  static const std::int8_t* bytes_of(const std::int32_t* quads) {
    return reinterpret_cast<const std::int8_t*>(quads);
  }
  static void store(std::int32_t* lanes, Int v) { *reinterpret_cast<Int*>(lanes) = v; }
  static int padded(int rows) { return (rows + kLanes - 1) & -kLanes; }

  static __m128i pair(Word low, Word high) {
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  }

  // Of four rows of 16 bytes: byte b of each as dword b of 16.
  static void interleave_bytes(__m128i (&r)[4]) {
    const __m128i low01 = _mm_unpacklo_epi8(r[0], r[1]);
    const __m128i low23 = _mm_unpacklo_epi8(r[2], r[3]);
    const __m128i high01 = _mm_unpackhi_epi8(r[0], r[1]);
    const __m128i high23 = _mm_unpackhi_epi8(r[2], r[3]);
    r[0] = _mm_unpacklo_epi16(low01, low23);
    r[1] = _mm_unpackhi_epi16(low01, low23);
    r[2] = _mm_unpacklo_epi16(high01, high23);
    r[3] = _mm_unpackhi_epi16(high01, high23);
  }

  template <int kHigh, int kWide>
  static void turn(const std::int32_t* from, std::int32_t* to) {
    for (int row = 0; row < kHigh; row += kLanes) {
      for (int column = 0; column < kWide; column += kLanes) {
        Isa::transpose(from + row * kWide + column, kWide, to + column * kHigh + row, kHigh);
      }
    }
  }

  // Draws keep a loop of products company where registers hold both.
  static Draws& company_of(Draws& draws, std::true_type /*two rows*/) { return draws; }
  static NoDraws& company_of(Draws& /*draws*/, std::false_type) {
    static NoDraws none;
    return none;
  }

  struct Dot {
    static Int run(Int sums, Int u8, Int s8) { return Isa::dot(sums, u8, s8); }
  };
  struct Step {
    static Int run(Int sums, Int u8, Int s8) { return Isa::step(sums, u8, s8); }
  };

  // Sums the products of two rows' nonzero quads with the block's vectors, and gives each row's
  // sums to take(which, sums): a row at a time, or both with one load of a vector where that is
  // less work. Of 8 vectors, a quad for one row takes the time of 10 products, as measured, a
  // vector being no faster to load.
  template <int kVectors, class Operation, class Company, class Take>
  static void dot_rows(const std::uint64_t* nonzero, const std::int8_t* first,
                       const std::int8_t* second, const Int* block, int stride, Company& company,
                       const Take& take) {
    const std::uint64_t either = nonzero[0] | nonzero[1];
    const int alone = __builtin_popcountll(nonzero[0]) + __builtin_popcountll(nonzero[1]);
    if (!Isa::kTwoRows || 2 * kVectors * __builtin_popcountll(either) > (kVectors + 2) * alone) {
      for (int which = 0; which < 2; ++which) {
        Int sums[kVectors] = {};
        dot_one<kVectors, Operation>(sums, nonzero[which], which == 0 ? first : second, block,
                                     stride, company);
        take(which, sums);
      }
      return;
    }
    Int sums[2][kVectors] = {};
    std::uint64_t left = either;
    for (; left != 0 && !company.done(); left &= left - 1) {
      dot_both<kVectors, Operation>(sums, __builtin_ctzll(left), first, second, block, stride);
      company.round();
    }
    for (; left != 0; left &= left - 1) {
      dot_both<kVectors, Operation>(sums, __builtin_ctzll(left), first, second, block, stride);
    }
    take(0, sums[0]);
    take(1, sums[1]);
  }

  template <int kVectors, class Operation>
  static void dot_both(Int (&sums)[2][kVectors], int quad, const std::int8_t* first,
                       const std::int8_t* second, const Int* block, int stride) {
    const Int a = Isa::splat(quad_of(first, quad));
    const Int b = Isa::splat(quad_of(second, quad));
    const Int* vectors = block + quad * stride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Int u8 = vectors[v];
      sums[0][v] = Operation::run(sums[0][v], u8, a);
      sums[1][v] = Operation::run(sums[1][v], u8, b);
    }
  }

  template <int kVectors, class Operation, class Company>
  static void dot_one(Int (&sums)[kVectors], std::uint64_t nonzero, const std::int8_t* quads,
                      const Int* block, int stride, Company& company) {
    for (; nonzero != 0 && !company.done(); nonzero &= nonzero - 1) {
      dot_quad<kVectors, Operation>(sums, __builtin_ctzll(nonzero), quads, block, stride);
      company.round();
    }
    for (; nonzero != 0; nonzero &= nonzero - 1) {
      dot_quad<kVectors, Operation>(sums, __builtin_ctzll(nonzero), quads, block, stride);
    }
  }

  template <int kVectors, class Operation>
  static void dot_quad(Int (&sums)[kVectors], int quad, const std::int8_t* quads, const Int* block,
                       int stride) {
    const Int x = Isa::splat(quad_of(quads, quad));
    const Int* vectors = block + quad * stride;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[v] = Operation::run(sums[v], vectors[v], x);
  }

  // The weights of some vectors of rows, plus one, four inputs a lane.
  template <int kVectors>
  struct Expanded {
    alignas(64) Int bytes[kPanelQuads * kVectors];
  };

  template <int kVectors>
  static void accumulate_block(Sums& sums, const Panel& panel,
                               const Word (&signs)[kPanelWords][kRows],
                               const Word (&masks)[kPanelWords][kRows], int columns, int row,
                               int batch) {
    const Scratch<Expanded<kVectors>> expanded;
    Int* const block = expanded->bytes;
    for (int k = 0; k < columns; ++k) {
      for (int v = 0; v < kVectors; ++v) {
        const int first = row + v * kLanes;
        Isa::expand(signs[k] + first, masks[k] + first, block + k * kQuads * kVectors + v,
                    kVectors);
      }
    }
    NoDraws alone;
    for (int b = 0; b < batch; b += 2) {
      dot_rows<kVectors, Step>(
          panel.nonzero + b, bytes_of(panel.quads[b]), bytes_of(panel.quads[b + 1]), block,
          kVectors, alone, [&](int which, const Int(&part)[kVectors]) {
            std::int32_t* z = sums.z[b + which] + row;
            const std::int32_t minus = panel.minus[b + which];
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
              store(z + v * kLanes, *vector(z + v * kLanes) + (Isa::total(part[v]) + minus));
            }
          });
    }
  }
};

}  // namespace fewmult
