// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels at one instruction set level: a table of functions on plain pointers and numbers.
// Each level is compiled in a translation unit of its own, with its own compiler flags; nothing but
// these tables crosses between them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/calls.hpp"

namespace fewmult_bindings {

// Layers at places where a level has its own way with them, else null: they are taken as the fabric
// takes them. Rows of places and units of each; what each unit's bias steps by is added to `sums`.
// They work in memory of the thread, of so many bytes.
struct PlaceFunctions {
  std::size_t (*layer_bytes)(const fewmult_calls::Layer&);
  void (*layer)(const fewmult_calls::Layer&, fewmult_calls::Share rows, fewmult_calls::Share units,
                char* memory, std::int64_t* sums);
  std::size_t (*gradient_bytes)(const fewmult_calls::ShiftGradient&);
  void (*gradient)(const fewmult_calls::ShiftGradient&, fewmult_calls::Share outputs, char* memory);
};

struct Level {
  const char* name;
  void (*sample_weights)(const fewmult_calls::SampleWeights&);
  void (*binary_matmul)(const fewmult_calls::BinaryMatmul&, fewmult_calls::Share units);
  void (*normalize)(const fewmult_calls::Normalize&);
  void (*layer)(const fewmult_calls::Layer&, fewmult_calls::Share units);
  void (*shift_gradient)(const fewmult_calls::ShiftGradient&, fewmult_calls::Share outputs);
  PlaceFunctions at_places;
  void (*pool)(const fewmult_calls::Pool&, fewmult_calls::Share rows);
  // The instructions of a product and of a gradient on registers alone, `loops` times; returns
  // how many multiply-accumulates they stand for. Null for a level whose instructions are the
  // compiler's choice.
  std::int64_t (*product_peak)(std::int64_t loops);
  std::int64_t (*gradient_peak)(std::int64_t loops);
};

}  // namespace fewmult_bindings
