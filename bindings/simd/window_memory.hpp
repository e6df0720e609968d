// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Arrays cut from a thread's memory, one after the other, each on a cache line of its own; without
// memory they are only measured.
#pragma once

#include <cstddef>

namespace fewmult {

class WindowMemory {
 public:
  explicit WindowMemory(char* memory) : memory_(memory) {}

  template <class T>
  T* take(std::ptrdiff_t count) {
    char* const at = memory_ == nullptr ? nullptr : memory_ + bytes_;
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + kLine - 1) & ~(kLine - 1);
    return reinterpret_cast<T*>(at);
  }

  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kLine = 64;

  char* const memory_;
  std::size_t bytes_ = 0;
};

}  // namespace fewmult
