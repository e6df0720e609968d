// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The draws of kernels/threefry.hpp with vectors: a vector of them at once.
#pragma once

#include "bindings/simd/vectors.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

// A whole vector of draws at once, side by side: what a batch leaves over is not used.
template <class Isa>
struct DrawsAtOnce {
  static void bytes(Key key, std::uint32_t first, std::uint32_t step, int batch,
                    std::uint8_t (&bytes)[kMaxBatch]) {
    static_assert(kMaxBatch / 8 % Isa::kLanes == 0, "the last vector of draws is whole");
    for (int draw = 0; draw < batch >> 3; draw += Isa::kLanes) {
      const typename Isa::Uint draws =
          Isa::counting() + ((first >> 3) + static_cast<std::uint32_t>(draw));
      const BitsOf<typename Isa::Uint> bits = threefry(key, draws, step);
      Isa::interleave(bits.low, bits.high, bytes + 8 * draw);
    }
  }
};

// The draws of several packed words, a round at a time: so that the rounds can fill the pipes
// that a loop of products leaves idle.
template <class Isa, int kWords>
struct VectorDraws {
  using Uint = typename Isa::Uint;
  static constexpr int kVectors = kWordBits / 4 / Isa::kLanes;  // of draws, a word
  static constexpr int kChains = kWords * kVectors;

  // The rounds' distances, and what is added after each: the same for all draws of an update.
  struct Schedule {
    std::int32_t distance[kThreefryRounds];
    std::uint32_t low[kThreefryRounds];
    std::uint32_t high[kThreefryRounds];
    Key key;
    std::uint32_t step;

    Schedule(Key for_key, std::uint32_t for_step) : low(), high(), key(for_key), step(for_step) {
      constexpr std::int32_t distances[8] = {13, 15, 26, 6, 17, 29, 16, 24};
      for (int round = 0; round < kThreefryRounds; ++round) distance[round] = distances[round & 7];
      const std::uint32_t parity = 0x1BD11BDAU ^ key.seed ^ key.purpose;
      const std::uint32_t keys[3] = {key.seed, key.purpose, parity};
      for (std::uint32_t i = 1; 4 * i <= kThreefryRounds; ++i) {
        low[4 * i - 1] = keys[i % 3];
        high[4 * i - 1] = keys[(i + 1) % 3] + i;
      }
    }
  };

  VectorDraws(const Schedule& schedule, const std::uint32_t (&numbers)[kWords])
      : schedule_(schedule), round_(0) {
    for (int chain = 0; chain < kChains; ++chain) {
      const std::uint32_t first = (numbers[chain / kVectors] << 4) +
                                  static_cast<std::uint32_t>(chain % kVectors * Isa::kLanes);
      low_[chain] = Isa::counting() + (first + schedule.key.seed);
      high_[chain] = Uint{} + (schedule.step + schedule.key.purpose);
    }
  }

  bool done() const { return round_ == kThreefryRounds; }

  void round() {
    const std::uint32_t low = schedule_.low[round_];
    const std::uint32_t high = schedule_.high[round_];
    const std::int32_t distance = schedule_.distance[round_];
#pragma GCC unroll 8
    for (int chain = 0; chain < kChains; ++chain) {
      low_[chain] += high_[chain];
      high_[chain] = Isa::rotate(high_[chain], distance) ^ low_[chain];
      low_[chain] += low;
      high_[chain] += high;
    }
    ++round_;
  }

  // The halves of word `word`, when all rounds are done.
  void store(int word, std::uint16_t (&halves)[kWordBits]) const {
    for (int v = 0; v < kVectors; ++v) {
      Isa::interleave(low_[word * kVectors + v], high_[word * kVectors + v],
                      reinterpret_cast<std::uint8_t*>(halves + 4 * v * Isa::kLanes));
    }
  }

 private:
  const Schedule& schedule_;
  int round_;
  Uint low_[kChains];
  Uint high_[kChains];
};

// In place of draws where a loop of products has no company.
struct NoDraws {
  bool done() const { return true; }
  void round() {}
};

}  // namespace fewmult
