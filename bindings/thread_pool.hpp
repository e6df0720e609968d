// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Threads that stay: a step has a dozen phases of tens of microseconds, and starting a thread
// takes as long as one of them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fewmult_bindings {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Calls work(0) .. work(shares - 1), the first on the calling thread; returns when all have.
  void run(int shares, const std::function<void(int)>& work);

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

 private:
  void serve(int thread);
  bool wait_for_work(unsigned seen);

  std::mutex callers_;  // one caller at a time
  std::mutex sleep_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> busy_{0};
  std::atomic<int> asleep_{0};
  std::atomic<bool> stop_{false};
  const std::function<void(int)>* work_ = nullptr;
  int shares_ = 0;
  int caller_cpu_ = -1;
  int process_;  // a fork takes no threads along
  std::vector<std::thread> workers_;
};

}  // namespace fewmult_bindings
