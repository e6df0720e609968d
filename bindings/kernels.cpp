// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kernels/passes.hpp"

namespace fewmult_bindings {
namespace {

constexpr int kShareRows = 64;  // a packed word of a transposed product: shares begin at words

using fewmult_calls::Share;

int shares_of(int rows, int threads) { return std::max(1, std::min(threads, rows / kShareRows)); }

Share share_of(int rows, int share, int shares) {
  const int words = (rows + kShareRows - 1) / kShareRows;
  const auto bound = [&](int k) { return std::min(rows, words * k / shares * kShareRows); };
  return {bound(share), bound(share + 1)};
}

// Byte i of word k becomes byte k of word i, in memory as in a little-endian word.
void transpose_bytes(std::uint64_t (&block)[8]) {
  std::uint64_t low = 0x00000000FFFFFFFFU;
  for (int span = 4; span > 0; span >>= 1) {
    for (int k = 0; k < 8; ++k) {
      if ((k & span) != 0) continue;
      const std::uint64_t exchange = (block[k] >> 8 * span ^ block[k + span]) & low;
      block[k] ^= exchange << 8 * span;
      block[k + span] ^= exchange;
    }
    low ^= low << 4 * span;
  }
}

// How far the words of unit `first` are from those of unit 0.
std::ptrdiff_t words_before(int first, bool transposed, int outputs) {
  return transposed ? std::ptrdiff_t{first / 64} * outputs : first;
}

}  // namespace

void Kernels::run(const fewmult_calls::BinaryMatmul& call) {
  const int units = call.transposed != 0 ? call.inputs : call.outputs;
  const int shares = shares_of(units, threads());
  pool_.run(shares, [&](int share) {
    const Share range = share_of(units, share, shares);
    fewmult_calls::BinaryMatmul part = call;
    part.sign += words_before(range.first, call.transposed != 0, call.outputs);
    part.mask += words_before(range.first, call.transposed != 0, call.outputs);
    level_.binary_matmul(part, range);
  });
}

void Kernels::run(const fewmult_calls::Layer& call) {
  const bool transposed = fewmult::sends_back(fewmult::pass_of(call));
  const int units = fewmult::units_of(call);
  const int shares = shares_of(units, threads());
  std::vector<std::uint64_t> losses(static_cast<std::size_t>(shares), 0);
  pool_.run(shares, [&](int share) {
    const Share range = share_of(units, share, shares);
    fewmult_calls::Layer part = call;
    part.sign += words_before(range.first, transposed, call.outputs);
    part.mask += words_before(range.first, transposed, call.outputs);
    part.loss = &losses[static_cast<std::size_t>(share)];
    level_.layer(part, range);
  });
  if (call.loss != nullptr) {
    auto* const loss = reinterpret_cast<std::int32_t*>(call.loss);
    for (const std::uint64_t share : losses) *loss += static_cast<std::int32_t>(share);
  }
}

void Kernels::run(const fewmult_calls::ShiftGradient& call) {
  const int shares = shares_of(call.outputs, threads());
  pool_.run(shares,
            [&](int share) { level_.shift_gradient(call, share_of(call.outputs, share, shares)); });
}

void Kernels::gather(const std::uint8_t* images, const std::int64_t* chosen, std::int8_t* inputs,
                     int features, int batch) {
  const auto width = static_cast<std::size_t>(features);
  const auto examples = static_cast<std::size_t>(batch);
  for (std::size_t b = 0; b < examples; b += 8) {  // a batch is a multiple of 16
    const std::uint8_t* rows[8];
    for (std::size_t k = 0; k < 8; ++k) {
      rows[k] = images + static_cast<std::size_t>(chosen[b + k]) * width;
    }
    for (std::size_t feature = 0; feature < width; feature += 8) {
      const std::size_t there = std::min<std::size_t>(8, width - feature);
      std::uint64_t block[8] = {};
      for (std::size_t k = 0; k < 8; ++k) {
        std::memcpy(&block[k], rows[k] + feature, there);
        block[k] = block[k] >> 1 & 0x7F7F7F7F7F7F7F7FU;
      }
      transpose_bytes(block);
      for (std::size_t k = 0; k < there; ++k) {
        std::memcpy(inputs + (feature + k) * examples + b, &block[k], 8);
      }
    }
  }
}

}  // namespace fewmult_bindings
