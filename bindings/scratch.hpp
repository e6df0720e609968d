// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A tile's blocks in scratch memory instead of on the stack. The kernels declare their blocks as
// the tile's types, and the tile's functions take them by reference: a type that gives out such a
// reference may stand in their place. Included after `fewmult` was renamed.
#pragma once

#include <type_traits>

#include "bindings/scratch_memory.hpp"

namespace fewmult {

template <class T>
class Scratch {
 public:
  static_assert(std::is_trivial<T>::value, "a block is memory, and nothing else");
  static_assert(alignof(T) <= fewmult_bindings::ScratchMemory::kAlignment, "blocks are aligned");

  Scratch() : block_(static_cast<T*>(fewmult_bindings::take_scratch(sizeof(T)))) {}
  ~Scratch() { fewmult_bindings::give_scratch_back(sizeof(T)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  operator T&() { return *block_; }
  operator const T&() const { return *block_; }
  T* operator->() const { return block_; }

 private:
  T* const block_;
};

template <class Tile>
struct OnScratch : Tile {
  using Sums = Scratch<typename Tile::Sums>;
  using Panel = Scratch<typename Tile::Panel>;
  using Codes = Scratch<typename Tile::Codes>;
  using Deltas = Scratch<typename Tile::Deltas>;
  using Gradient = Scratch<typename Tile::Gradient>;
  static_assert(sizeof(typename Tile::Sums) + sizeof(typename Tile::Panel) +
                        sizeof(typename Tile::Codes) + sizeof(typename Tile::Deltas) +
                        sizeof(typename Tile::Gradient) <=
                    fewmult_bindings::ScratchMemory::kBytes / 4 * 3,
                "the blocks of all kernels fit at once, and a quarter is left for smaller ones");
};

}  // namespace fewmult
