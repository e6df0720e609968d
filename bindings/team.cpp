// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/team.hpp"

#include <sched.h>

#include <new>

namespace fewmult_bindings {
namespace {

// About 50 microseconds: longer than the gap between two phases, too short to heat a room.
constexpr int kSpins = 2000;

// The default is 8 MiB here and 128 KiB there. Kernels need a tenth of this, a C library that puts
// its thread-local variables on the stack may take as much.
constexpr std::size_t kStackBytes = std::size_t{512} << 10;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  sched_yield();
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

Team::Team(int threads) {
  while (this->threads() < threads && start_worker()) {
  }
  threads_ = this->threads();
}

Team::~Team() {
  stop_ = true;
  {
    const std::lock_guard<std::mutex> lock(sleep_);
    wake_.notify_all();
  }
  for (Worker& worker : workers_) pthread_join(worker.thread, nullptr);
}

// False where the system has no memory or no thread left.
bool Team::start_worker() {
  try {
    workers_.emplace_back(this, threads());
  } catch (const std::bad_alloc&) {
    return false;
  }
  Worker& worker = workers_.back();
  pthread_attr_t attributes;
  int fault = pthread_attr_init(&attributes);
  if (fault == 0) {
    pthread_attr_setstacksize(&attributes, kStackBytes);
    fault = pthread_create(&worker.thread, &attributes, serve_as, &worker);
    pthread_attr_destroy(&attributes);
  }
  if (fault != 0) workers_.pop_back();
  return fault == 0;
}

void Team::run(int shares, const std::function<void(int)>& work) {
  const std::lock_guard<std::mutex> one_caller(callers_);
  work_ = &work;
  shares_ = shares;
  busy_ = threads_ - 1;
  caller_cpu_ = this_cpu();
  ++round_;
  if (asleep_ > 0) {
    const std::lock_guard<std::mutex> lock(sleep_);
    wake_.notify_all();
  }
  for (int share = 0; share < shares; share += threads_) work(share);
  for (int spins = 0; busy_ > 0; ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      sched_yield();  // more threads than cores
    }
  }
}

void* Team::serve_as(void* worker) {
  auto* const self = static_cast<Worker*>(worker);
  self->scratch.enter();
  self->team->serve(self->number);
  return nullptr;
}

void Team::serve(int number) {
  for (unsigned seen = 0; wait_for_work(seen); ++seen) {
    leave_cpu(caller_cpu_);
    for (int share = number; share < shares_; share += threads_) (*work_)(share);
    --busy_;
  }
}

// Whether there is a round after `seen`; false when the team ends.
bool Team::wait_for_work(unsigned seen) {
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
