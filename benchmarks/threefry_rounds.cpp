// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Draws for benchmarks/threefry_rounds.py, which compiles and calls these functions.
#include <cstdint>
#include <random>

#include "kernels/threefry.hpp"

namespace {

using fewmult::Bits64;
using fewmult::Key;

// Threefry with any number of rounds, looped.
Bits64 looped_threefry(int rounds, Key key, std::uint32_t element, std::uint32_t step) {
  constexpr int kRotations[8] = {13, 15, 26, 6, 17, 29, 16, 24};
  const std::uint32_t keys[3] = {key.seed, key.purpose, 0x1BD11BDAU ^ key.seed ^ key.purpose};
  Bits64 x = {element + keys[0], step + keys[1]};
  for (int round = 0; round < rounds; ++round) {
    const int distance = kRotations[round & 7];
    x.low += x.high;
    x.high = (x.high << distance | x.high >> (32 - distance)) ^ x.low;
    if ((round & 3) == 3) {
      const std::uint32_t turn = static_cast<std::uint32_t>(round >> 2) + 1;
      fewmult::threefry_inject(x, keys[turn % 3], keys[(turn + 1) % 3] + turn);
    }
  }
  return x;
}

// One draw: the kernels' function where there is one.
std::uint64_t draw(int rounds, Key key, std::uint32_t element, std::uint32_t step) {
  const Bits64 x = rounds == 13   ? fewmult::threefry<13>(key, element, step)
                   : rounds == 20 ? fewmult::threefry<20>(key, element, step)
                                  : looped_threefry(rounds, key, element, step);
  return std::uint64_t{x.high} << 32 | x.low;
}

// Makes the compiler believe that somebody reads what was drawn.
template <class T>
void use(T& drawn) {
  asm volatile("" : : "g"(&drawn) : "memory");
}

}  // namespace

extern "C" {

// The halves of `words` packed words, as a layer's update draws them.
void draw_weights(int words, std::uint32_t step) {
  std::uint16_t halves[fewmult::kWordBits];
  for (int word = 0; word < words; ++word) {
    for (int call = 0; call < fewmult::kWordBits / 4; ++call) {
      const auto number = static_cast<std::uint32_t>(word << 4 | call);
      const Bits64 bits = fewmult::threefry({1, 2}, number, step);
      for (int k = 0; k < 4; ++k) {
        halves[call * 4 + k] = static_cast<std::uint16_t>(fewmult::half_of(bits, k));
      }
    }
    use(halves);
  }
}

// The bytes of `units` units, as codes and deltas draw them.
void draw_samples(int units, int batch, std::uint32_t step) {
  std::uint8_t bytes[fewmult::kMaxBatch];
  for (int unit = 0; unit < units; ++unit) {
    for (int call = 0; call < batch >> 3; ++call) {
      const auto number = static_cast<std::uint32_t>((unit * batch >> 3) + call);
      const Bits64 bits = fewmult::threefry({1, 3}, number, step);
      for (int k = 0; k < 8; ++k) {
        bytes[call * 8 + k] = static_cast<std::uint8_t>(fewmult::byte_of(bits, k));
      }
    }
    use(bytes);
  }
}

// Draws of consecutive elements at step `fixed`, or of consecutive steps for element `fixed`.
void draw_stream(int rounds, std::uint32_t seed, std::uint32_t purpose, bool steps,
                 std::uint32_t fixed, int count, std::uint64_t* out) {
  for (int i = 0; i < count; ++i) {
    const std::uint32_t moving = static_cast<std::uint32_t>(i);
    out[i] = draw(rounds, {seed, purpose}, steps ? fixed : moving, steps ? moving : fixed);
  }
}

// How often flipping input bit i (element, step, seed, purpose: 32 bits each) flips output bit o:
// flips[64 i + o], over `count` random inputs as large as training has them.
void count_flips(int rounds, int count, std::uint32_t* flips) {
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    std::uint32_t in[4] = {static_cast<std::uint32_t>(random()) >> 14,
                           static_cast<std::uint32_t>(random()) >> 14,
                           static_cast<std::uint32_t>(random()) >> 22,
                           static_cast<std::uint32_t>(random()) >> 30 | 1U << 8};
    const std::uint64_t before = draw(rounds, {in[2], in[3]}, in[0], in[1]);
    for (int bit = 0; bit < 128; ++bit) {
      in[bit >> 5] ^= 1U << (bit & 31);
      const std::uint64_t flipped = draw(rounds, {in[2], in[3]}, in[0], in[1]) ^ before;
      in[bit >> 5] ^= 1U << (bit & 31);
      for (int out = 0; out < 64; ++out) {
        flips[(bit << 6) + out] += static_cast<std::uint32_t>(flipped >> out & 1);
      }
    }
  }
}

}  // extern "C"
