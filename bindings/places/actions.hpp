// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Calls of layers at places (docs/arithmetic.md, section 14), made of their records.
#pragma once

#include "bindings/action.hpp"

namespace fewmult_bindings {

Action convolution(const Record& call);
Action convolution_gradient(const Record& call);
Action pool(const Record& call);

}  // namespace fewmult_bindings
