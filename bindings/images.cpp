// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/images.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/arithmetic.hpp"
#include "kernels/threefry.hpp"

namespace fewmult_bindings {
namespace {

constexpr int kAtOnce = 8;  // examples

// Byte i of word k becomes byte k of word i, in memory as in a little-endian word.
void transpose_bytes(std::uint64_t (&block)[kAtOnce]) {
  std::uint64_t low = 0x00000000FFFFFFFFU;
  for (int span = 4; span > 0; span >>= 1) {
    for (int k = 0; k < kAtOnce; ++k) {
      if ((k & span) != 0) continue;
      const std::uint64_t exchange = (block[k] >> 8 * span ^ block[k + span]) & low;
      block[k] ^= exchange << 8 * span;
      block[k + span] ^= exchange;
    }
    low ^= low << 4 * span;
  }
}

// From [example][feature], `stride` bytes an example, to [feature][example] from x on, or back.
template <bool kBack>
void turn(std::int8_t* images, std::ptrdiff_t stride, std::int8_t* x, std::ptrdiff_t batch,
          int features) {
  for (int feature = 0; feature < features; feature += 8) {
    const auto there = static_cast<std::size_t>(std::min(8, features - feature));
    std::uint64_t block[kAtOnce] = {};
    for (std::size_t k = 0; k < (kBack ? there : kAtOnce); ++k) {
      const auto at = static_cast<std::ptrdiff_t>(k);
      std::memcpy(&block[k], kBack ? x + (feature + at) * batch : images + at * stride + feature,
                  kBack ? kAtOnce : there);
    }
    transpose_bytes(block);
    for (std::size_t k = 0; k < (kBack ? kAtOnce : there); ++k) {
      const auto at = static_cast<std::ptrdiff_t>(k);
      std::memcpy(kBack ? images + at * stride + feature : x + (feature + at) * batch, &block[k],
                  kBack ? there : kAtOnce);
    }
  }
}

void halve(const std::uint8_t* pixels, int count, std::int8_t* x) {
  for (int k = 0; k < count; ++k) x[k] = static_cast<std::int8_t>(pixels[k] >> 1);
}

// The same of pixels less offsets, which come as what they lack to 255: the mean of two bytes,
// halves up, is what vectors have an instruction for.
void halve_less(const std::uint8_t* pixels, const std::uint8_t* lacks, int count, std::int8_t* x) {
  for (int k = 0; k < count; ++k) {
    const int half = ((pixels[k] + lacks[k] + 1) >> 1) - (fewmult::kActivationMax + 1);
    x[k] = static_cast<std::int8_t>(std::max(half, -fewmult::kActivationMax));
  }
}

}  // namespace

void load_images(const Loading& loading, fewmult_calls::Share examples) {
  constexpr int kFeatures = 512;  // at once
  for (int b = examples.first; b < examples.end; b += kAtOnce) {
    int channel = 0;
    for (int first = 0; first < loading.features; first += kFeatures) {
      const int there = std::min(kFeatures, loading.features - first);
      std::uint8_t lacks[kFeatures];
      for (int k = 0; loading.offsets != nullptr && k < there; ++k) {
        lacks[k] = static_cast<std::uint8_t>(~loading.offsets[channel]);
        if (++channel == loading.channels) channel = 0;
      }
      std::int8_t images[kAtOnce][kFeatures];
      for (int k = 0; k < kAtOnce; ++k) {
        const std::uint8_t* const pixels =
            loading.images + loading.chosen[b + k] * loading.features + first;
        if (loading.offsets != nullptr) {
          halve_less(pixels, lacks, there, images[k]);
        } else {
          halve(pixels, there, images[k]);
        }
      }
      turn<false>(images[0], kFeatures, loading.x + std::ptrdiff_t{first} * loading.batch + b,
                  loading.batch, there);
    }
  }
}

namespace {

struct Move {
  int rows;
  int columns;
  bool mirrored;
};

// One of -crop .. crop.
int place_of(std::uint32_t half, int crop) {
  return crop == 0
             ? 0
             : static_cast<int>((half * (2U * static_cast<std::uint32_t>(crop) + 1U)) >> 16) - crop;
}

Move move_of(const Moving& moving, int example) {
  const auto number = static_cast<std::uint32_t>(moving.chosen[example]);
  const fewmult::Bits64 bits =
      fewmult::threefry(fewmult::Key{moving.seed, moving.purpose}, number, moving.step);
  return {place_of(bits.low & 0xFFFFU, moving.crop), place_of(bits.low >> 16, moving.crop),
          moving.flip && (bits.high & 1) != 0};
}

// What is seen of a row that goes to the left, and from right to left if it is mirrored.
void move_row(const std::int8_t* row, const Move& move, int columns, int channels,
              std::int8_t* to) {
  const auto place = static_cast<std::size_t>(channels);
  const int begin = std::max(0, -move.columns);
  const int end = std::min(columns, columns - move.columns);
  row += std::ptrdiff_t{begin + move.columns} * channels;
  if (!move.mirrored) {
    std::memcpy(to + std::ptrdiff_t{begin} * channels, row,
                static_cast<std::size_t>(end - begin) * place);
    return;
  }
  to += std::ptrdiff_t{columns - 1 - begin} * channels;
  for (int column = begin; column < end; ++column, row += channels, to -= channels) {
    std::memcpy(to, row, place);
  }
}

std::ptrdiff_t features_of(const Moving& moving) {
  return std::ptrdiff_t{moving.rows} * moving.columns * moving.channels;
}

}  // namespace

std::size_t bytes_of(const Moving& moving) {
  return 2 * kAtOnce * static_cast<std::size_t>(features_of(moving));
}

void move_images(const Moving& moving, fewmult_calls::Share examples, char* memory) {
  const std::ptrdiff_t features = features_of(moving);
  const std::ptrdiff_t row = std::ptrdiff_t{moving.columns} * moving.channels;
  auto* const images = reinterpret_cast<std::int8_t*>(memory);
  std::int8_t* const moved = images + kAtOnce * features;
  for (int b = examples.first; b < examples.end; b += kAtOnce) {
    turn<true>(images, features, moving.x + b, moving.batch, static_cast<int>(features));
    std::memset(moved, 0, kAtOnce * static_cast<std::size_t>(features));
    for (int k = 0; k < kAtOnce; ++k) {
      const Move move = move_of(moving, b + k);
      const int end = std::min(moving.rows, moving.rows - move.rows);
      for (int r = std::max(0, -move.rows); r < end; ++r) {
        const std::ptrdiff_t image = k * features;
        move_row(images + image + (r + move.rows) * row, move, moving.columns, moving.channels,
                 moved + image + r * row);
      }
    }
    turn<false>(moved, features, moving.x + b, moving.batch, static_cast<int>(features));
  }
}

}  // namespace fewmult_bindings
