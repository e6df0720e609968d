// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/window_room.hpp"

#include <cstdint>

namespace fewmult_bindings {

void WindowRoom::reserve(std::size_t bytes, int shares) {
  bytes_ = (bytes + kAlignment - 1) & ~(kAlignment - 1);
  const std::size_t all = bytes_ * static_cast<std::size_t>(shares) + kAlignment;
  if (all > there_) {
    memory_.reset();  // not both at once
    there_ = 0;
    memory_.reset(new char[all]);
    there_ = all;
  }
  const auto at = reinterpret_cast<std::uintptr_t>(memory_.get());
  first_ = memory_.get() + ((kAlignment - at % kAlignment) % kAlignment);
}

}  // namespace fewmult_bindings
