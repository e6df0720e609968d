// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels at one level, on some threads: each call is cut into shares of rows. Which thread
// computes a row never changes its bits.
#pragma once

#include <mutex>

#include "bindings/images.hpp"
#include "bindings/level.hpp"
#include "bindings/thread_pool.hpp"
#include "bindings/window_room.hpp"

namespace fewmult_bindings {

class Kernels {
 public:
  Kernels(const Level& level, int threads) : level_(level), pool_(threads) {}

  const Level& table() const { return level_; }
  const char* level() const { return level_.name; }
  int threads() { return pool_.threads(); }

  void run(const fewmult_calls::SampleWeights& call) { level_.sample_weights(call); }
  void run(const fewmult_calls::BinaryMatmul& call);
  void run(const fewmult_calls::Normalize& call) { level_.normalize(call); }
  // Layers at places may throw std::bad_alloc, before anything is written.
  void run(const fewmult_calls::Layer& call);
  // The updated weights take the place of the weights.
  void run(const fewmult_calls::ShiftGradient& call);

  void run(const fewmult_calls::Pool& call);

  // The host's part of a step.
  void run(const Loading& loading);
  void run(const Moving& moving);  // grows the threads' memory, too

 private:
  // These grow the threads' memory first: std::bad_alloc, before anything is written.
  void run_at_places(const fewmult_calls::Layer& call);
  void run_at_places(const fewmult_calls::ShiftGradient& call);

  const Level& level_;
  ThreadPool pool_;
  WindowRoom room_;
};

}  // namespace fewmult_bindings
