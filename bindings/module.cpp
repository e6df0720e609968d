// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels as Python functions on numpy arrays, in place; the GIL is released while they run.
// Layouts: docs/arithmetic.md, section 9.
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "bindings/action.hpp"
#include "bindings/arrays.hpp"
#include "bindings/image_actions.hpp"
#include "bindings/levels.hpp"
#include "bindings/places/window_record.hpp"
#include "bindings/without_gil.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/passes.hpp"
#include "kernels/sample_weights.hpp"

namespace fewmult_bindings {
namespace {

using fewmult::Pass;
using fewmult::Word;
using fewmult::word_columns;
using KeyPair = std::pair<std::uint32_t, std::uint32_t>;

// The master weights, checked for their type; with `clip`, also for their values.
Word* weights_of(const Record& call, int bits, int words, int outputs, bool clip) {
  const Shape shape = {words, outputs, fewmult::kWordBits};
  const py::ssize_t count = py::ssize_t{words} * outputs * fewmult::kWordBits;
  const long long most = fewmult::clip_of(bits);
  if (bits == 8) {
    auto* const weights = call.array<std::int8_t>("weights", shape);
    if (clip) check_values("weights", weights, count, -most, most);
    return words_of("weights", weights);
  }
  auto* const weights = call.array<std::int16_t>("weights", shape);
  if (clip) check_values("weights", weights, count, -most, most);
  return words_of("weights", weights);
}

Action sample_weights(const Record& call) {
  const int bits = master_bits_of(call);
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int words = word_columns(inputs);
  const fewmult_calls::SampleWeights found = {weights_of(call, bits, words, outputs, true),
                                              call.array<Word>("sign", {1, words, outputs}),
                                              call.array<Word>("mask", {1, words, outputs}),
                                              bits,
                                              inputs,
                                              outputs,
                                              call.flag("binary"),
                                              call.number("sharpness", 0, fewmult::kMaxSharpness),
                                              call.word("seed"),
                                              call.word("purpose"),
                                              call.word("step")};
  return [found](Kernels& kernels, std::uint32_t step) {
    fewmult_calls::SampleWeights now = found;
    now.step += step;
    kernels.run(now);
  };
}

Action binary_matmul(const Record& call) {
  const bool transposed = call.flag("transposed");
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const Packed packed = packed_weights(call, inputs, outputs, transposed);
  const fewmult_calls::BinaryMatmul found = {
      call.words<const std::int8_t>("source", {transposed ? outputs : inputs, batch}),
      packed.sign,
      packed.mask,
      call.words<std::int32_t>("z", {transposed ? inputs : outputs, batch}),
      transposed,
      inputs,
      outputs,
      log2_batch,
      packed.planes};
  return [found](Kernels& kernels, std::uint32_t) { kernels.run(found); };
}

// The arrays of an epilogue, each there where the pass needs it, and their values.
struct Epilogue {
  const Word* gate;
  const Word* labels;
  Word* bias;
  Word* mean;
  Word* logits;
  Word* result;
  Word* loss;
};

// Of some rows of units, which share so many biases.
Epilogue epilogue_of(const Record& call, Pass pass, py::ssize_t units, py::ssize_t biases,
                     py::ssize_t batch) {
  const bool hidden = pass == Pass::kHidden || pass == Pass::kHiddenMean;
  const bool output = pass == Pass::kLogits || pass == Pass::kOutput;
  if (output) checked("outputs", units, 1, 256);
  auto* const bias = pass != Pass::kPerturb ? call.array<std::int32_t>("bias", {biases}) : nullptr;
  auto* const mean = hidden ? call.array<std::int32_t>("mean", {units}) : nullptr;
  const auto* const labels =
      pass == Pass::kOutput ? call.array<const std::uint8_t>("labels", {batch}) : nullptr;
  auto* const loss = pass == Pass::kOutput ? call.array<std::int32_t>("loss", {1}) : nullptr;
  const Epilogue to = {
      sends_back(pass) ? call.words<const std::int8_t>("gate", {units, batch}) : nullptr,
      words_of("labels", labels),
      numbers_of(bias),
      numbers_of(mean),
      output ? call.words<std::int32_t>("logits", {units, batch}) : nullptr,
      pass != Pass::kLogits ? call.words<std::int8_t>("result", {units, batch}) : nullptr,
      numbers_of(loss)};
  if (bias != nullptr) {
    check_values("bias", bias, biases, -fewmult::kBiasMax, fewmult::kBiasMax);
  }
  if (pass == Pass::kHiddenMean) {
    check_values("mean", mean, units, -fewmult::kMaxPlaneProduct, fewmult::kMaxPlaneProduct);
  }
  if (pass == Pass::kOutput) {
    check_values("labels", labels, batch, 0, units - 1);
    check_values("loss", loss, 1, 0, INT32_MAX - fewmult::kDeltaMax * units * batch);
  }
  return to;
}

Action normalize(const Record& call) {
  const Pass pass = pass_of(call);
  const int units = call.number("units", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const int exponent = bias_exponent_of(call, log2_batch);
  const auto* z = call.array<const std::int32_t>("z", {units, batch});
  // Sent back, a sum is one of so many deltas that a bias takes the step of all of them.
  const long long most =
      sends_back(pass)
          ? fewmult::kDeltaMax << std::min(
                fewmult::kMaxLog2Width, fewmult::kMaxSumBits - log2_batch - std::max(exponent, 0))
          : fewmult::kMaxPlaneProduct;
  check_values("z", z, units * batch, -most, most);
  const Epilogue to = epilogue_of(call, pass, units, units, batch);
  const fewmult_calls::Normalize found = {static_cast<int>(pass),
                                          words_of("z", z),
                                          to.gate,
                                          to.labels,
                                          to.bias,
                                          to.mean,
                                          to.logits,
                                          to.result,
                                          to.loss,
                                          units,
                                          log2_batch,
                                          call.number("shift", 0, fewmult::kMaxShift),
                                          exponent,
                                          call.word("seed"),
                                          call.word("purpose"),
                                          call.word("step")};
  return [found](Kernels& kernels, std::uint32_t step) {
    fewmult_calls::Normalize now = found;
    now.step += step;
    kernels.run(now);
  };
}

Action layer(const Record& call) {
  const Pass pass = pass_of(call);
  const bool back = sends_back(pass);
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const Packed packed = packed_weights(call, inputs, outputs, back);
  const WindowRecord at = window_of(call, inputs, outputs);
  if (at.results > 1 && (pass == Pass::kLogits || pass == Pass::kOutput)) {
    throw py::value_error("a layer at several places makes no logits: take a pass of a hidden one");
  }
  const py::ssize_t image = py::ssize_t{at.image} * at.channels;
  const py::ssize_t results = py::ssize_t{at.results} * outputs;
  const py::ssize_t terms = back ? results : image;
  const auto* source = call.array<const std::int8_t>("source", {terms, batch});
  const int log2_summands = log2_batch + (back ? log2_above(at.terms) + log2_above(at.image) : 0);
  const int exponent = bias_exponent_of(call, log2_summands);
  if (back && log2_summands + std::max(exponent, 0) == fewmult::kMaxSumBits) {
    check_values("source", source, terms * batch, -fewmult::kDeltaMax, fewmult::kDeltaMax);
  }
  const Epilogue to =
      epilogue_of(call, pass, back ? image : results, back ? at.channels : outputs, batch);
  const fewmult_calls::Layer found = {static_cast<int>(pass),
                                      words_of("source", source),
                                      packed.sign,
                                      packed.mask,
                                      to.gate,
                                      to.labels,
                                      to.bias,
                                      to.mean,
                                      to.logits,
                                      to.result,
                                      to.loss,
                                      inputs,
                                      outputs,
                                      log2_batch,
                                      packed.planes,
                                      call.number("shift", 0, fewmult::kMaxShift),
                                      exponent,
                                      call.word("seed"),
                                      call.word("purpose"),
                                      call.word("step"),
                                      at.channels,
                                      at.rows,
                                      at.columns,
                                      at.tap_rows,
                                      at.tap_columns,
                                      at.stride,
                                      at.padded,
                                      call.flag("signed_inputs")};
  return [found](Kernels& kernels, std::uint32_t step) {
    fewmult_calls::Layer now = found;
    now.step += step;
    kernels.run(now);
  };
}

// Activations, which have codes: negative ones only where that is said.
const Word* coded(const Record& call, py::ssize_t rows, py::ssize_t batch, bool is_signed) {
  const auto* x = call.array<const std::int8_t>("x", {rows, batch});
  if (is_signed) {
    check_values("x", x, rows * batch, -fewmult::kActivationMax, fewmult::kActivationMax);
  } else {
    check_u7("x", x, rows * batch);
  }
  return words_of("x", x);
}

Action shift_gradient(const Record& call) {
  // A gradient over 2^n terms is shifted left by this minus n at most: 127 * 2^6 * 2^17 < 2^30.
  constexpr int kMaxLog2Left = 17;
  const int bits = master_bits_of(call);
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const WindowRecord at = window_of(call, inputs, outputs);
  checked("places of the result, times the batch", at.results * static_cast<long long>(batch), 1,
          1 << fewmult::kMaxLog2Places);
  const int words = word_columns(inputs);
  Word* const weights = weights_of(call, bits, words, outputs, false);
  const bool is_signed = call.flag("signed_inputs");
  const Word* const x = coded(call, py::ssize_t{at.image} * at.channels, batch, is_signed);
  const py::ssize_t results = py::ssize_t{at.results} * outputs;
  const auto* deltas = call.array<const std::int8_t>("deltas", {results, batch});
  const int log2_terms = log2_batch + log2_above(at.results);
  const int shift = call.number(
      "shift", std::max(-fewmult::kMaxLeftShift, log2_terms - kMaxLog2Left), fewmult::kMaxShift);
  if (log2_terms == fewmult::kMaxLog2Places) {
    check_values("deltas", deltas, results * batch, -fewmult::kDeltaMax, fewmult::kDeltaMax);
  }
  const fewmult_calls::ShiftGradient found = {weights,
                                              weights,
                                              call.array<Word>("sign", {1, words, outputs}),
                                              call.array<Word>("mask", {1, words, outputs}),
                                              x,
                                              words_of("deltas", deltas),
                                              bits,
                                              inputs,
                                              outputs,
                                              log2_batch,
                                              shift,
                                              call.flag("binary"),
                                              call.number("sharpness", 0, fewmult::kMaxSharpness),
                                              call.word("seed"),
                                              call.word("code_purpose"),
                                              call.word("weight_purpose"),
                                              call.word("step"),
                                              at.channels,
                                              at.rows,
                                              at.columns,
                                              at.tap_rows,
                                              at.tap_columns,
                                              at.stride,
                                              at.padded,
                                              is_signed};
  return [found](Kernels& kernels, std::uint32_t step) {
    fewmult_calls::ShiftGradient now = found;
    now.step += step;
    kernels.run(now);
  };
}

Action pool(const Record& call) {
  const bool back = call.flag("back");
  const int channels = call.number("channels", 1, kMaxRows);
  const int rows = call.number("rows", 1, kMaxRows);
  const int columns = call.number("columns", 1, kMaxRows);
  const int size = call.number("size", 1, std::min(rows, columns));
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const py::ssize_t image = checked("channels * rows * columns",
                                    static_cast<long long>(channels) * rows * columns, 1, kMaxRows);
  const py::ssize_t windows = py::ssize_t{rows / size} * (columns / size) * channels;
  const fewmult_calls::Pool found = {
      call.words<const std::int8_t>("x", {image, batch}),
      back ? const_cast<Word*>(call.words<const std::int8_t>("pooled", {windows, batch}))
           : call.words<std::int8_t>("pooled", {windows, batch}),
      back ? call.words<const std::int8_t>("deltas", {windows, batch}) : nullptr,
      back ? call.words<std::int8_t>("result", {image, batch}) : nullptr,
      back,
      channels,
      rows,
      columns,
      size,
      log2_batch};
  return [found](Kernels& kernels, std::uint32_t) { kernels.run(found); };
}

Action action_of(const py::object& record) {
  const Record call(record);
  const std::string kernel = call.kernel();
  if (kernel == "load_batch") return load_batch(call);
  if (kernel == "augment_batch") return augment_batch(call);
  if (kernel == "sample_weights") return sample_weights(call);
  if (kernel == "binary_matmul") return binary_matmul(call);
  if (kernel == "normalize") return normalize(call);
  if (kernel == "layer") return layer(call);
  if (kernel == "shift_gradient") return shift_gradient(call);
  if (kernel == "pool") return pool(call);
  throw py::value_error("there is no kernel " + kernel);
}

// A list of calls that is run again and again, each time in one crossing.
class PreparedCalls {
 public:
  PreparedCalls(Kernels& kernels, const py::list& calls) : kernels_(kernels), calls_(calls) {
    for (const py::handle call : calls) {
      actions_.push_back(action_of(py::reinterpret_borrow<py::object>(call)));
    }
  }

  void run(std::uint32_t step) {
    const WithoutGil released;
    for (const Action& action : actions_) action(kernels_, step);
  }

 private:
  Kernels& kernels_;
  const py::list calls_;  // keeps the arrays
  std::vector<Action> actions_;
};

void run(Kernels& kernels, const py::object& call) {
  const Action action = action_of(call);
  const WithoutGil released;
  action(kernels, 0);
}

std::vector<std::string> level_names() {
  std::vector<std::string> names;
  for (const Level* level : levels_here()) names.emplace_back(level->name);
  return names;
}

// Runs a register-only loop; returns its multiply-accumulates, or nothing where a level has none.
py::object peak(Kernels& kernels, bool gradient, std::int64_t loops) {
  checked("loops", loops, 0, INT32_MAX);
  std::int64_t (*const run)(std::int64_t) =
      gradient ? kernels.table().gradient_peak : kernels.table().product_peak;
  if (run == nullptr) return py::none();
  std::int64_t operations = 0;
  {
    const WithoutGil released;
    operations = run(loops);
  }
  return py::int_(operations);
}

constexpr int kMaxThreads = 256;

std::unique_ptr<Kernels> open_kernels(const std::string& name, long long threads) {
  for (const Level* level : levels_here()) {
    if (name == level->name) {
      return std::unique_ptr<Kernels>(
          new Kernels(*level, checked("threads", threads, 1, kMaxThreads)));
    }
  }
  throw py::value_error("no level " + name + " here");
}

std::pair<std::uint32_t, std::uint32_t> threefry(KeyPair key, KeyPair counter, int rounds) {
  const fewmult::Key k = {key.first, key.second};
  if (rounds != 13 && rounds != 20) throw py::value_error("rounds must be 13 or 20");
  const fewmult::Bits64 bits = rounds == 13
                                   ? fewmult::threefry<13>(k, counter.first, counter.second)
                                   : fewmult::threefry<20>(k, counter.first, counter.second);
  return {bits.low, bits.high};
}

}  // namespace
}  // namespace fewmult_bindings

PYBIND11_MODULE(_kernels, module) {
  namespace py = pybind11;
  using namespace fewmult_bindings;
  using py::arg;
  module.doc() = "The kernels, compiled for this machine's CPU; see fewmult_hls.backends.Backend.";
  py::class_<Kernels> kernels(module, "Kernels", "The kernels at one level, on some threads.");
  kernels.def(py::init(&open_kernels), arg("level"), arg("threads"));
  kernels.def_property_readonly("level", &Kernels::level);
  kernels.def_property_readonly("threads", &Kernels::threads);
  kernels.def("run", &run, arg("call"), "Executes a call of contract.calls.");
  kernels.def(
      "prepare",
      [](Kernels& self, const py::list& calls) {
        return std::unique_ptr<PreparedCalls>(new PreparedCalls(self, calls));
      },
      arg("calls"), py::keep_alive<0, 1>(), "Calls to be executed often, in one crossing.");
  py::class_<PreparedCalls>(module, "PreparedCalls", "Calls that are executed in one crossing.")
      .def("run", &PreparedCalls::run, arg("step"), "Executes all of them as they are at a step.");
  kernels.def("peak", &peak, arg("gradient"), arg("loops"),
              "Runs a product's or gradient's instructions on registers: multiply-accumulates.");
  module.def("levels", &level_names, "Instruction set levels that run here, the slowest first.");
  module.def("threefry", &threefry, arg("key"), arg("counter"), arg("rounds"),
             "64 random bits: two 32-bit words.");
  module.attr("compiler") = __VERSION__;
}
