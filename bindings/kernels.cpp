// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/kernels.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "bindings/places/convolution.hpp"
#include "bindings/places/pool.hpp"
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

namespace {

// How a call's rows of places or its units are shared: whichever gives the largest share less.
struct Cut {
  bool rows;
  int shares;
};

Cut cut_of(const fewmult::View& view, int threads) {
  const int by_rows = std::max(1, std::min(threads, view.rows));
  const int by_units = shares_of(view.units, threads);
  const auto largest = [](int all, int step, int shares) {
    const int steps = (all + step - 1) / step;
    return static_cast<double>((steps + shares - 1) / shares) / steps;
  };
  // A row that two shares see is turned twice, but units that are shared turn all of them.
  const bool rows = largest(view.rows, 1, by_rows) <= largest(view.units, kShareRows, by_units);
  return {rows, rows ? by_rows : by_units};
}

Share part_of(int all, int share, int shares) {
  const auto bound = [&](int k) {
    return static_cast<int>(static_cast<long long>(all) * k / shares);
  };
  return {bound(share), bound(share + 1)};
}

}  // namespace

void Kernels::run(const fewmult_calls::Convolution& call) {
  const fewmult::View view = fewmult::view_of(call);
  const Cut cut = cut_of(view, threads());
  const auto units = static_cast<std::size_t>(view.units);
  const std::lock_guard<std::mutex> lock(room_.lock());
  room_.reserve(level_.convolution_bytes(call), cut.shares);
  std::vector<std::int64_t> sums(units * static_cast<std::size_t>(cut.shares), 0);
  pool_.run(cut.shares, [&](int share) {
    const Share rows = cut.rows ? part_of(view.rows, share, cut.shares) : Share{0, view.rows};
    const Share of_units =
        cut.rows ? Share{0, view.units} : share_of(view.units, share, cut.shares);
    level_.convolution(call, rows, of_units, room_.of(share),
                       sums.data() + units * static_cast<std::size_t>(share));
  });
  if (fewmult::pass_of(call) != fewmult::Pass::kBackward) return;
  for (std::size_t unit = 0; unit < units; ++unit) {
    std::int64_t sum = 0;
    for (std::size_t at = unit; at < sums.size(); at += units) sum += sums[at];
    call.bias[unit] = fewmult::stepped_bias_of_places(call.bias[unit], sum, call.bias_exponent);
  }
}

void Kernels::run(const fewmult_calls::ConvolutionGradient& call) {
  constexpr int kShareOutputs = 8;  // rows of a gradient's block
  const int blocks = (call.outputs + kShareOutputs - 1) / kShareOutputs;
  const int shares = std::max(1, std::min(threads(), blocks));
  const std::lock_guard<std::mutex> lock(room_.lock());
  room_.reserve(level_.convolution_gradient_bytes(call), shares);
  pool_.run(shares, [&](int share) {
    const Share some = part_of(blocks, share, shares);
    level_.convolution_gradient(
        call, {some.first * kShareOutputs, std::min(call.outputs, some.end * kShareOutputs)},
        room_.of(share));
  });
}

void Kernels::run(const fewmult_calls::Pool& call) {
  const int rows = fewmult::squares_along(call.rows, call.size);
  const int shares = std::max(1, std::min(threads(), rows));
  pool_.run(shares, [&](int share) { level_.pool(call, part_of(rows, share, shares)); });
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
