// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Layers at places at every instruction set level that this machine runs, on one thread and on
// three, against the portable level, on random windows of awkward sizes. Host code: no golden
// vectors.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <random>
#include <vector>

#include "bindings/kernels.hpp"
#include "bindings/levels.hpp"
#include "bindings/places/convolution.hpp"
#include "bindings/places/pool.hpp"

namespace {

using namespace fewmult_bindings;
using fewmult::Pass;

constexpr int kLayers = 24;
constexpr int kChannels[] = {1, 3, 5, 16, 32, 33, 64, 70, 128, 192};
constexpr int kOutputs[] = {1, 9, 16, 31, 64, 65, 100, 140};
constexpr int kTaps[] = {1, 2, 3, 3, 3, 5};

std::mt19937 generator(7);

int below(int end) { return static_cast<int>(generator() % static_cast<unsigned>(end)); }

template <class T>
std::vector<T> values(std::size_t length, int low, int high) {
  std::vector<T> made(length);
  for (T& value : made) value = static_cast<T>(low + below(high - low + 1));
  return made;
}

std::vector<std::uint64_t> words(std::size_t length) {
  std::vector<std::uint64_t> made(length);
  for (std::uint64_t& word : made) word = std::uint64_t{generator()} << 32 | generator();
  return made;
}

// Elements as calls take them; vectors begin with a whole word, and nobody writes behind their end.
template <class T>
std::uint64_t* words_of(std::vector<T>& elements) {
  return reinterpret_cast<std::uint64_t*>(elements.data());
}
template <class T>
const std::uint64_t* words_of(const std::vector<T>& elements) {
  return reinterpret_cast<const std::uint64_t*>(elements.data());
}

// All that the kernels of a layer read and write.
struct Layer {
  fewmult_calls::Layer pass;
  fewmult_calls::ShiftGradient step;
  fewmult::Window window;
  std::vector<std::int8_t> image;
  std::vector<std::int8_t> deltas;
  std::vector<std::uint64_t> sign;
  std::vector<std::uint64_t> mask;
  std::vector<std::int32_t> bias;
  std::vector<std::int32_t> mean;
  std::vector<std::int8_t> weights8;
  std::vector<std::int16_t> weights16;
};

std::size_t rows_of(int rows, int columns, int units, int log2_batch) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) *
             static_cast<std::size_t>(units)
         << log2_batch;
}

bool fits(const fewmult::Window& window) {
  return window.vertical.results > 0 && window.horizontal.results > 0;
}

Layer random_layer() {
  Layer layer = {};
  fewmult_calls::Layer& call = layer.pass;
  do {
    call.channels = kChannels[below(10)];
    call.rows = 1 + below(6);
    call.columns = 1 + below(7);
    call.tap_rows = kTaps[below(6)];
    call.tap_columns = kTaps[below(6)];
    call.stride = 1 + below(2);
    call.padded = below(2);
    call.outputs = kOutputs[below(8)];
    layer.window = fewmult::window_of(call);
  } while (!fits(layer.window) ||
           (call.padded == 0 && (call.tap_rows > call.rows || call.tap_columns > call.columns)));
  call.signed_inputs = below(2);
  call.inputs = call.tap_rows * call.tap_columns * call.channels;
  call.log2_batch = 4 + below(3);
  call.planes = 1;
  call.shift = below(8);
  call.bias_exponent = -below(12) - 8;
  call.seed = 3;
  call.purpose = 4;
  call.step = 5;
  const int low = call.signed_inputs != 0 ? -127 : 0;
  layer.image = values<std::int8_t>(
      rows_of(call.rows, call.columns, call.channels, call.log2_batch), low, 127);
  layer.deltas =
      values<std::int8_t>(rows_of(layer.window.vertical.results, layer.window.horizontal.results,
                                  call.outputs, call.log2_batch),
                          -127, 127);
  const auto packed = static_cast<std::size_t>(fewmult::word_columns(call.inputs)) *
                      static_cast<std::size_t>(call.outputs);
  layer.sign = words(packed);
  layer.mask = words(packed);
  layer.bias = values<std::int32_t>(static_cast<std::size_t>(std::max(call.channels, call.outputs)),
                                    -100000, 100000);
  layer.mean = values<std::int32_t>(layer.deltas.size() >> call.log2_batch, -100, 100);
  layer.weights8 = values<std::int8_t>(packed * 64, -104, 104);
  layer.weights16 = values<std::int16_t>(packed * 64, -20000, 20000);
  layer.step = {nullptr,
                nullptr,
                nullptr,
                nullptr,
                nullptr,
                nullptr,
                8 << below(2),
                call.inputs,
                call.outputs,
                call.log2_batch,
                below(8),
                below(2),
                below(4),
                6,
                7,
                8,
                9,
                call.channels,
                call.rows,
                call.columns,
                call.tap_rows,
                call.tap_columns,
                call.stride,
                call.padded,
                call.signed_inputs};
  return layer;
}

