// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The elements of an array that a call takes in words. Calls name arrays as the fabric's ports do,
// and a CPU reads them as they lie: the first element of a word is its lowest byte in memory.
// Included after `fewmult` was renamed.
#pragma once

#include "kernels/arithmetic.hpp"

namespace fewmult {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements lie in words lowest first");

template <class T>
const T* elements(const Word* words) {
  return reinterpret_cast<const T*>(words);
}

template <class T>
T* elements(Word* words) {
  return reinterpret_cast<T*>(words);
}

}  // namespace fewmult
