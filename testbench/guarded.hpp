// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The memory that a top works in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "testbench/elements.hpp"

// Co-simulation of Vitis HLS copies as many elements as a port's `depth` says, of arrays that are
// there or not: the largest depth makes every array that long, in words. 0: just as long as it must
// be.
#ifndef FEWMULT_PORT_DEPTH
#define FEWMULT_PORT_DEPTH 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define FEWMULT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FEWMULT_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef FEWMULT_ADDRESS_SANITIZER
#define FEWMULT_ADDRESS_SANITIZER 0
#endif

namespace golden {

// The sanitizer guards the ends of an allocation itself, reads included, but not of a part of it.
constexpr std::size_t kGuard = FEWMULT_ADDRESS_SANITIZER != 0 ? 0 : 256;
constexpr std::size_t kShortest = FEWMULT_PORT_DEPTH;

// An array in words, between two zones of known values. Where none are given it holds these as
// well, so that what a top does not write is not right by chance. What is left of its last word is
// nobody's.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t length)
      : length_(length),
        inner_(std::max(whole_words<T>(length), kShortest)),
        memory_(new std::uint64_t[kGuard + inner_ + kGuard]) {
    std::fill(memory_.get(), memory_.get() + kGuard + inner_ + kGuard, kPattern);
  }

  explicit Guarded(const std::vector<T>& values) : Guarded(values.size()) {
    for (std::size_t k = 0; k < values.size(); ++k) set_element(words(), k, values[k]);
  }

  std::uint64_t* words() { return memory_.get() + kGuard; }
  const std::uint64_t* words() const { return memory_.get() + kGuard; }
  T operator[](std::size_t k) const { return element<T>(words(), k); }
  std::size_t length() const { return length_; }

  bool intact() const {
    const std::uint64_t* const first = memory_.get();
    const auto changed = [](std::uint64_t word) { return word != kPattern; };
    return std::none_of(first, first + kGuard, changed) &&
           std::none_of(words() + whole_words<T>(length_), words() + inner_ + kGuard, changed);
  }

 private:
  static constexpr std::uint64_t kPattern = 0xA5A5A5A5A5A5A5A5U;

  std::size_t length_;
  std::size_t inner_;
  std::unique_ptr<std::uint64_t[]> memory_;
};

template <class T>
constexpr std::uint64_t Guarded<T>::kPattern;

}  // namespace golden
