// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The literal source of the fabric, on any CPU.
#define fewmult fewmult_portable
#include "bindings/level_of_tile.hpp"
#include "kernels/fabric_tile.hpp"

namespace fewmult_bindings {
extern const Level kPortableLevel = fewmult::level_of<fewmult::FabricTile>("portable");
}
