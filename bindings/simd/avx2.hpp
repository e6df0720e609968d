// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What a vector tile needs, of AVX2; the same functions as in avx512.hpp, where they are described.
#pragma once

#include <immintrin.h>

#include "bindings/simd/vectors.hpp"

namespace fewmult {

struct Avx2 : Vectors<32> {
  static constexpr int kBlock = 8;         // vectors of sums of a row
  static constexpr bool kTwoRows = false;  // whether registers hold those of two

  static Int dot(Int sums, Int u8, Int s8) {
    const __m256i pairs = _mm256_maddubs_epi16(raw(u8), raw(s8));
    return sums + Int(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static Int step(Int sums, Int u8, Int s8) {
    return Int(_mm256_add_epi16(raw(sums), _mm256_maddubs_epi16(raw(u8), raw(s8))));
  }
  static Int total(Int sums) { return Int(_mm256_madd_epi16(raw(sums), _mm256_set1_epi16(1))); }

  static std::uint32_t nonzero16(const void* lanes) {
    const char* bytes = static_cast<const char*>(lanes);
    return ~(zero8(bytes) | zero8(bytes + 32) << 8) & 0xFFFFU;
  }

  // A byte of 0 / -1 is made of each bit: the byte that holds it, and that bit compared with 1.
  static void expand(const Word* sign, const Word* mask, Int* out, int stride) {
    const __m256i bits[2] = {_mm256_set1_epi32(0x08040201),
                             _mm256_set1_epi32(static_cast<int>(0x80402010U))};
    const __m256i one = _mm256_set1_epi8(1);
    for (int half = 0; half < 2; ++half) {
      const __m256i m = dwords(mask, half);
      const __m256i s = _mm256_and_si256(dwords(sign, half), m);
      for (int q = 0; q < 8; ++q) {
        const __m256i spread =
            _mm256_add_epi8(_mm256_set1_epi8(static_cast<char>(q >> 1)),
                            _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 0,
                                             0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12));
        const __m256i minus = all_of(_mm256_shuffle_epi8(s, spread), bits[q & 1]);
        const __m256i there = all_of(_mm256_shuffle_epi8(m, spread), bits[q & 1]);
        *out = Int(_mm256_add_epi8(_mm256_sub_epi8(one, there), _mm256_add_epi8(minus, minus)));
        out += stride;
      }
    }
  }

  static Int clamped_bytes(const Int (&y)[4], int most) {
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(raw(y[0]), raw(y[1])),
                                              _mm256_packs_epi32(raw(y[2]), raw(y[3])));
    const __m256i turned =
        _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                                       0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)));
    return Int(_mm256_min_epu8(turned, _mm256_set1_epi8(static_cast<char>(most))));
  }

  static void transpose(const std::int32_t* from, int from_stride, std::int32_t* to,
                        int to_stride) {
    __m256i a[8];
    __m256i b[8];
    for (int k = 0; k < 8; ++k) a[k] = load(from + k * from_stride);
    for (int k = 0; k < 8; k += 2) {
      b[k] = _mm256_unpacklo_epi32(a[k], a[k + 1]);
      b[k + 1] = _mm256_unpackhi_epi32(a[k], a[k + 1]);
    }
    for (int k = 0; k < 8; k += 4) {
      a[k] = _mm256_unpacklo_epi64(b[k], b[k + 2]);
      a[k + 1] = _mm256_unpackhi_epi64(b[k], b[k + 2]);
      a[k + 2] = _mm256_unpacklo_epi64(b[k + 1], b[k + 3]);
      a[k + 3] = _mm256_unpackhi_epi64(b[k + 1], b[k + 3]);
    }
    for (int k = 0; k < 4; ++k) {
      save(to + k * to_stride, _mm256_permute2x128_si256(a[k], a[k + 4], 0x20));
      save(to + (k + 4) * to_stride, _mm256_permute2x128_si256(a[k], a[k + 4], 0x31));
    }
  }

  static Uint rotate(Uint v, int n) { return v << n | v >> (32 - n); }

  static void interleave(Uint low, Uint high, std::uint8_t* out) {
    const __m256i even = _mm256_unpacklo_epi32(raw(low), raw(high));
    const __m256i odd = _mm256_unpackhi_epi32(raw(low), raw(high));
    save(out, _mm256_permute2x128_si256(even, odd, 0x20));
    save(out + 32, _mm256_permute2x128_si256(even, odd, 0x31));
  }

  static void bits_of_bytes(const std::int32_t* bytes, Word* out) {
    __m256i a = load(bytes);
    __m256i b = load(bytes + 8);
    for (int t = 7; t >= 0; --t) {
      out[t] = Word{bits32(a)} | Word{bits32(b)} << 32;
      a = _mm256_add_epi8(a, a);
      b = _mm256_add_epi8(b, b);
    }
  }

  static Short load_weights(const std::int16_t* from) { return Short(load(from)); }
  static Short load_weights(const std::int8_t* from) {
    return Short(_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static void store_weights(Short w, std::int16_t* to) { save(to, raw(w)); }
  static void store_weights(Short w, std::int8_t* to) {
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(raw(w), raw(w)), 0x08);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
  }

  static Int widen(const std::uint16_t* from) { return Int(_mm256_cvtepu16_epi32(load16(from))); }
  static Int widen(const std::int16_t* from) { return Int(_mm256_cvtepi16_epi32(load16(from))); }
  static Int widen(const std::int8_t* from) {
    return Int(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }

  static Short join(Int low, Int high) {
    return Short(_mm256_permute4x64_epi64(_mm256_packs_epi32(raw(low), raw(high)), 0xD8));
  }

  static Word bits_above(const Short (&a)[4], const Short (&b)[4]) {
    return bits_below_zero({a[0] > b[0], a[1] > b[1], a[2] > b[2], a[3] > b[3]});
  }
  static Word bits_below_zero(const Short (&a)[4]) {
    return Word{bits32(a[0], a[1])} | Word{bits32(a[2], a[3])} << 32;
  }

 private:
  template <class Vector>
  static __m256i raw(Vector v) {
    return (__m256i)v;
  }
  static __m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
  }
  static __m128i load16(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
  }
  static void save(void* to, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }

  static std::uint32_t zero8(const char* lanes) {
    const __m256i zero = _mm256_cmpeq_epi32(load(lanes), _mm256_setzero_si256());
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(zero)));
  }

  static __m256i all_of(__m256i v, __m256i bits) {
    return _mm256_cmpeq_epi8(_mm256_and_si256(v, bits), bits);
  }

  // The low or high halves of 8 words.
  static __m256i dwords(const Word* words, int half) {
    const __m256i a = load(words);
    const __m256i b = load(words + 4);
    const __m256 pick =
        half == 0 ? _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88)
                  : _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xDD);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(pick), 0xD8);
  }

  static std::uint32_t bits32(Short a, Short b) {
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(raw(a), raw(b)), 0xD8);
    return bits32(packed);
  }
  static std::uint32_t bits32(__m256i bytes) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
  }
};

}  // namespace fewmult
