// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels as Python functions on numpy arrays, in place; the GIL is released while they run.
// Layouts: docs/arithmetic.md, section 9.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/arrays.hpp"
#include "bindings/kernels.hpp"
#include "bindings/levels.hpp"
#include "bindings/without_gil.hpp"
#include "kernels/finish_unit.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/sample_weights.hpp"

namespace fewmult_bindings {
namespace {

using fewmult::Pass;
using fewmult::Word;
using fewmult::word_columns;
using KeyPair = std::pair<std::uint32_t, std::uint32_t>;

constexpr long long kMaxWidth = 1 << fewmult::kMaxLog2Width;

int axis(const py::array& array, const char* name, int ndim, int k, long long high) {
  if (array.ndim() != ndim) {
    throw py::value_error(std::string(name) + " must have " + std::to_string(ndim) + " axes");
  }
  return checked((std::string(name) + ".shape[" + std::to_string(k) + "]").c_str(), array.shape(k),
                 1, high);
}

// The batch of a (unit, sample) array.
int log2_batch_of(const py::array& array, const char* name) {
  const int batch = axis(array, name, 2, 1, fewmult::kMaxBatch);
  int log2 = 4;
  while (log2 < fewmult::kMaxLog2Batch && 1 << log2 < batch) ++log2;
  if (1 << log2 != batch) {
    throw py::value_error(std::string(name) + ".shape[1] is the batch: 16, 32, 64, 128 or 256");
  }
  return log2;
}

int master_bits_of(const py::array& weights) {
  return weights.dtype().equal(py::dtype::of<std::int8_t>()) ? 8 : 16;
}

// Packed weights: planes, and sign and mask of shape (planes, word columns, outputs).
struct Packed {
  int planes;
  int outputs;
  const Word* sign;
  const Word* mask;
};

Packed packed_weights(const py::array& sign, const py::array& mask, int inputs) {
  const int planes = axis(sign, "sign", 3, 0, fewmult::kMaxPlanes);
  const int outputs = axis(sign, "sign", 3, 2, kMaxWidth);
  const Shape shape = {planes, word_columns(inputs), outputs};
  return {planes, outputs, view<const Word>(sign, "sign", shape),
          view<const Word>(mask, "mask", shape)};
}

void sample_weights(Kernels& kernels, const py::array& weights, const py::array& sign,
                    const py::array& mask, long long inputs, bool binary, KeyPair key,
                    std::uint32_t step, long long sharpness) {
  const int there = checked("inputs", inputs, 1, kMaxWidth);
  const int outputs = axis(weights, "weights", 3, 1, kMaxWidth);
  const int words = word_columns(there);
  const Shape shape = {words, outputs, fewmult::kWordBits};
  const int bits = master_bits_of(weights);
  const auto* weights8 = bits == 8 ? view<const std::int8_t>(weights, "weights", shape) : nullptr;
  const auto* weights16 = bits == 8 ? nullptr : view<const std::int16_t>(weights, "weights", shape);
  auto* sign_words = view<Word>(sign, "sign", {1, words, outputs});
  auto* mask_words = view<Word>(mask, "mask", {1, words, outputs});
  const int halvings = checked("sharpness", sharpness, 0, fewmult::kMaxSharpness);
  const long long clip = fewmult::clip_of(bits);
  if (bits == 8) check_values("weights", weights8, weights.size(), -clip, clip);
  if (bits == 16) check_values("weights", weights16, weights.size(), -clip, clip);
  const WithoutGil released;
  kernels.sample_weights({weights8, weights16, sign_words, mask_words, bits, there, outputs, binary,
                          halvings, key.first, key.second, step});
}

void binary_matmul(Kernels& kernels, const py::array& source, const py::array& sign,
                   const py::array& mask, const py::array& z, long long inputs, bool transposed) {
  const int there = checked("inputs", inputs, 1, kMaxWidth);
  const int log2_batch = log2_batch_of(source, "source");
  const Packed packed = packed_weights(sign, mask, there);
  if (transposed && packed.planes != 1) throw py::value_error("a transposed product has one plane");
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const auto* values =
      view<const std::int8_t>(source, "source", {transposed ? packed.outputs : there, batch});
  auto* sums = view<std::int32_t>(z, "z", {transposed ? there : packed.outputs, batch});
  const WithoutGil released;
  kernels.binary_matmul({values, packed.sign, packed.mask, sums, transposed, there, packed.outputs,
                         0, transposed ? there : packed.outputs, log2_batch, packed.planes});
}

Pass checked_pass(int pass) {
  return static_cast<Pass>(checked("pass", pass, 0, static_cast<int>(Pass::kPerturb)));
}

// The arrays behind a product, checked against the pass.
struct Finish {
  const std::int8_t* gate;
  const std::uint8_t* labels;
  std::int32_t* bias;
  std::int32_t* mean;
  std::int32_t* logits;
  std::int8_t* result;
  std::int32_t* loss;
};

Finish finish_arrays(Pass pass, py::ssize_t units, int log2_batch, const py::object& bias,
                     const py::object& result, const py::object& gate, const py::object& mean,
                     const py::object& logits, const py::object& labels, const py::object& loss) {
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const bool hidden = pass == Pass::kHidden || pass == Pass::kHiddenMean;
  const bool output = pass == Pass::kLogits || pass == Pass::kOutput;
  if (output) checked("outputs", units, 1, 256);
  const Finish to = {
      optional_view<const std::int8_t>(gate, sends_back(pass), "gate", {units, batch}),
      optional_view<const std::uint8_t>(labels, pass == Pass::kOutput, "labels", {batch}),
      optional_view<std::int32_t>(bias, pass != Pass::kPerturb, "bias", {units}),
      optional_view<std::int32_t>(mean, hidden, "mean", {units}),
      optional_view<std::int32_t>(logits, output, "logits", {units, batch}),
      optional_view<std::int8_t>(result, pass != Pass::kLogits, "result", {units, batch}),
      optional_view<std::int32_t>(loss, pass == Pass::kOutput, "loss", {1})};
  if (to.bias != nullptr) {
    check_values("bias", to.bias, units, -fewmult::kBiasMax, fewmult::kBiasMax);
  }
  if (pass == Pass::kHiddenMean) {
    check_values("mean", to.mean, units, -fewmult::kMaxPlaneProduct, fewmult::kMaxPlaneProduct);
  }
  if (pass == Pass::kOutput) {
    check_values("labels", to.labels, batch, 0, units - 1);
    check_values("loss", to.loss, 1, 0, INT32_MAX - fewmult::kDeltaMax * units * batch);
  }
  return to;
}

// Shifts whose results fit 32 bits: a bias steps by a sum of 2^log2_summands deltas.
void check_shifts(long long shift, long long bias_exponent, int log2_summands) {
  checked("shift", shift, 0, fewmult::kMaxShift);
  checked("bias_exponent", bias_exponent, -fewmult::kMaxShift,
          fewmult::kMaxSumBits - log2_summands);
}

// log2 of n, rounded up.
int log2_above(int n) {
  int log2 = 0;
  while (1 << log2 < n) ++log2;
  return log2;
}

void normalize(Kernels& kernels, int pass_number, const py::array& z, const py::object& bias,
               const py::object& result, const py::object& gate, const py::object& mean,
               const py::object& logits, const py::object& labels, const py::object& loss,
               int shift, int bias_exponent, KeyPair key, std::uint32_t step) {
  const Pass pass = checked_pass(pass_number);
  const int log2_batch = log2_batch_of(z, "z");
  const int units = axis(z, "z", 2, 0, kMaxWidth);
  check_shifts(shift, bias_exponent, log2_batch);
  const auto* sums = view<const std::int32_t>(z, "z", {units, py::ssize_t{1} << log2_batch});
  // Sent back, a sum is one of so many deltas that a bias takes the step of all of them.
  const long long most = sends_back(pass)
                             ? fewmult::kDeltaMax << std::min(
                                   fewmult::kMaxLog2Width,
                                   fewmult::kMaxSumBits - log2_batch - std::max(bias_exponent, 0))
                             : fewmult::kMaxPlaneProduct;
  check_values("z", sums, z.size(), -most, most);
  const Finish to =
      finish_arrays(pass, units, log2_batch, bias, result, gate, mean, logits, labels, loss);
  const WithoutGil released;
  kernels.normalize(
      {pass_number, nullptr,   nullptr,       nullptr,   to.gate,    to.labels, to.bias, to.mean,
       to.logits,   to.result, to.loss,       units,     units,      0,         units,   log2_batch,
       1,           shift,     bias_exponent, key.first, key.second, step},
      sums);
}

void layer(Kernels& kernels, int pass_number, const py::array& source, const py::array& sign,
           const py::array& mask, long long inputs, const py::object& bias,
           const py::object& result, const py::object& gate, const py::object& mean,
           const py::object& logits, const py::object& labels, const py::object& loss, int shift,
           int bias_exponent, KeyPair key, std::uint32_t step) {
  const Pass pass = checked_pass(pass_number);
  const int there = checked("inputs", inputs, 1, kMaxWidth);
  const int log2_batch = log2_batch_of(source, "source");
  const Packed packed = packed_weights(sign, mask, there);
  const bool backward = sends_back(pass);
  if (backward && packed.planes != 1) throw py::value_error("a backward pass has one plane");
  const int log2_summands = log2_batch + (backward ? log2_above(packed.outputs) : 0);
  check_shifts(shift, bias_exponent, log2_summands);
  const auto* values = view<const std::int8_t>(
      source, "source", {backward ? packed.outputs : there, py::ssize_t{1} << log2_batch});
  if (backward && log2_summands + std::max(bias_exponent, 0) == fewmult::kMaxSumBits) {
    check_values("source", values, source.size(), -fewmult::kDeltaMax, fewmult::kDeltaMax);
  }
  const Finish to = finish_arrays(pass, backward ? there : packed.outputs, log2_batch, bias, result,
                                  gate, mean, logits, labels, loss);
  const WithoutGil released;
  kernels.layer({pass_number,
                 values,
                 packed.sign,
                 packed.mask,
                 to.gate,
                 to.labels,
                 to.bias,
                 to.mean,
                 to.logits,
                 to.result,
                 to.loss,
                 there,
                 packed.outputs,
                 0,
                 backward ? there : packed.outputs,
                 log2_batch,
                 packed.planes,
                 shift,
                 bias_exponent,
                 key.first,
                 key.second,
                 step});
}

void shift_gradient(Kernels& kernels, const py::array& weights, const py::array& sign,
                    const py::array& mask, const py::array& x, const py::array& deltas, int shift,
                    bool binary, KeyPair code_key, KeyPair weight_key, std::uint32_t step,
                    long long sharpness) {
  const int log2_batch = log2_batch_of(x, "x");
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const int inputs = axis(x, "x", 2, 0, kMaxWidth);
  const int outputs = axis(deltas, "deltas", 2, 0, kMaxWidth);
  const int words = word_columns(inputs);
  checked("shift", shift, -fewmult::kMaxLeftShift, fewmult::kMaxShift);
  if (code_key.first != weight_key.first) throw py::value_error("both keys must have one seed");
  const Shape shape = {words, outputs, fewmult::kWordBits};
  const int bits = master_bits_of(weights);
  auto* weights8 = bits == 8 ? view<std::int8_t>(weights, "weights", shape) : nullptr;
  auto* weights16 = bits == 8 ? nullptr : view<std::int16_t>(weights, "weights", shape);
  auto* sign_words = view<Word>(sign, "sign", {1, words, outputs});
  auto* mask_words = view<Word>(mask, "mask", {1, words, outputs});
  const int halvings = checked("sharpness", sharpness, 0, fewmult::kMaxSharpness);
  const auto* activations = view<const std::int8_t>(x, "x", {inputs, batch});
  const auto* delta_values = view<const std::int8_t>(deltas, "deltas", {outputs, batch});
  check_u7("x", activations, x.size());
  const WithoutGil released;
  kernels.shift_gradient({weights8, weights16, sign_words, mask_words, activations, delta_values,
                          bits, inputs, outputs, 0, outputs, log2_batch, shift, binary, halvings,
                          code_key.first, code_key.second, weight_key.second, step});
}

void gather(Kernels& kernels, const py::array& images, const py::array& chosen,
            const py::array& inputs) {
  const int features = axis(inputs, "inputs", 2, 0, kMaxWidth);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch_of(inputs, "inputs");
  const py::ssize_t samples = images.ndim() == 2 ? images.shape(0) : 0;
  const auto* pixels = view<const std::uint8_t>(images, "images", {samples, features});
  const auto* numbers = view<const std::int64_t>(chosen, "chosen", {batch});
  auto* values = view<std::int8_t>(inputs, "inputs", {features, batch});
  for (py::ssize_t b = 0; b < batch; ++b) {
    if (numbers[b] < 0 || numbers[b] >= samples) {
      throw py::index_error("chosen names image " + std::to_string(numbers[b]) + " of " +
                            std::to_string(samples));
    }
  }
  const WithoutGil released;
  kernels.gather(pixels, numbers, values, features, static_cast<int>(batch));
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
  kernels.def(
      "sample_weights", &sample_weights, arg("weights"), arg("sign"), arg("mask"), arg("inputs"),
      arg("binary"), arg("key"), arg("step"), arg("sharpness") = 0,
      "Samples master weights (words, outputs, 64) into sign and mask (1, words, outputs).");
  kernels.def("binary_matmul", &binary_matmul, arg("source"), arg("sign"), arg("mask"), arg("z"),
              arg("inputs"), arg("transposed"),
              "z = T source, or T^T source; sign and mask are (planes, words, outputs).");
  kernels.def("normalize", &normalize, arg("pass_"), arg("z"), arg("bias") = py::none(),
              arg("result") = py::none(), arg("gate") = py::none(), arg("mean") = py::none(),
              arg("logits") = py::none(), arg("labels") = py::none(), arg("loss") = py::none(),
              arg("shift"), arg("bias_exponent"), arg("key"), arg("step"),
              "What stands behind a product whose sums are z, (units, batch).");
  kernels.def("layer", &layer, arg("pass_"), arg("source"), arg("sign"), arg("mask"), arg("inputs"),
              arg("bias") = py::none(), arg("result") = py::none(), arg("gate") = py::none(),
              arg("mean") = py::none(), arg("logits") = py::none(), arg("labels") = py::none(),
              arg("loss") = py::none(), arg("shift"), arg("bias_exponent"), arg("key"), arg("step"),
              "binary_matmul and normalize, fused.");
  kernels.def("shift_gradient", &shift_gradient, arg("weights"), arg("sign"), arg("mask"), arg("x"),
              arg("deltas"), arg("shift"), arg("binary"), arg("code_key"), arg("weight_key"),
              arg("step"), arg("sharpness") = 0,
              "Gradient, update, clip and next sample of a layer, in one sweep.");
  kernels.def("peak", &peak, arg("gradient"), arg("loops"),
              "Runs a product's or gradient's instructions on registers: multiply-accumulates.");
  kernels.def("gather", &gather, arg("images"), arg("chosen"), arg("inputs"),
              "Activations (features, batch) of chosen images: half their pixels.");
  module.def("levels", &level_names, "Instruction set levels that run here, the slowest first.");
  module.def("threefry", &threefry, arg("key"), arg("counter"), arg("rounds"),
             "64 random bits: two 32-bit words.");
  module.attr("compiler") = __VERSION__;
}
