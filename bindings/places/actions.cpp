// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The records of calls at places, read: arrays have a row for each place and channel.
#include "bindings/places/actions.hpp"

#include <algorithm>

#include "bindings/places/window.hpp"

namespace fewmult_bindings {
namespace {

using fewmult::Pass;
using fewmult::Word;
using fewmult::word_columns;

// A gradient over 2^n terms is shifted left by this minus n at most: 127 * 2^6 * 2^17 < 2^30.
constexpr int kMaxLog2Left = 17;

// An image and a window on it, whose sizes are right.
struct Places {
  int channels;
  int rows;
  int columns;
  int tap_rows;
  int tap_columns;
  int stride;
  bool padded;
  int image;    // places
  int results;  // places
};

Places places_of(const Record& call, int inputs, int outputs) {
  constexpr int kMaxRows = 1 << fewmult::kMaxLog2Rows;
  Places at = {};
  at.channels = call.number("channels", 1, kMaxWidth);
  at.rows = call.number("rows", 1, kMaxRows);
  at.columns = call.number("columns", 1, kMaxRows);
  at.stride = call.number("stride", 1, 2);
  at.padded = call.flag("padded");
  at.tap_rows = call.number("tap_rows", 1, at.padded ? kMaxWidth : at.rows);
  at.tap_columns = call.number("tap_columns", 1, at.padded ? kMaxWidth : at.columns);
  checked("channels * rows * columns", static_cast<long long>(at.channels) * at.rows * at.columns,
          1, kMaxRows);
  const long long taps = static_cast<long long>(at.tap_rows) * at.tap_columns;
  if (taps * at.channels != inputs) {
    throw py::value_error("inputs must be tap_rows * tap_columns * channels");
  }
  checked("tap_rows * tap_columns * outputs", taps * outputs, 1, kMaxWidth);
  const fewmult::Axis down = fewmult::axis_of(at.rows, at.tap_rows, at.stride, at.padded);
  const fewmult::Axis across = fewmult::axis_of(at.columns, at.tap_columns, at.stride, at.padded);
  at.image = at.rows * at.columns;
  at.results = down.results * across.results;
  checked("rows of the result", static_cast<long long>(at.results) * outputs, 1, kMaxRows);
  return at;
}

}  // namespace

Action convolution(const Record& call) {
  const Pass pass = pass_of(call);
  if (pass == Pass::kLogits || pass == Pass::kOutput) {
    throw py::value_error("a convolution makes no logits: pass must be one of a hidden layer");
  }
  const bool back = sends_back(pass);
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const Packed packed = packed_weights(call, inputs, outputs, back);
  const Places at = places_of(call, inputs, outputs);
  const py::ssize_t image = py::ssize_t{at.image} * at.channels;
  const py::ssize_t results = py::ssize_t{at.results} * outputs;
  const auto* source = call.array<const std::int8_t>("source", {back ? results : image, batch});
  const py::ssize_t made = back ? image : results;
  const py::ssize_t biases = back ? at.channels : outputs;
  const int taps = at.tap_rows * at.tap_columns;
  const int log2_summands =
      log2_batch + (back ? log2_above(taps * outputs) + log2_above(at.image) : 0);
  const int exponent = bias_exponent_of(call, log2_summands);
  if (back && log2_summands + exponent == fewmult::kMaxSumBits) {
    check_values("source", source, results * batch, -fewmult::kDeltaMax, fewmult::kDeltaMax);
  }
  auto* bias = pass != Pass::kPerturb ? call.array<std::int32_t>("bias", {biases}) : nullptr;
  auto* mean = back ? nullptr : call.array<std::int32_t>("mean", {made});
  if (bias != nullptr) {
    check_values("bias", bias, biases, -fewmult::kBiasMax, fewmult::kBiasMax);
  }
  if (pass == Pass::kHiddenMean) {
    check_values("mean", mean, made, -fewmult::kMaxPlaneProduct, fewmult::kMaxPlaneProduct);
  }
  const fewmult_calls::Convolution found = {
      static_cast<int>(pass),
      source,
      packed.sign,
      packed.mask,
      back ? call.array<const std::int8_t>("gate", {made, batch}) : nullptr,
      nullptr,
      bias,
      mean,
      nullptr,
      call.array<std::int8_t>("result", {made, batch}),
      nullptr,
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
    fewmult_calls::Convolution now = found;
    now.step += step;
    kernels.run(now);
  };
}

Action convolution_gradient(const Record& call) {
  const int bits = master_bits_of(call);
  const int inputs = call.number("inputs", 1, kMaxWidth);
  const int outputs = call.number("outputs", 1, kMaxWidth);
  const int log2_batch = log2_batch_of(call);
  const py::ssize_t batch = py::ssize_t{1} << log2_batch;
  const Places at = places_of(call, inputs, outputs);
  checked("places of the result, times the batch", at.results * static_cast<long long>(batch), 1,
          1 << fewmult::kMaxLog2Places);
  const int words = word_columns(inputs);
  const Shape shape = {words, outputs, fewmult::kWordBits};
  auto* const weights8 = bits == 8 ? call.array<std::int8_t>("weights", shape) : nullptr;
  auto* const weights16 = bits == 16 ? call.array<std::int16_t>("weights", shape) : nullptr;
  const py::ssize_t image = py::ssize_t{at.image} * at.channels;
  const auto* x = call.array<const std::int8_t>("x", {image, batch});
  const bool is_signed = call.flag("signed_inputs");
  if (is_signed) {
    check_values("x", x, image * batch, -fewmult::kActivationMax, fewmult::kActivationMax);
  } else {
    check_u7("x", x, image * batch);
  }
  const py::ssize_t results = py::ssize_t{at.results} * outputs;
  const auto* deltas = call.array<const std::int8_t>("deltas", {results, batch});
  const int log2_terms = log2_batch + log2_above(at.results);
  const int shift = call.number(
      "shift", std::max(-fewmult::kMaxLeftShift, log2_terms - kMaxLog2Left), fewmult::kMaxShift);
  if (log2_terms == fewmult::kMaxLog2Places) {
    check_values("deltas", deltas, results * batch, -fewmult::kDeltaMax, fewmult::kDeltaMax);
  }
  const fewmult_calls::ConvolutionGradient found = {
      weights8,
      weights16,
      call.array<Word>("sign", {1, words, outputs}),
      call.array<Word>("mask", {1, words, outputs}),
      x,
      deltas,
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
    fewmult_calls::ConvolutionGradient now = found;
    now.step += step;
    kernels.run(now);
  };
}

Action pool(const Record& call) {
  constexpr int kMaxRows = 1 << fewmult::kMaxLog2Rows;
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
      call.array<const std::int8_t>("x", {image, batch}),
      back ? const_cast<std::int8_t*>(call.array<const std::int8_t>("pooled", {windows, batch}))
           : call.array<std::int8_t>("pooled", {windows, batch}),
      back ? call.array<const std::int8_t>("deltas", {windows, batch}) : nullptr,
      back ? call.array<std::int8_t>("result", {image, batch}) : nullptr,
      back,
      channels,
      rows,
      columns,
      size,
      log2_batch};
  return [found](Kernels& kernels, std::uint32_t) { kernels.run(found); };
}

}  // namespace fewmult_bindings
