// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The kernels at every instruction set level that this machine runs, on one thread and on three,
// against the kernels' tops, on random layers of awkward sizes. Host code: no golden vectors.
#include <cstddef>
#include <cstdio>
#include <random>
#include <vector>

#include "bindings/kernels.hpp"
#include "bindings/levels.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/passes.hpp"
#include "testbench/elements.hpp"
#include "testbench/run_top.hpp"

namespace {

using namespace fewmult_bindings;
using fewmult::Pass;

constexpr int kLayers = 27;
constexpr int kWidths[] = {1, 2, 5, 16, 63, 64, 65, 100, 128, 130, 200, 300, 513, 520};
constexpr std::int32_t kMost = fewmult::kBiasMax;
constexpr std::uint32_t kSeed = 7, kPurpose = 2, kStep = 3;

// An array as a call takes it; what is left of its last word is nobody's.
template <class T>
class Array {
 public:
  void resize(std::size_t length) {
    length_ = length;
    words_.assign(golden::whole_words<T>(length), 0);
  }
  std::size_t size() const { return length_; }
  std::uint64_t* words() { return words_.data(); }
  const std::uint64_t* words() const { return words_.data(); }
  T operator[](std::size_t k) const { return golden::element<T>(words_.data(), k); }
  void set(std::size_t k, T value) { golden::set_element(words_.data(), k, value); }

  bool operator==(const Array& other) const {
    for (std::size_t k = 0; k < length_; ++k) {
      if ((*this)[k] != other[k]) return false;
    }
    return length_ == other.length_;
  }

 private:
  std::size_t length_ = 0;
  std::vector<std::uint64_t> words_;
};

class Random {
 public:
  std::uint64_t word() { return std::uint64_t{generator_()} << 32 | generator_(); }
  int below(int end) { return static_cast<int>(generator_() % static_cast<unsigned>(end)); }

  template <class T>
  Array<T> array(std::size_t length, int low, int high) {
    Array<T> values;
    values.resize(length);
    for (std::size_t k = 0; k < length; ++k) {
      values.set(k, static_cast<T>(low + below(high - low + 1)));
    }
    return values;
  }

