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
  if (level_.at_places.layer != nullptr && !fewmult::is_dense(call)) return run_at_places(call);
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
  if (level_.at_places.gradient != nullptr && !fewmult::is_dense(call)) return run_at_places(call);
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

Cut cut_of(const fewmult::Direction& view, int threads) {
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

void Kernels::run_at_places(const fewmult_calls::Layer& call) {
  const fewmult::Direction view = fewmult::direction_of(call);
  const Cut cut = cut_of(view, threads());
  const auto units = static_cast<std::size_t>(view.units);
  const std::lock_guard<std::mutex> lock(room_.lock());
  room_.reserve(level_.at_places.layer_bytes(call), cut.shares);
  std::vector<std::int64_t> sums(units * static_cast<std::size_t>(cut.shares), 0);
  pool_.run(cut.shares, [&](int share) {
    const Share rows = cut.rows ? part_of(view.rows, share, cut.shares) : Share{0, view.rows};
    const Share of_units =
        cut.rows ? Share{0, view.units} : share_of(view.units, share, cut.shares);
    level_.at_places.layer(call, rows, of_units, room_.of(share),
                           sums.data() + units * static_cast<std::size_t>(share));
  });
  if (fewmult::pass_of(call) != fewmult::Pass::kBackward) return;
  auto* const bias = reinterpret_cast<std::int32_t*>(call.bias);
  for (std::size_t unit = 0; unit < units; ++unit) {
    std::int64_t sum = 0;
    for (std::size_t at = unit; at < sums.size(); at += units) sum += sums[at];
    bias[unit] = fewmult::stepped_bias(bias[unit], sum, call.bias_exponent);
  }
}

void Kernels::run_at_places(const fewmult_calls::ShiftGradient& call) {
  constexpr int kShareOutputs = 8;  // rows of a gradient's block
  const int blocks = (call.outputs + kShareOutputs - 1) / kShareOutputs;
  const int shares = std::max(1, std::min(threads(), blocks));
  const std::lock_guard<std::mutex> lock(room_.lock());
  room_.reserve(level_.at_places.gradient_bytes(call), shares);
  pool_.run(shares, [&](int share) {
    const Share some = part_of(blocks, share, shares);
    level_.at_places.gradient(
        call, {some.first * kShareOutputs, std::min(call.outputs, some.end * kShareOutputs)},
        room_.of(share));
  });
}

void Kernels::run(const fewmult_calls::Pool& call) {
  const int rows = fewmult::squares_along(call.rows, call.size);
  const int shares = std::max(1, std::min(threads(), rows));
  pool_.run(shares, [&](int share) { level_.pool(call, part_of(rows, share, shares)); });
}

namespace {

// Shares of whole cache lines, of a batch that is more than threads are woken for.
int shares_of_batch(std::ptrdiff_t features, int batch, int threads) {
  constexpr std::ptrdiff_t kLeast = 1 << 16;  // bytes
  constexpr int kLine = 64;
  return features * batch < kLeast ? 1 : std::max(1, std::min(threads, batch / kLine));
}

Share examples_of(int batch, int share, int shares) {
  constexpr int kEights = 8;
  const Share eights = part_of(batch / kEights, share, shares);
  return {eights.first * kEights, eights.end * kEights};
}

}  // namespace

void Kernels::run(const Loading& loading) {
  const int shares = shares_of_batch(loading.features, loading.batch, threads());
  pool_.run(shares,
            [&](int share) { load_images(loading, examples_of(loading.batch, share, shares)); });
}

void Kernels::run(const Moving& moving) {
  const std::ptrdiff_t row = std::ptrdiff_t{moving.columns} * moving.channels;
  const int shares = shares_of_batch(row * moving.rows, moving.batch, threads());
  const std::lock_guard<std::mutex> lock(room_.lock());
  room_.reserve(bytes_of(moving), shares);
  pool_.run(shares, [&](int share) {
    move_images(moving, examples_of(moving.batch, share, shares), room_.of(share));
  });
}

}  // namespace fewmult_bindings
