// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/image_actions.hpp"

#include <algorithm>
#include <stdexcept>

#include "bindings/images.hpp"
#include "bindings/places/window.hpp"

namespace fewmult_bindings {
namespace {

constexpr long long kMaxRows = 1 << fewmult::kMaxLog2Rows;

py::ssize_t batch_of(const py::array& chosen) {
  const py::ssize_t batch = chosen.ndim() == 1 ? chosen.shape(0) : 0;
  if (batch < 16 || batch > fewmult::kMaxBatch || (batch & (batch - 1)) != 0) {
    throw py::value_error("chosen.shape[0] is the batch: 16, 32, 64, 128 or 256");
  }
  return batch;
}

}  // namespace

Action load_batch(const Record& call) {
  const py::array images = call.any_array("images");
  const py::ssize_t batch = batch_of(call.any_array("chosen"));
  const py::ssize_t there = images.ndim() == 2 ? images.shape(0) : 0;
  const int features =
      checked("images.shape[1]", images.ndim() == 2 ? images.shape(1) : 0, 1, kMaxRows);
  const bool is_signed = call.has("offsets");
  const py::ssize_t channels = is_signed ? call.any_array("offsets").size() : 1;
  if (channels == 0 || features % channels != 0) {
    throw py::value_error("offsets has a number for each channel of an image");
  }
  const Loading loading = {
      call.array<const std::uint8_t>("images", {there, features}),
      call.array<const std::int64_t>("chosen", {batch}),
      is_signed ? call.array<const std::uint8_t>("offsets", {channels}) : nullptr,
      call.array<std::int8_t>("x", {features, batch}),
      features,
      static_cast<int>(channels),
      static_cast<int>(batch)};
  const bool learns = call.has("answers");
  const auto* answers = learns ? call.array<const std::uint8_t>("answers", {there}) : nullptr;
  auto* labels = learns ? call.array<std::uint8_t>("labels", {batch}) : nullptr;
  auto* loss = learns ? call.array<std::int32_t>("loss", {1}) : nullptr;
  auto* moved_loss = call.has("moved_loss") ? call.array<std::int32_t>("moved_loss", {1}) : nullptr;
  return [=](Kernels& kernels, std::uint32_t) {
    const std::int64_t* const numbers = loading.chosen;
    for (py::ssize_t b = 0; b < batch; ++b) {
      if (numbers[b] < 0 || numbers[b] >= there) {
        throw std::out_of_range("chosen names image " + std::to_string(numbers[b]) + " of " +
                                std::to_string(there));
      }
    }
    kernels.run(loading);
    if (labels != nullptr) {
      for (py::ssize_t b = 0; b < batch; ++b) labels[b] = answers[numbers[b]];
      *loss = 0;
    }
    if (moved_loss != nullptr) *moved_loss = 0;
  };
}

Action augment_batch(const Record& call) {
  const py::ssize_t batch = batch_of(call.any_array("chosen"));
  const int channels = call.number("channels", 1, kMaxRows);
  const int rows = call.number("rows", 1, kMaxRows);
  const int columns = call.number("columns", 1, kMaxRows);
  const py::ssize_t features = checked(
      "channels * rows * columns", static_cast<long long>(channels) * rows * columns, 1, kMaxRows);
  const int crop = call.number("crop", 0, std::min(rows, columns) - 1);
  if ((crop & (crop - 1)) != 0) throw py::value_error("crop must be 0 or a power of two");
  const Moving moving = {call.array<const std::int64_t>("chosen", {batch}),
                         call.array<std::int8_t>("x", {features, batch}),
                         channels,
                         rows,
                         columns,
                         static_cast<int>(batch),
                         call.flag("flip"),
                         crop,
                         call.word("seed"),
                         call.word("purpose"),
                         call.word("step")};
  return [moving](Kernels& kernels, std::uint32_t step) {
    Moving now = moving;
    now.step += step;
    kernels.run(now);
  };
}

}  // namespace fewmult_bindings