 private:
  std::mt19937 generator_{kSeed};
};

std::size_t product(int a, int b) {
  return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

struct Layer {
  int inputs;
  int outputs;
  int log2_batch;
  int master_bits;
  bool binary;
  int sharpness;
  bool wild;                  // see make_wild
  Array<std::int8_t> x;       // of the gradient
  Array<std::int8_t> source;  // of the forward products, and the gates
  Array<std::int8_t> deltas;
  Array<std::uint8_t> labels;
};

Layer random_layer(Random& random) {
  Layer layer = {};
  layer.inputs = kWidths[random.below(14)];
  layer.outputs = kWidths[random.below(14)];
  layer.log2_batch = 4 + random.below(5);
  layer.master_bits = 8 << random.below(2);
  layer.binary = random.below(2) != 0;
  layer.sharpness = random.below(2) != 0 ? 0 : random.below(fewmult::kMaxSharpness + 1);
  const int batch = 1 << layer.log2_batch;
  layer.x = random.array<std::int8_t>(product(layer.inputs, batch), 0, fewmult::kActivationMax);
  layer.source = layer.x;
  layer.deltas = random.array<std::int8_t>(product(layer.outputs, batch), -fewmult::kDeltaMax,
                                           fewmult::kDeltaMax);
  if (random.below(2) != 0) {
    for (std::size_t k = 0; k < layer.deltas.size(); ++k) {
      if (random.below(3) != 0) layer.deltas.set(k, 0);
    }
  }
  layer.labels =
      random.array<std::uint8_t>(product(1, batch), 0, fewmult::smaller(layer.outputs, 256) - 1);
  return layer;
}

// All that the kernels write.
struct State {
  Array<std::int8_t> weights8;  // one of both
  Array<std::int16_t> weights16;
  Array<std::uint64_t> sign;
  Array<std::uint64_t> mask;
  Array<std::int32_t> bias;
  Array<std::int32_t> bias_before;
  Array<std::int32_t> mean;
  Array<std::int32_t> logits;
  Array<std::int8_t> result;
  Array<std::int8_t> result_before;
  Array<std::int8_t> moved;
  Array<std::int32_t> loss;

  bool operator==(const State& other) const {
    return weights8 == other.weights8 && weights16 == other.weights16 && sign == other.sign &&
           mask == other.mask && bias == other.bias && bias_before == other.bias_before &&
           mean == other.mean && logits == other.logits && result == other.result &&
           result_before == other.result_before && moved == other.moved && loss == other.loss;
  }
};

State random_state(Random& random, const Layer& layer) {
  const int columns = fewmult::word_columns(layer.inputs);
  const std::size_t words = product(columns, layer.outputs);
  State state = {};
  state.weights8 = random.array<std::int8_t>(words * 64, -104, 104);
  state.weights16 = random.array<std::int16_t>(words * 64, -26624, 26624);
  for (std::size_t at = 0; at < words * 64; ++at) {
    const std::size_t column = at / product(layer.outputs, 64);
    if (column * 64 + at % 64 < static_cast<std::size_t>(layer.inputs)) continue;
    state.weights8.set(at, 0);
    state.weights16.set(at, 0);
  }
  state.sign.resize(words);
  state.mask.resize(words);
  state.bias = random.array<std::int32_t>(product(layer.outputs, 1), -99999, 99999);
  state.bias_before = random.array<std::int32_t>(product(layer.inputs, 1), -99999, 99999);
  state.mean.resize(product(layer.outputs, 1));
  state.logits.resize(layer.deltas.size());
  state.result.resize(layer.deltas.size());
  state.result_before.resize(layer.x.size());
  state.moved.resize(layer.x.size());
  state.loss.resize(1);
  return state;
}

// What a caller may hand over, but no training leaves: any signed byte as an activation of a
// product and as a delta, any master weight, biases at their bounds, signs outside their masks and
// bits of inputs that are not there.
void make_wild(Random& random, Layer& layer, State& state) {
  layer.wild = true;
  const std::size_t words = state.sign.size();
  layer.deltas = random.array<std::int8_t>(layer.deltas.size(), INT8_MIN, INT8_MAX);
  layer.source = random.array<std::int8_t>(layer.x.size(), INT8_MIN, INT8_MAX);
  state.weights8 = random.array<std::int8_t>(words * 64, INT8_MIN, INT8_MAX);
  state.weights16 = random.array<std::int16_t>(words * 64, INT16_MIN, INT16_MAX);
  for (std::size_t k = 0; k < words; ++k) state.sign.set(k, random.word());
  for (std::size_t k = 0; k < words; ++k) state.mask.set(k, random.word());
  for (std::size_t k = 0; k < state.bias.size(); ++k) {
    state.bias.set(k, random.below(2) != 0 ? kMost : -kMost);
  }
  for (std::size_t k = 0; k < state.bias_before.size(); ++k) state.bias_before.set(k, kMost);
}

// Sampling, forward, output, backward, adversarial inputs, gradient, each given to `run`; the
// update shift is part of the case.
template <class Run>
void run_all(State& s, const Layer& layer, int shift, Run run) {
  const int bits = layer.master_bits, n = layer.inputs, m = layer.outputs, lb = layer.log2_batch;
  std::uint64_t* const weights = bits == 8 ? s.weights8.words() : s.weights16.words();
  if (!layer.wild) {
    run(fewmult_calls::SampleWeights{weights, s.sign.words(), s.mask.words(), bits, n, m,
                                     layer.binary, layer.sharpness, kSeed, kPurpose, kStep});
  }
  fewmult_calls::Layer hidden = {};
  hidden.pass = static_cast<int>(Pass::kHidden);
  hidden.source = layer.source.words();
  hidden.sign = s.sign.words();
  hidden.mask = s.mask.words();
  hidden.bias = s.bias.words();
  hidden.mean = s.mean.words();
  hidden.result = s.result.words();
  hidden.inputs = n;
  hidden.outputs = m;
  hidden.log2_batch = lb;
  hidden.planes = 1;
  hidden.shift = 4;
  hidden.seed = kSeed;
  hidden.purpose = kPurpose;
  hidden.step = kStep;
  hidden.channels = n;
  hidden.rows = hidden.columns = hidden.tap_rows = hidden.tap_columns = hidden.stride = 1;
  run(hidden);
  if (m <= 256) {
    fewmult_calls::Layer output = hidden;
    output.pass = static_cast<int>(Pass::kOutput);
    output.labels = layer.labels.words();
    output.mean = nullptr;
    output.logits = s.logits.words();
    output.loss = s.loss.words();
    output.bias_exponent = -2;
    run(output);
  }
  fewmult_calls::Layer backward = hidden;
  backward.pass = static_cast<int>(Pass::kBackward);
  backward.source = layer.deltas.words();
  backward.gate = layer.source.words();
  backward.bias = s.bias_before.words();
  backward.mean = nullptr;
  backward.result = s.result_before.words();
  backward.shift = 5;
  backward.bias_exponent = -3;
  run(backward);
  fewmult_calls::Layer perturb = backward;
  perturb.pass = static_cast<int>(Pass::kPerturb);
  perturb.bias = nullptr;
  perturb.result = s.moved.words();
  perturb.shift = 4;
  perturb.bias_exponent = 0;
  run(perturb);
  run(fewmult_calls::ShiftGradient{weights,
                                   weights,
                                   s.sign.words(),
                                   s.mask.words(),
                                   layer.x.words(),
                                   layer.deltas.words(),
                                   bits,
                                   n,
                                   m,
                                   lb,
                                   shift,
                                   layer.binary,
                                   layer.sharpness,
                                   kSeed,
                                   3,
                                   kPurpose,
                                   kStep,
                                   n,
                                   1,
                                   1,
                                   1,
                                   1,
                                   1,
                                   0,
                                   0});
}

// Each call on its kernel's top.
struct Tops {
  void operator()(const fewmult_calls::SampleWeights& call) const {
    golden::run_top(sample_weights_top, call, build_id);
  }
  void operator()(const fewmult_calls::Layer& call) const {
    golden::run_top(layer_top, call, build_id);
  }
  void operator()(const fewmult_calls::ShiftGradient& call) const {
    golden::run_top(shift_gradient_top, call, build_id);
  }

  std::uint32_t* build_id;
};

int differences(Kernels& kernels) {
  Random random;
  int differ = 0;
  for (int k = 0; k < kLayers; ++k) {
    Layer layer = random_layer(random);
    State start = random_state(random, layer);
    if (k % 3 == 2) make_wild(random, layer, start);
    const int shift = random.below(33) - 8;
    State mine = start;
    State wanted = start;
    run_all(mine, layer, shift, [&](const auto& call) { kernels.run(call); });
    std::uint32_t build_id = 0;
    run_all(wanted, layer, shift, Tops{&build_id});
    if (mine == wanted) continue;
    ++differ;
    std::printf("%s, %d threads: %d x %d, batch %d, %d bits, shift %d: not the tops' bits\n",
                kernels.level(), kernels.threads(), layer.inputs, layer.outputs,
                1 << layer.log2_batch, layer.master_bits, shift);
  }
  return differ;
}

}  // namespace

int main() {
  int differ = 0;
  for (const Level* level : levels_here()) {
    for (const int threads : {1, 3}) {
      Kernels kernels(*level, threads);
      differ += differences(kernels);
    }
  }
  if (differ == 0) std::printf("levels: %d layers each, no difference\n", kLayers);
  return differ == 0 ? 0 : 1;
}
