// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Threads that stay: a step has a dozen phases of tens of microseconds, and starting a thread
// takes as long as one of them. A child of a fork gets a team of its own when it first needs one.
#pragma once

#include <atomic>
#include <functional>

namespace fewmult_bindings {

class Team;

class ThreadPool {
 public:
  // With so many threads, the caller's among them; with fewer where the system starts no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Calls work(0) .. work(shares - 1), the first on the calling thread; returns when all have.
  // `work` throws nothing. std::bad_alloc, before any of it is called, where memory is short.
  void run(int shares, const std::function<void(int)>& work);

  // How many there are.
  int threads();

 private:
  Team& team();

  const int wanted_;
  std::atomic<Team*> team_{nullptr};
};

}  // namespace fewmult_bindings
