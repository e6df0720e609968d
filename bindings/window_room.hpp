// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Memory of threads for rows of images, and sums over places: as much as the largest call needs.
// A call of a layer at places has it alone.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

namespace fewmult_bindings {

class WindowRoom {
 public:
  std::mutex& lock() { return lock_; }

  // So many bytes for each of so many shares. Throws std::bad_alloc. Under the lock.
  void reserve(std::size_t bytes, int shares);

  // Of one of them.
  char* of(int share) const { return first_ + bytes_ * static_cast<std::size_t>(share); }

 private:
  static constexpr std::size_t kAlignment = 4096;  // of a page: shares of threads are apart

  std::mutex lock_;
  std::unique_ptr<char[]> memory_;
  std::size_t there_ = 0;
  std::size_t bytes_ = 0;  // of a share
  char* first_ = nullptr;
};

}  // namespace fewmult_bindings
