// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Activations as powers of two, as in kernels/power_of_two.hpp: a vector of bytes at a time, and
// the powers themselves in place of their codes.
#pragma once

#include <cstring>

#include "bindings/simd/vectors.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/threefry.hpp"

namespace fewmult {

template <class Isa>
struct VectorCodes {
  using Uint = typename Isa::Uint;
  using Bytes = typename Isa::Bytes;
  static constexpr int kLanes = Isa::kLanes;

  // 2^(c - 1) of the codes c of power_of_two.hpp, and 0 of code 0, for a unit over the batch.
  static void halved_powers(const std::int8_t* x, Key key, std::uint32_t element,
                            std::uint32_t step, int batch, std::uint8_t* powers) {
    for (int b = 0; b < batch; b += 8 * kLanes) {
      alignas(64) std::uint8_t random[8 * kLanes];
      alignas(64) std::uint8_t values[8 * kLanes] = {};
      const std::uint32_t draw = (element + static_cast<std::uint32_t>(b)) >> 3;
      const BitsOf<Uint> bits = threefry(key, Isa::counting() + draw, step);
      Isa::interleave(bits.low, bits.high, random);
      std::memcpy(values, x + b, static_cast<std::size_t>(smaller(batch - b, 8 * kLanes)));
      for (int k = 0; k < 8 * kLanes; k += 4 * kLanes) {
        store_bytes(powers + b + k, halved_power(bytes(values + k), bytes(random + k)));
      }
    }
  }

 private:
  static Bytes halved_power(Bytes x, Bytes random) {
    // All bits below the first one, then that one alone.
    Bytes below = x | x >> 1;
    below |= below >> 2;
    below |= below >> 4;
    const Bytes power = below - (below >> 1);
    // x - power, its binary point moved from below bit 0 to below bit 8 of power's place: the
    // chance of the power above, in 256ths.
    Bytes chance = x;
    chance = below < 16 ? chance << 4 : chance;
    below = below < 16 ? below << 4 : below;
    chance = below < 64 ? chance << 2 : chance;
    below = below < 64 ? below << 2 : below;
    chance = below < 128 ? chance << 1 : chance;
    chance <<= 1;
    const Bytes halved = chance > random ? power : power >> 1;
    return x == 1 ? (random >> 7 ^ 1) : halved;
  }

  static Bytes bytes(const std::uint8_t* from) { return *reinterpret_cast<const Bytes*>(from); }
  static void store_bytes(std::uint8_t* to, Bytes v) { *reinterpret_cast<Bytes*>(to) = v; }
};

}  // namespace fewmult
