// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The tile of a CPU with vectors: what FabricTile computes, in another order and with other
// blocks. Both products and the gradient are sums of a vector's bytes times one sample's (or one
// output's) four bytes; four that are all zero are left out, and of deltas and pixels many are.
#pragma once

#include <cstring>

#include "bindings/simd/vectors.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/power_of_two.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/threefry.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

template <class Isa>
struct VectorTile {
  using Int = typename Isa::Int;
  using Uint = typename Isa::Uint;
  using Short = typename Isa::Short;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kBlock = 8;              // vectors of sums that registers hold
  static constexpr int kQuads = kWordBits / 4;  // groups of four inputs in a word
  static constexpr int kRows = 512;
  static constexpr int kGradientRows = 16;
  static constexpr int kGradientWords = 2;
  static constexpr int kGradientBlock = 2;
  static constexpr int kGradientUnits = kGradientWords * kWordBits;

  // 64 units over the batch: four units' bytes of a sample side by side.
  struct Panel {
    alignas(64) std::int32_t quads[kMaxBatch][kQuads];
    std::uint32_t nonzero[kMaxBatch];  // bit q: whether quad q is
    std::int32_t minus[kMaxBatch];     // minus the sum of the units: packed weights count one up
  };

  struct Sums {
    alignas(64) std::int32_t z[kMaxBatch][kRows];
    alignas(64) std::int32_t turned[kLanes][kMaxBatch];  // some rows, over the batch
  };

  // The powers of two, halved, as bytes: four samples' side by side.
  struct Codes {
    alignas(64) std::int32_t quads[kMaxBatch / 4][kGradientUnits];
  };

  struct Deltas {
    alignas(64) std::int32_t quads[kGradientRows][kMaxBatch / 4];
    std::uint64_t nonzero[kGradientRows];
  };

  struct Gradient {
    alignas(64) std::int32_t g[kGradientRows][kGradientUnits];
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

