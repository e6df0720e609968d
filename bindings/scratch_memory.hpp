// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Memory of a thread for what the fabric keeps on chip: half a megabyte of sums is too much for a
// stack, which some systems make as small as 128 KiB. It is taken and given back like a stack, but
// reserved before a kernel begins: no kernel allocates.
#pragma once

#include <cstddef>

namespace fewmult_bindings {

class ScratchMemory {
 public:
  static constexpr std::size_t kBytes = std::size_t{1} << 20;
  static constexpr std::size_t kAlignment = 64;  // of a cache line, and of the widest vector

  // Throws std::bad_alloc.
  ScratchMemory();
  ~ScratchMemory();
  ScratchMemory(const ScratchMemory&) = delete;
  ScratchMemory& operator=(const ScratchMemory&) = delete;

  // Makes it that of the calling thread.
  void enter();

  // Gives the calling thread memory of its own, unless it has some. Throws std::bad_alloc.
  static void prepare();

 private:
  char* const memory_;
};

// Of the calling thread's memory; blocks are given back in the reverse order.
void* take_scratch(std::size_t bytes) noexcept;
void give_scratch_back(std::size_t bytes) noexcept;

}  // namespace fewmult_bindings
