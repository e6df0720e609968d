// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What follows from a gradient, 64 weights at a time: update, clip, next sample, as in
// kernels/weight_update.hpp and kernels/sample_weights.hpp.
#pragma once

#include "bindings/simd/vectors.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/sample_weights.hpp"
#include "kernels/threefry.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

// kRows: packed words that are updated together at most.
template <class Isa, int kRows>
struct VectorWeights {
  using Int = typename Isa::Int;
  using Uint = typename Isa::Uint;
  using Short = typename Isa::Short;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kShorts = 2 * kLanes;
  static constexpr int kShortVectors = kWordBits / kShorts;  // of a word's weights

  // Samples `rows` packed words, of which `number` is the first.
  template <class Weight>
  static void sample(Word* sign, Word* mask, const Weight* weights, int rows, std::uint32_t number,
                     Word there, const Sampler& sampler) {
    alignas(64) std::uint16_t halves[kWordBits];
    for (int row = 0; row < rows; ++row, weights += kWordBits) {
      draw(sampler.key, number + static_cast<std::uint32_t>(row), sampler.step, halves);
      Short w[kShortVectors];
      Short half[kShortVectors];
      for (int k = 0; k < kShortVectors; ++k) {
        half[k] = shorts(halves + k * kShorts);
        w[k] = Isa::load_weights(weights + k * kShorts);
      }
      const PackedWord packed = sampled<Weight>(w, half, sampler.sampling, there);
      sign[row] = packed.sign;
      mask[row] = packed.mask;
    }
  }

  // Updates and samples `rows` packed words with their draws; their gradients are `stride` apart.
  template <class Weight>
  static void update(const std::int32_t* gradient, int stride,
                     const std::uint16_t (&halves)[kRows][kWordBits], int rows, Weight* weights,
                     Word* sign, Word* mask, Word there, const Update& update) {
    if (update.shift > 0) {
      const Rounding rounding = rounding_of(update.shift);
      update_rows(gradient, stride, rows, weights, sign, mask, there, update.sampling, halves,
                  [&](Int g, const std::uint16_t* half) {
                    const Int byte = Isa::widen(half) & 0xFF;
                    const Int term = ((byte << rounding.left) + rounding.half) >> rounding.right;
                    return (g + term) >> update.shift;
                  });
    } else {
      update_rows(gradient, stride, rows, weights, sign, mask, there, update.sampling, halves,
                  [&](Int g, const std::uint16_t*) { return g << -update.shift; });
    }
  }

 private:
  static Int vector(const std::int32_t* lanes) { return *reinterpret_cast<const Int*>(lanes); }
  static Short shorts(const std::uint16_t* from) { return *reinterpret_cast<const Short*>(from); }

  static void draw(Key key, std::uint32_t number, std::uint32_t step,
                   std::uint16_t (&halves)[kWordBits]) {
    for (int draw = 0; draw < kWordBits / 4; draw += kLanes) {
      const Uint draws = Isa::counting() + ((number << 4) + static_cast<std::uint32_t>(draw));
      const BitsOf<Uint> bits = threefry(key, draws, step);
      Isa::interleave(bits.low, bits.high, reinterpret_cast<std::uint8_t*>(halves + 4 * draw));
    }
  }

  // change(gradients, their halves) is by how much weights change.
  template <class Weight, class Change>
  static void update_rows(const std::int32_t* g, int stride, int rows, Weight* weights, Word* sign,
                          Word* mask, Word there, Sampling sampling,
                          const std::uint16_t (&halves)[kRows][kWordBits], const Change& change) {
    for (int row = 0; row < rows; ++row, weights += kWordBits, g += stride) {
      Short w[kShortVectors];
      Short half[kShortVectors];
      for (int k = 0; k < kShortVectors; ++k) {
        const int low = k * kShorts;
        const int high = low + kLanes;
        half[k] = shorts(halves[row] + low);
        w[k] = clamped(
            Isa::join(Isa::widen(weights + low) - change(vector(g + low), halves[row] + low),
                      Isa::widen(weights + high) - change(vector(g + high), halves[row] + high)),
            Master<Weight>::kClip);
        Isa::store_weights(w[k], weights + low);
      }
      const PackedWord packed = sampled<Weight>(w, half, sampling, there);
      sign[row] = packed.sign;
      mask[row] = packed.mask;
    }
  }

  static Short clamped(Short w, std::int16_t bound) {
    const Short high = Short{} + bound;
    w = w < high ? w : high;
    return w > -high ? w : -high;
  }

  template <class Weight>
  static PackedWord sampled(const Short (&w)[kShortVectors], const Short (&half)[kShortVectors],
                            Sampling sampling, Word there) {
    const int sharpness = sampling.sharpness;
    Short threshold[kShortVectors];
    if (sampling.binary) {
      for (int k = 0; k < kShortVectors; ++k) {
        threshold[k] = binary_threshold<Weight>(half[k]) >> sharpness;
      }
      return {~Isa::bits_above(w, threshold) & there, there};
    }
    const std::int16_t middle = Master<Weight>::kOne >> 1;
    Short size[kShortVectors];
    for (int k = 0; k < kShortVectors; ++k) {
      size[k] = w[k] < 0 ? -w[k] : w[k];
      threshold[k] = ((ternary_threshold<Weight>(half[k]) - middle) >> sharpness) + middle;
    }
    const Word drawn = Isa::bits_above(size, threshold) & there;
    return {Isa::bits_below_zero(w) & drawn, drawn};
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
