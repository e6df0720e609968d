// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The threads of a pool in one process, and all that they share.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "bindings/forks.hpp"
#include "bindings/scratch_memory.hpp"

namespace fewmult_bindings {

class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // See ThreadPool. One caller at a time; the others wait.
  void run(int shares, const std::function<void(int)>& work);

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Whether its threads are in this process. Where they are not, it must never be destroyed: its
  // locks may be held, and its condition waited for, by threads that are no more.
  bool is_here() const { return generation_ == generation(); }

 private:
  struct Worker {
    Team* team;
    int number;
    pthread_t thread;
    ScratchMemory scratch;

    Worker(Team* of, int with_number) : team(of), number(with_number), thread() {}
  };

  bool start_worker();
  static void* serve_as(void* worker);
  void serve(int number);
  bool wait_for_work(unsigned seen);

  const unsigned generation_ = generation();
  std::mutex callers_;
  std::mutex sleep_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> busy_{0};
  std::atomic<int> asleep_{0};
  std::atomic<bool> stop_{false};
  const std::function<void(int)>* work_ = nullptr;
  int shares_ = 0;
  int threads_ = 1;  // of a round: a worker that starts may not look at those after it
  int caller_cpu_ = -1;
  std::deque<Worker> workers_;  // each keeps its address
};

}  // namespace fewmult_bindings
