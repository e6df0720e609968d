// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/thread_pool.hpp"

#include "bindings/forks.hpp"
#include "bindings/scratch_memory.hpp"
#include "bindings/team.hpp"

namespace fewmult_bindings {

ThreadPool::ThreadPool(int threads) : wanted_(threads) {
  ScratchMemory::prepare();  // before others take what memory there is
  team();
}

ThreadPool::~ThreadPool() {
  Team* const team = team_;
  if (team->is_here()) delete team;
}

void ThreadPool::run(int shares, const std::function<void(int)>& work) {
  ScratchMemory::prepare();
  if (shares > 1 && threads() > 1) {
    team().run(shares, work);
  } else {
    for (int share = 0; share < shares; ++share) work(share);
  }
}

int ThreadPool::threads() { return team().threads(); }

Team& ThreadPool::team() {
  Team* team = team_;
  if (team != nullptr && team->is_here()) return *team;
  const std::lock_guard<std::mutex> lock(lock_free_after_fork());
  team = team_;  // another thread may have been faster
  if (team == nullptr || !team->is_here()) {
    team = new Team(wanted_);
    team_ = team;
  }
  return *team;
}

}  // namespace fewmult_bindings
