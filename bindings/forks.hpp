// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A fork takes along all memory and one thread. Who has threads finds out here that they are gone.
#pragma once

#include <mutex>

namespace fewmult_bindings {

// How many forks lie between this process and the one that loaded the module.
unsigned generation();

// A lock that is free in a child, whoever held it in the parent. Held for moments: a fork waits.
// Throws std::bad_alloc where the system had no memory to remember it.
std::mutex& lock_free_after_fork();

}  // namespace fewmult_bindings
