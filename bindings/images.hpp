// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The host's part of a step: images become activations, and are moved by chance
// (docs/arithmetic.md, section 14). Eight examples at a time, as whole images.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/calls.hpp"

namespace fewmult_bindings {

// Some images of a set become x, [feature][example].
struct Loading {
  const std::uint8_t* images;   // [image][feature]
  const std::int64_t* chosen;   // images, of which each is there
  const std::uint8_t* offsets;  // taken off each place, [channel]; null: nothing is
  std::int8_t* x;
  int features;
  int channels;
  int batch;
};

// Some examples, a multiple of eight.
void load_images(const Loading& loading, fewmult_calls::Share examples);

// Images of x, [place][channel][example], each moved as it and the step draw it.
struct Moving {
  const std::int64_t* chosen;  // numbers of the images in their set
  std::int8_t* x;
  int channels;
  int rows;
  int columns;
  int batch;
  bool flip;
  int crop;  // a power of two, or 0
  std::uint32_t seed;
  std::uint32_t purpose;
  std::uint32_t step;
};

// What it needs of memory.
std::size_t bytes_of(const Moving& moving);

// Some examples, a multiple of eight, in such memory.
void move_images(const Moving& moving, fewmult_calls::Share examples, char* memory);

}  // namespace fewmult_bindings
