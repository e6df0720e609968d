// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The literal source of the fabric, on any CPU.
#define fewmult fewmult_portable
#include "bindings/level_of_tile.hpp"
#include "kernels/fabric_tile.hpp"

namespace fewmult {

struct PortableTile : OnScratch<FabricTile> {
  using Weights = Scratch<FabricTile::Weights>;
};

}  // namespace fewmult

namespace fewmult_bindings {

extern constexpr Level kPortableLevel = fewmult::level_of<fewmult::PortableTile>("portable");

}  // namespace fewmult_bindings
