// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The epilogue of normalize_top and layer_top, out of a case. Which arrays a pass touches is the
// case's to say, as EPILOGUES in contract/calls.py said when it was written; the others have no
// elements, so that a top that touches one is found.
#pragma once

#include "kernels/passes.hpp"
#include "testbench/arguments.hpp"
#include "testbench/comparison.hpp"

namespace golden {

inline fewmult::Pass pass_of(const Case& given) {
  return static_cast<fewmult::Pass>(
      given.number("pass", 0, static_cast<int>(fewmult::Pass::kPerturb)));
}

class Epilogue {
 public:
  Epilogue(const Case& given, int units) : Epilogue(given, units, units) {}

  // Of rows of units, which share so many biases.
  Epilogue(const Case& given, int units, int biases)
      : gate_(as_given<std::int8_t>(given, "gate", elements_of(given, units))),
        labels_(as_given<std::uint8_t>(given, "labels", elements_of(given, 1))),
        bias_(as_given<std::int32_t>(given, "bias", samples_of(biases, 0))),
        mean_(as_given<std::int32_t>(given, "mean", samples_of(units, 0))),
        logits_(as_given<std::int32_t>(given, "logits", elements_of(given, units))),
        result_(as_given<std::int8_t>(given, "result", elements_of(given, units))),
        loss_(as_given<std::int32_t>(given, "loss", 1)) {}

  // The part of a record that is its epilogue: a Normalize's or a Layer's.
  template <class Call>
  void enter(Call& call, const Case& given) {
    call.pass = static_cast<int>(pass_of(given));
    call.gate = gate_.words();
    call.labels = labels_.words();
    call.bias = bias_.words();
    call.mean = mean_.words();
    call.logits = logits_.words();
    call.result = result_.words();
    call.loss = loss_.words();
    call.log2_batch = log2_batch(given);
    call.shift = given.number("shift", 0, fewmult::kMaxShift);
    call.bias_exponent = given.number("bias_exponent", -fewmult::kMaxShift, fewmult::kMaxShift);
    call.seed = given.word("seed");
    call.purpose = given.word("purpose");
    call.step = given.word("step");
  }

  void compare(Comparison& comparison) const {
    comparison.compare("bias", bias_);
    comparison.compare("mean", mean_);
    comparison.compare("logits", logits_);
    comparison.compare("result", result_);
    comparison.compare("loss", loss_);
  }

 private:
  static std::size_t elements_of(const Case& given, int units) {
    return samples_of(units, log2_batch(given));
  }

  Guarded<std::int8_t> gate_;
  Guarded<std::uint8_t> labels_;
  Guarded<std::int32_t> bias_;
  Guarded<std::int32_t> mean_;
  Guarded<std::int32_t> logits_;
  Guarded<std::int8_t> result_;
  Guarded<std::int32_t> loss_;
};

}  // namespace golden
