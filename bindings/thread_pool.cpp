// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/thread_pool.hpp"

#include <sched.h>
#include <unistd.h>

namespace fewmult_bindings {
namespace {

// About 50 microseconds: longer than the gap between two phases, too short to heat a room.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Moves this thread to another CPU than `taken`, if it may use one. Woken threads are often put on
// the CPU that woke them, which is about to be busy, and Linux takes 100 ms to see that.
void leave_cpu(int taken) {
#ifdef __linux__
  cpu_set_t allowed;
  if (taken < 0 || sched_getcpu() != taken ||
      sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2) {
    return;
  }
  cpu_set_t others = allowed;
  CPU_CLR(taken, &others);
  sched_setaffinity(0, sizeof(others), &others);
  sched_setaffinity(0, sizeof(allowed), &allowed);
#else
  (void)taken;
#endif
}

int this_cpu() {
#ifdef __linux__
  return sched_getcpu();
#else
  return -1;
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : process_(getpid()) {
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { serve(thread); });
  }
}

ThreadPool::~ThreadPool() {
  if (process_ != getpid()) {  // the threads live in another process
    for (std::thread& worker : workers_) worker.detach();
    return;
  }
  stop_ = true;
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    wake_.notify_all();
  }
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(int shares, const std::function<void(int)>& work) {
  if (shares == 1 || workers_.empty() || process_ != getpid()) {
    for (int share = 0; share < shares; ++share) work(share);
    return;
  }
  const std::lock_guard<std::mutex> one_caller(callers_);
  work_ = &work;
  shares_ = shares;
  busy_ = static_cast<int>(workers_.size());
  caller_cpu_ = this_cpu();
  ++round_;
  if (asleep_ > 0) {
    const std::lock_guard<std::mutex> lock(sleep_);
    wake_.notify_all();
  }
  for (int share = 0; share < shares; share += threads()) work(share);
  for (int spins = 0; busy_ > 0; ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();  // more threads than cores
    }
  }
}

void ThreadPool::serve(int thread) {
  for (unsigned seen = 0; wait_for_work(seen); ++seen) {
    leave_cpu(caller_cpu_);
    for (int share = thread; share < shares_; share += threads()) (*work_)(share);
    --busy_;
  }
}

// Whether there is a round after `seen`; false when the pool ends.
bool ThreadPool::wait_for_work(unsigned seen) {
  for (int spins = 0; spins < kSpins; ++spins) {
    if (round_ != seen || stop_) return !stop_;
    pause();
  }
  std::unique_lock<std::mutex> lock(sleep_);
  ++asleep_;
  wake_.wait(lock, [&] { return round_ != seen || stop_; });
  --asleep_;
  return !stop_;
}

}  // namespace fewmult_bindings
