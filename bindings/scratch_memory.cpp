// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/scratch_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace fewmult_bindings {
namespace {

thread_local char* top = nullptr;

std::size_t padded(std::size_t bytes) {
  return (bytes + ScratchMemory::kAlignment - 1) & ~(ScratchMemory::kAlignment - 1);
}

// Pages from the system: an allocator would reserve an arena for every thread.
char* pages() {
  void* const memory = mmap(nullptr, ScratchMemory::kBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<char*>(memory);
}

}  // namespace

ScratchMemory::ScratchMemory() : memory_(pages()) {}

ScratchMemory::~ScratchMemory() { munmap(memory_, kBytes); }

void ScratchMemory::enter() { top = memory_; }

void ScratchMemory::prepare() {
  if (top != nullptr) return;
  thread_local ScratchMemory own;
  own.enter();
}

void* take_scratch(std::size_t bytes) noexcept {
  char* const block = top;
  top += padded(bytes);
  return block;
}

void give_scratch_back(std::size_t bytes) noexcept { top -= padded(bytes); }

}  // namespace fewmult_bindings
