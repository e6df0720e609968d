// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What a host asks an overlay before it trusts it. Every top leaves this number in a register that
// can be read over the bus. `fewmult-hls build` writes this file anew for every overlay, with a
// hash of all that the overlay is made from; 0 is a kernel that no overlay holds.
#pragma once

#include <cstdint>

namespace fewmult {

constexpr std::uint32_t kBuildId = 0;

}  // namespace fewmult
