// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Other Python threads run while this lives. At the end of the interpreter Python up to 3.13 ends
// a daemon thread that asks for the GIL, by unwinding its stack, which no destructor survives:
// such a thread rests here until the process is gone, as it does in later versions.
#pragma once

#include <Python.h>
#include <unistd.h>

namespace fewmult_bindings {

class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {
      for (;;) pause();
    }
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

}  // namespace fewmult_bindings
