// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Rows of an image turned to [example][column][channel], each kept while windows lie on it: what a
// window sees of a row is then consecutive bytes of an example, four channels a quad.
#pragma once

#include <cstring>

#include "bindings/places/window.hpp"
#include "bindings/simd/vectors.hpp"
#include "bindings/simd/window_memory.hpp"
#include "kernels/arithmetic.hpp"

namespace fewmult {

// Of four rows of 16 bytes: byte b of each as dword b of 16.
inline void interleave_four(__m128i (&r)[4]) {
  const __m128i low01 = _mm_unpacklo_epi8(r[0], r[1]);
  const __m128i low23 = _mm_unpacklo_epi8(r[2], r[3]);
  const __m128i high01 = _mm_unpackhi_epi8(r[0], r[1]);
  const __m128i high23 = _mm_unpackhi_epi8(r[2], r[3]);
  r[0] = _mm_unpacklo_epi16(low01, low23);
  r[1] = _mm_unpackhi_epi16(low01, low23);
  r[2] = _mm_unpacklo_epi16(high01, high23);
  r[3] = _mm_unpackhi_epi16(high01, high23);
}

template <class Isa>
class VectorStrips {
 public:
  using Int = typename Isa::Int;
  static constexpr int kLanes = Isa::kLanes;

  // `rows` of them are kept at once.
  VectorStrips(WindowMemory& memory, const Direction& view, int log2_batch, int rows)
      : columns_(view.source_columns),
        channels_(view.source_channels),
        quads_((view.source_channels + 3) >> 2),
        batch_(1 << log2_batch),
        rows_(rows),
        stride_(stride_of(std::ptrdiff_t{columns_} * quads_ * 4)),
        bytes_(memory.take<std::int8_t>(stride_ * batch_ * rows)),
        sums_(memory.take<std::int32_t>(std::ptrdiff_t{columns_} * batch_ * rows)) {}

  int columns() const { return columns_; }
  int quads() const { return quads_; }               // of a place
  std::ptrdiff_t stride() const { return stride_; }  // of an example's bytes

  // The first place of a row that is kept, of the first example.
  const std::int8_t* row(int row) const { return bytes_ + stride_ * batch_ * (row % rows_); }

  // The sums of a place's channels, over the batch.
  const std::int32_t* sums(int row, int column) const {
    return sums_ + (std::ptrdiff_t{row % rows_} * columns_ + column) * batch_;
  }

  // Takes in a row of the source.
  void load(const std::int8_t* source, int row) {
    std::int8_t* const to = bytes_ + stride_ * batch_ * (row % rows_);
    std::int32_t* const sums = sums_ + std::ptrdiff_t{row % rows_} * columns_ * batch_;
    std::memset(sums, 0,
                sizeof(std::int32_t) * static_cast<std::size_t>(columns_) *
                    static_cast<std::size_t>(batch_));
    source += std::ptrdiff_t{row} * columns_ * channels_ * batch_;
    const int all = columns_ * quads_;
    int column = 0;
    int quad = 0;  // of the column's place
    for (int first = 0; first < all; first += kQuads) {
      Block block;
      for (int q = 0; q < kQuads; ++q) {
        const int there = first + q < all ? smaller(4, channels_ - 4 * quad) : 0;
        for (int n = 0; n < 4; ++n) {
          block.row[4 * q + n] = n < there ? source : nullptr;
          if (n < there) source += batch_;
        }
        block.sums[q] = first + q < all ? sums + std::ptrdiff_t{column} * batch_ : nullptr;
        if (++quad == quads_) {
          quad = 0;
          ++column;
        }
      }
      for (int b = 0; b < batch_; b += kQuads) {
        turn(block, b, to + b * stride_ + 4 * std::ptrdiff_t{first});
      }
    }
  }

 private:
  static constexpr int kQuads = 16;  // that are turned at once, of as many examples

  // Rows of the source, and where their sums go; null for what is not there.
  struct Block {
    const std::int8_t* row[4 * kQuads];
    std::int32_t* sums[kQuads];
  };

  // Room for a block that begins in a row's last quad, and examples not all in the same cache sets.
  static std::ptrdiff_t stride_of(std::ptrdiff_t bytes) {
    const std::ptrdiff_t stride = (bytes + 4 * kQuads + 63) & -64;
    return (stride & 1023) == 0 ? stride + 64 : stride;
  }

  void turn(const Block& block, int b, std::int8_t* to) const {
    alignas(64) std::int32_t quads[kQuads][kQuads];
    for (int q = 0; q < kQuads; ++q) {
      __m128i rows[4];
      for (int n = 0; n < 4; ++n) {
        const std::int8_t* row = block.row[4 * q + n];
        rows[n] = row == nullptr ? _mm_setzero_si128()
                                 : _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + b));
      }
      interleave_four(rows);
      for (int n = 0; n < 4; ++n)
        _mm_store_si128(reinterpret_cast<__m128i*>(quads[q]) + n, rows[n]);
    }
    for (int n = 0; n < kQuads; n += kLanes) add_quads(block, b + n, quads[0] + n);
    for (int q = 0; q < kQuads; q += kLanes) {
      for (int n = 0; n < kQuads; n += kLanes) {
        Isa::transpose(quads[q] + n, kQuads, reinterpret_cast<std::int32_t*>(to + n * stride_) + q,
                       static_cast<int>(stride_ >> 2));
      }
    }
  }

  // To the sums of each column: what its quads come to first, for memory would make each wait for
  // the one before.
  static void add_quads(const Block& block, int b, const std::int32_t* quads) {
    const Int ones = Isa::splat(0x01010101);
    for (int q = 0; q < kQuads && block.sums[q] != nullptr;) {
      std::int32_t* const column = block.sums[q];
      Int sum = *reinterpret_cast<const Int*>(column + b);
      for (; q < kQuads && block.sums[q] == column; ++q) {
        sum = Isa::dot(sum, ones, *reinterpret_cast<const Int*>(quads + q * kQuads));
      }
      *reinterpret_cast<Int*>(column + b) = sum;
    }
  }

  const int columns_;
  const int channels_;
  const int quads_;
  const int batch_;
  const int rows_;
  const std::ptrdiff_t stride_;
  std::int8_t* const bytes_;
  std::int32_t* const sums_;
};

}  // namespace fewmult