  static void finish_unit(const LayerPass& pass, const LayerArrays& arrays, int unit,
                          const std::int32_t* z) {
    fewmult::finish_unit(pass, arrays, unit, z);
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

  static void load(Panel& panel, const std::int8_t* source, int units, int log2_batch) {
    constexpr int kChunk = 16;
    alignas(64) static const std::int8_t zeros[kMaxBatch] = {};
    for (int first = 0; first < 1 << log2_batch; first += kChunk) {
      alignas(64) std::int32_t quads[kQuads][kChunk];
      const std::int8_t* rows[4];
      Int sums[kChunk / kLanes] = {};
      for (int q = 0; q < kQuads; ++q) {
        for (int k = 0; k < 4; ++k) {
          const int unit = 4 * q + k;
          rows[k] = unit < units ? source + (unit << log2_batch) + first : zeros;
        }
        interleave_bytes(rows, quads[q]);
        for (int v = 0; v < kChunk / kLanes; ++v) {
          sums[v] = Isa::dot(sums[v], Isa::splat(0x01010101), vector(quads[q])[v]);
        }
      }
      for (int v = 0; v < kChunk / kLanes; ++v) {
        store(panel.minus + first + v * kLanes, -sums[v]);
      }
      turn<kQuads, kChunk>(quads[0], panel.quads[first]);
      for (int b = first; b < first + kChunk; ++b) {
        panel.nonzero[b] = Isa::nonzero16(panel.quads[b]);
      }
    }
  }

  static void accumulate(Sums& sums, const Panel& panel, const PackedRows<kRows>& words, int rows,
                         int batch) {
    int row = 0;
    for (; row + kBlock * kLanes <= padded(rows); row += kBlock * kLanes) {
      accumulate_block<kBlock>(sums, panel, words, row, batch);
    }
    for (; row < rows; row += kLanes) accumulate_block<1>(sums, panel, words, row, batch);
  }

  static void encode(Codes& codes, int k, const std::int8_t* x, int units, int first_unit,
                     int log2_batch, const Update& update) {
    const int batch = 1 << log2_batch;
    alignas(64) std::uint8_t bytes[kMaxBatch];
    alignas(64) std::uint8_t powers[16][kMaxBatch];
    for (int first = 0; first < kWordBits; first += 16) {
      for (int lane = 0; lane < 16; ++lane) {
        const int unit = first + lane;
        if (unit < units) {
          draw_bytes(update.code_key, static_cast<std::uint32_t>(first_unit + unit) << log2_batch,
                     update.step, batch, bytes);
          halved_powers(x + (unit << log2_batch), bytes, batch, powers[lane]);
        } else {
          std::memset(powers[lane], 0, static_cast<std::size_t>(batch));
        }
      }
      for (int b = 0; b < batch; b += 4 * kLanes) {
        for (int lane = 0; lane < 16; lane += kLanes) {
          turn_some(reinterpret_cast<const std::int32_t*>(powers[lane] + b), kMaxBatch / 4,
                    codes.quads[b >> 2] + k * kWordBits + first + lane, smaller(batch - b, 4 * kLanes) >> 2);
        }
      }
    }
  }

  static void load_deltas(Deltas& deltas, const std::int8_t* source, int rows, int log2_batch) {
    const std::size_t batch = std::size_t{1} << log2_batch;
    for (int row = 0; row < rows; ++row) {
      std::memcpy(deltas.quads[row], source + (row << log2_batch), batch);
      std::memset(reinterpret_cast<char*>(deltas.quads[row]) + batch, 0, batch < 64 ? 64 - batch : 0);
      std::uint64_t nonzero = 0;
      for (std::size_t quad = 0; quad < batch / 4; quad += 16) {
        nonzero |= std::uint64_t{Isa::nonzero16(deltas.quads[row] + quad)} << quad;
      }
      deltas.nonzero[row] = nonzero;
    }
    for (int row = rows; row < kGradientRows; ++row) deltas.nonzero[row] = 0;
  }

  static void shift_accumulate(Gradient& gradient, const Codes& codes, int /*k*/,
                               const Deltas& deltas, int /*batch*/) {
    for (int row = 0; row < kGradientRows; ++row) {
      for (int unit = 0; unit < kGradientUnits; unit += kBlock * kLanes) {
        Int sums[kBlock] = {};
        for (std::uint64_t left = deltas.nonzero[row]; left != 0; left &= left - 1) {
          const int quad = __builtin_ctzll(left);
          const Int delta = Isa::splat(deltas.quads[row][quad]);
          const Int* powers = vector(codes.quads[quad] + unit);
#pragma GCC unroll 8
          for (int v = 0; v < kBlock; ++v) sums[v] = Isa::dot(sums[v], powers[v], delta);
        }
#pragma GCC unroll 8
        for (int v = 0; v < kBlock; ++v) store(gradient.g[row] + unit + v * kLanes, sums[v]);
      }
    }
  }

  template <class Weight>
  static PackedWord draw_word(const Weight* weights, std::uint32_t number, std::uint32_t step,
                              Key key, bool binary, Word there) {
    alignas(64) std::uint16_t halves[kWordBits];
    draw(key, number, step, halves);
    return sample(weights, halves, binary, there);
  }

  template <class Weight>
  static PackedWord update_word(Weight* weights, const Gradient& gradient, int column, int row,
                                std::uint32_t number, Word there, const Update& update) {
    alignas(64) std::uint16_t halves[kWordBits];
    draw(update.weight_key, number, update.step + 1, halves);
    const int right = larger(update.shift, 0);
    const int left = larger(-update.shift, 0);
    const Rounding rounding = rounding_of(right);
    const std::int32_t* g = gradient.g[row] + column * kWordBits;
    for (int lane = 0; lane < kWordBits; lane += kLanes) {
      const Int byte = Isa::widen(halves + lane) & 0xFF;
      const Int term = ((byte << rounding.left) + rounding.half) >> rounding.right;
      const Int change = ((*vector(g + lane) + term) >> right) << left;
      const Int w = Isa::clamp(Isa::widen(weights + lane) - change, -Master<Weight>::kClip,
                               Master<Weight>::kClip);
      Isa::narrow(w, weights + lane);
    }
    return sample(weights, halves, update.binary, there);
  }

 private:
  static const Int* vector(const std::int32_t* lanes) {
    return reinterpret_cast<const Int*>(lanes);
  }
  static void store(std::int32_t* lanes, Int v) { *reinterpret_cast<Int*>(lanes) = v; }
  static int padded(int rows) { return (rows + kLanes - 1) & -kLanes; }

  // Four rows of 16 bytes: dword b has byte b of each.
  static void interleave_bytes(const std::int8_t* const (&rows)[4], std::int32_t* out) {
    __m128i r[4];
    for (int k = 0; k < 4; ++k) {
      r[k] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[k]));
    }
    const __m128i low01 = _mm_unpacklo_epi8(r[0], r[1]);
    const __m128i low23 = _mm_unpacklo_epi8(r[2], r[3]);
    const __m128i high01 = _mm_unpackhi_epi8(r[0], r[1]);
    const __m128i high23 = _mm_unpackhi_epi8(r[2], r[3]);
    __m128i* const to = reinterpret_cast<__m128i*>(out);
    _mm_store_si128(to, _mm_unpacklo_epi16(low01, low23));
    _mm_store_si128(to + 1, _mm_unpackhi_epi16(low01, low23));
    _mm_store_si128(to + 2, _mm_unpacklo_epi16(high01, high23));
    _mm_store_si128(to + 3, _mm_unpackhi_epi16(high01, high23));
  }

