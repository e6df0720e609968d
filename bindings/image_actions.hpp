// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// What the host does in a step, no kernel of the fabric, made of its records.
#pragma once

#include "bindings/action.hpp"

namespace fewmult_bindings {

Action load_batch(const Record& call);
Action augment_batch(const Record& call);

}  // namespace fewmult_bindings
