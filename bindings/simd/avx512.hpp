// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What a vector tile needs of AVX-512 F, BW, DQ and VL; and of its byte dot product, VNNI.
#pragma once

#include <immintrin.h>

#include "bindings/simd/vectors.hpp"

namespace fewmult {

struct Avx512 : Vectors<64> {
  static constexpr int kBlock = 8;        // vectors of sums of a row
  static constexpr bool kTwoRows = true;  // whether registers hold those of two

  // sums of 4 products of an unsigned and a signed byte, added to 32-bit lanes
  static Int dot(Int sums, Int u8, Int s8) {
    const __m512i pairs = _mm512_maddubs_epi16(raw(u8), raw(s8));
    return sums + Int(_mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }

  // The same, in steps that may be cheaper: `total` makes lanes of what `step` left. The unsigned
  // bytes are at most 2, and there are at most 16 steps, so that 16 bits hold a sum.
  static Int step(Int sums, Int u8, Int s8) {
    return Int(_mm512_add_epi16(raw(sums), _mm512_maddubs_epi16(raw(u8), raw(s8))));
  }
  static Int total(Int sums) { return Int(_mm512_madd_epi16(raw(sums), _mm512_set1_epi16(1))); }

  // Bit n: whether lane n of 16 is not zero.
  static std::uint32_t nonzero16(const void* lanes) {
    const __m512i all = _mm512_loadu_si512(lanes);
    return _mm512_test_epi32_mask(all, all);
  }

  // Weights plus one, as bytes, of 16 rows: lane n of out[q * stride] has inputs 4q .. 4q + 3 of
  // row n. A sign outside its mask counts as nothing, as in the fabric.
  static void expand(const Word* sign, const Word* mask, Int* out, int stride) {
    const __m512i bits =
        _mm512_setr_epi32(0x01010101, 0x01010102, 0x01010201, 0x01010202, 0x01020101, 0x01020102,
                          0x01020201, 0x01020202, 0x02010101, 0x02010102, 0x02010201, 0x02010202,
                          0x02020101, 0x02020102, 0x02020201, 0x02020202);
    const __m512i twos =
        _mm512_setr_epi32(0x00000000, 0x00000002, 0x00000200, 0x00000202, 0x00020000, 0x00020002,
                          0x00020200, 0x00020202, 0x02000000, 0x02000002, 0x02000200, 0x02000202,
                          0x02020000, 0x02020002, 0x02020200, 0x02020202);
    for (int half = 0; half < 2; ++half) {
      __m512i m = dwords(mask, half);
      __m512i s = _mm512_and_si512(dwords(sign, half), m);
      for (int q = 0; q < 8; ++q) {
        *out = Int(
            _mm512_sub_epi8(_mm512_permutexvar_epi32(m, bits), _mm512_permutexvar_epi32(s, twos)));
        out += stride;
        s = _mm512_srli_epi32(s, 4);
        m = _mm512_srli_epi32(m, 4);
      }
    }
  }

  // Byte n of a lane is y[n] of it, clamped to 0 .. most.
  static Int clamped_bytes(const Int (&y)[4], int most) {
    const __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(raw(y[0]), raw(y[1])),
                                              _mm512_packs_epi32(raw(y[2]), raw(y[3])));
    const __m512i turned =
        _mm512_shuffle_epi8(bytes, _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2,
                                                                        6, 10, 14, 3, 7, 11, 15)));
    return Int(_mm512_min_epu8(turned, _mm512_set1_epi8(static_cast<char>(most))));
  }

  // Turns a block of 16 x 16 lanes; strides in lanes.
  static void transpose(const std::int32_t* from, int from_stride, std::int32_t* to,
                        int to_stride) {
    __m512i a[16];
    __m512i b[16];
    for (int k = 0; k < 16; ++k) a[k] = _mm512_loadu_si512(from + k * from_stride);
    for (int k = 0; k < 16; k += 2) {
      b[k] = _mm512_unpacklo_epi32(a[k], a[k + 1]);
      b[k + 1] = _mm512_unpackhi_epi32(a[k], a[k + 1]);
    }
    for (int k = 0; k < 16; k += 4) {
      a[k] = _mm512_unpacklo_epi64(b[k], b[k + 2]);
      a[k + 1] = _mm512_unpackhi_epi64(b[k], b[k + 2]);
      a[k + 2] = _mm512_unpacklo_epi64(b[k + 1], b[k + 3]);
      a[k + 3] = _mm512_unpackhi_epi64(b[k + 1], b[k + 3]);
    }
    for (int k = 0; k < 4; ++k) {
      b[k] = _mm512_shuffle_i32x4(a[k], a[k + 4], 0x88);
      b[k + 4] = _mm512_shuffle_i32x4(a[k], a[k + 4], 0xDD);
      b[k + 8] = _mm512_shuffle_i32x4(a[k + 8], a[k + 12], 0x88);
      b[k + 12] = _mm512_shuffle_i32x4(a[k + 8], a[k + 12], 0xDD);
    }
    for (int k = 0; k < 4; ++k) {
      _mm512_storeu_si512(to + k * to_stride, _mm512_shuffle_i32x4(b[k], b[k + 8], 0x88));
      _mm512_storeu_si512(to + (k + 8) * to_stride, _mm512_shuffle_i32x4(b[k], b[k + 8], 0xDD));
      _mm512_storeu_si512(to + (k + 4) * to_stride,
                          _mm512_shuffle_i32x4(b[k + 4], b[k + 12], 0x88));
      _mm512_storeu_si512(to + (k + 12) * to_stride,
                          _mm512_shuffle_i32x4(b[k + 4], b[k + 12], 0xDD));
    }
  }

  static Uint rotate(Uint v, int n) {
    return Uint(_mm512_rolv_epi32(raw(v), _mm512_set1_epi32(n)));
  }

  // low[0], high[0], low[1], high[1], .. : the 64-bit draws in their order in memory.
  static void interleave(Uint low, Uint high, std::uint8_t* out) {
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i second =
        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi32(raw(low), first, raw(high)));
    _mm512_storeu_si512(out + 64, _mm512_permutex2var_epi32(raw(low), second, raw(high)));
  }

  // out[t]: bit t of 64 bytes.
  static void bits_of_bytes(const std::int32_t* bytes, Word* out) {
    __m512i v = _mm512_load_si512(bytes);
    for (int t = 7; t >= 0; --t) {
      out[t] = _mm512_movepi8_mask(v);
      v = _mm512_add_epi8(v, v);
    }
  }

  // 32 weights as 16-bit lanes, and back.
  static Short load_weights(const std::int16_t* from) { return Short(_mm512_loadu_si512(from)); }
  static Short load_weights(const std::int8_t* from) {
    return Short(_mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
  }
  static void store_weights(Short w, std::int16_t* to) { _mm512_storeu_si512(to, raw(w)); }
  static void store_weights(Short w, std::int8_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi16_epi8(raw(w)));
  }

  static Int widen(const std::uint16_t* from) {
    return Int(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
  }
  static Int widen(const std::int16_t* from) {
    return Int(_mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
  }
  static Int widen(const std::int8_t* from) {
    return Int(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }

  // 32-bit lanes, saturated, as 16-bit ones.
  static Short join(Int low, Int high) {
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return Short(_mm512_permutexvar_epi64(order, _mm512_packs_epi32(raw(low), raw(high))));
  }

  // Bit n: whether lane n of 64 in a is above that in b; whether it is below zero.
  static Word bits_above(const Short (&a)[2], const Short (&b)[2]) {
    return _mm512_cmpgt_epi16_mask(raw(a[0]), raw(b[0])) |
           Word{_mm512_cmpgt_epi16_mask(raw(a[1]), raw(b[1]))} << 32;
  }
  static Word bits_below_zero(const Short (&a)[2]) {
    return _mm512_movepi16_mask(raw(a[0])) | Word{_mm512_movepi16_mask(raw(a[1]))} << 32;
  }

 private:
  template <class Vector>
  static __m512i raw(Vector v) {
    return (__m512i)v;
  }

  // The low or high halves of 16 words.
  static __m512i dwords(const Word* words, int half) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i index = _mm512_add_epi32(even, _mm512_set1_epi32(half));
    return _mm512_permutex2var_epi32(_mm512_loadu_si512(words), index,
                                     _mm512_loadu_si512(words + 8));
  }
};

struct Vnni : Avx512 {
  // An instruction, not its intrinsic: g++ 12 would keep the sums of the intrinsic in memory.
  static Int dot(Int sums, Int u8, Int s8) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(u8), "v"(s8));
    return sums;
  }
  static Int step(Int sums, Int u8, Int s8) { return dot(sums, u8, s8); }
  static Int total(Int sums) { return sums; }
};

}  // namespace fewmult