  template <int kHigh, int kWide>
  static void turn(const std::int32_t* from, std::int32_t* to) {
    for (int row = 0; row < kHigh; row += kLanes) {
      for (int column = 0; column < kWide; column += kLanes) {
        Isa::transpose(from + row * kWide + column, kWide, to + column * kHigh + row, kHigh);
      }
    }
  }

  // kLanes rows of `columns` lanes, at most kLanes, into rows of kGradientUnits lanes.
  static void turn_some(const std::int32_t* from, int stride, std::int32_t* to, int columns) {
    if (columns == kLanes) {
      Isa::transpose(from, stride, to, kGradientUnits);
      return;
    }
    for (int column = 0; column < columns; ++column) {
      for (int lane = 0; lane < kLanes; ++lane) {
        to[column * kGradientUnits + lane] = from[lane * stride + column];
      }
    }
  }

  template <int kVectors>
  static void accumulate_block(Sums& sums, const Panel& panel, const PackedRows<kRows>& words,
                               int row, int batch) {
    alignas(64) Int block[kQuads * kVectors];
    for (int v = 0; v < kVectors; ++v) {
      Isa::expand(words.sign + row + v * kLanes, words.mask + row + v * kLanes, block + v,
                  kVectors);
    }
    for (int b = 0; b < batch; ++b) {
      Int part[kVectors] = {};
      for (std::uint32_t left = panel.nonzero[b]; left != 0; left &= left - 1) {
        const int quad = __builtin_ctz(left);
        const Int x = Isa::splat(panel.quads[b][quad]);
        const Int* weights = block + quad * kVectors;
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) part[v] = Isa::step(part[v], weights[v], x);
      }
      std::int32_t* z = sums.z[b] + row;
      const Int minus = Isa::splat(panel.minus[b]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        store(z + v * kLanes, *vector(z + v * kLanes) + (Isa::total(part[v]) + minus));
      }
    }
  }

  // 2^(c - 1) of the codes c of power_of_two.hpp, and 0 of code 0.
  static void halved_powers(const std::int8_t* x, const std::uint8_t* bytes, int batch,
                            std::uint8_t* powers) {
    for (int b = 0; b < batch; ++b) {
      powers[b] = static_cast<std::uint8_t>(1 << power_of_two_code(x[b], bytes[b]) >> 1);
    }
  }

  static void draw(Key key, std::uint32_t number, std::uint32_t step,
                   std::uint16_t (&halves)[kWordBits]) {
    for (int call = 0; call < kWordBits / 4; call += kLanes) {
      const Uint calls = Isa::counting() + ((number << 4) + static_cast<std::uint32_t>(call));
      const BitsOf<Uint> bits = threefry(key, calls, step);
      Isa::interleave(bits.low, bits.high, reinterpret_cast<std::uint8_t*>(halves + 4 * call));
    }
  }

  template <class Weight>
  static PackedWord sample(const Weight* weights, const std::uint16_t (&halves)[kWordBits],
                           bool binary, Word there) {
    constexpr int kShorts = 2 * kLanes;
    Short drawn[kWordBits / kShorts];
    Short minus[kWordBits / kShorts];
    for (int k = 0; k < kWordBits / kShorts; ++k) {
      const Short w = Isa::load_shorts(weights + k * kShorts);
      const Short half = Isa::load_shorts(reinterpret_cast<const std::int16_t*>(halves) + k * kShorts);
      if (binary) {
        minus[k] = w <= binary_threshold<Weight>(half);
      } else {
        drawn[k] = (w < 0 ? -w : w) > ternary_threshold<Weight>(half);
        minus[k] = drawn[k] & (w < 0);
      }
    }
    return {Isa::bits_of(minus) & there, binary ? there : Isa::bits_of(drawn) & there};
  }

  // rterm(q, NW - 1) of the high byte q of each half (contract, section 8).
  template <class Weight>
  static Short ternary_threshold(Short half) {
    if (sizeof(Weight) == 1) return (half >> 9) & 0x7F;
    return (half >> 1 & 0x7F80) | 64;
  }

  // rterm(q, NW) - 2^(NW - 1).
  template <class Weight>
  static Short binary_threshold(Short half) {
    if (sizeof(Weight) == 1) return (half >> 8 & 0xFF) - 128;
    return ((half & -256) | 128) ^ INT16_MIN;
  }
};

}  // namespace fewmult
