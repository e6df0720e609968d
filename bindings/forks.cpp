// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/forks.hpp"

#include <pthread.h>

#include <atomic>
#include <new>

namespace fewmult_bindings {
namespace {

std::atomic<unsigned> forks{0};
std::mutex held_across_forks;

void before() { held_across_forks.lock(); }
void after() { held_across_forks.unlock(); }
void born() {
  ++forks;
  held_across_forks.unlock();
}

// When the module is loaded: before there is a thread whose fork could meet a half-made lock.
const int fault = pthread_atfork(before, after, born);

}  // namespace

unsigned generation() { return forks; }

std::mutex& lock_free_after_fork() {
  if (fault != 0) throw std::bad_alloc();
  return held_across_forks;
}

}  // namespace fewmult_bindings