// What some kernels leave of a layer.
struct Left {
  std::vector<std::int8_t> bytes;
  std::vector<std::int32_t> numbers;
  std::vector<std::uint64_t> packed;
  std::vector<std::int16_t> weights;

  bool operator==(const Left& other) const {
    return bytes == other.bytes && numbers == other.numbers && packed == other.packed &&
           weights == other.weights;
  }
};

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void run_pass(Left& left, Kernels& kernels, const Layer& layer, Pass pass) {
  fewmult_calls::Layer call = layer.pass;
  const bool back = fewmult::sends_back(pass);
  std::vector<std::int8_t> result(back ? layer.image.size() : layer.deltas.size());
  std::vector<std::int32_t> bias = layer.bias;
  std::vector<std::int32_t> mean = layer.mean;
  call.pass = static_cast<int>(pass);
  call.source = words_of(back ? layer.deltas : layer.image);
  call.sign = layer.sign.data();
  call.mask = layer.mask.data();
  call.gate = words_of(layer.image);
  call.bias = words_of(bias);
  call.mean = words_of(mean);
  call.result = words_of(result);
  kernels.run(call);
  append(left.bytes, result);
  append(left.numbers, bias);
  append(left.numbers, mean);
}

void run_step(Left& left, Kernels& kernels, const Layer& layer) {
  fewmult_calls::ShiftGradient call = layer.step;
  std::vector<std::int8_t> weights8 = layer.weights8;
  std::vector<std::int16_t> weights16 = layer.weights16;
  std::uint64_t* const weights = call.master_bits == 8 ? words_of(weights8) : words_of(weights16);
  std::vector<std::uint64_t> sign(layer.sign.size());
  std::vector<std::uint64_t> mask(layer.sign.size());
  call.weights = weights;
  call.updated = weights;
  call.sign = sign.data();
  call.mask = mask.data();
  call.x = words_of(layer.image);
  call.deltas = words_of(layer.deltas);
  kernels.run(call);
  append(left.bytes, weights8);
  append(left.weights, weights16);
  append(left.packed, sign);
  append(left.packed, mask);
}

void run_pool(Left& left, Kernels& kernels, const Layer& layer) {
  const fewmult_calls::Layer& of = layer.pass;
  const int size = std::min({2, of.rows, of.columns});
  const std::size_t windows =
      rows_of(of.rows / size, of.columns / size, of.channels, of.log2_batch);
  std::vector<std::int8_t> pooled(windows);
  std::vector<std::int8_t> result(layer.image.size());
  const std::vector<std::int8_t> deltas(layer.image.begin(),
                                        layer.image.begin() + static_cast<std::ptrdiff_t>(windows));
  for (int back = 0; back < 2; ++back) {
    kernels.run(fewmult_calls::Pool{words_of(layer.image), words_of(pooled), words_of(deltas),
                                    words_of(result), back, of.channels, of.rows, of.columns, size,
                                    of.log2_batch});
  }
  append(left.bytes, pooled);
  append(left.bytes, result);
}

Left run(Kernels& kernels, const Layer& layer) {
  Left left;
  for (const Pass pass : {Pass::kHidden, Pass::kHiddenMean, Pass::kBackward, Pass::kPerturb}) {
    run_pass(left, kernels, layer, pass);
  }
  run_step(left, kernels, layer);
  run_pool(left, kernels, layer);
  return left;
}

}  // namespace

int main() {
  Kernels portable(*levels_here().front(), 1);
  std::vector<std::unique_ptr<Kernels>> all;
  for (const Level* level : levels_here()) {
    for (const int threads : {1, 3}) all.emplace_back(new Kernels(*level, threads));
  }
  for (int number = 0; number < kLayers; ++number) {
    const Layer layer = random_layer();
    const Left wanted = run(portable, layer);
    for (const auto& kernels : all) {
      if (run(*kernels, layer) == wanted) continue;
      std::printf("layer %d at level %s on %d threads differs\n", number, kernels->level(),
                  kernels->threads());
      return 1;
    }
  }
  std::printf("%d layers at places, %zu levels and threads: equal\n", kLayers, all.size());
  return 0;
}
