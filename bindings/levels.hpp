// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Which instruction set levels this build has and this CPU runs.
#pragma once

#include <vector>

#include "bindings/level.hpp"

namespace fewmult_bindings {

// The levels that run here, the slowest first. Never empty: `portable` runs everywhere.
std::vector<const Level*> levels_here();

}  // namespace fewmult_bindings
