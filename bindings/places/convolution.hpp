// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Layers whose weights are applied at places, and the gradient of these weights over all places
// (docs/arithmetic.md, section 14): additions, selections and shifts, row by row, as a fabric could
// have them. Here, not among the kernels, for no fabric has: they serve the portable level.
#pragma once

#include <cstddef>

#include "bindings/elements.hpp"
#include "bindings/places/window.hpp"
#include "bindings/unit_epilogue.hpp"
#include "kernels/arithmetic.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/passes.hpp"
#include "kernels/power_of_two.hpp"
#include "kernels/shift_gradient.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

inline View view_of(const fewmult_calls::Layer& call) {
  return view_of(window_of(call), sends_back(pass_of(call)));
}

// A draw at a time; where there are vectors, as many at once as they have lanes.
struct DrawByDraw {
  static void bytes(Key key, std::uint32_t first, std::uint32_t step, int batch,
                    std::uint8_t (&bytes)[kMaxBatch]) {
    for (int b = 0; b < batch; b += 8) {
      const Bits64 bits = threefry(key, (first + static_cast<std::uint32_t>(b)) >> 3, step);
      for (int k = 0; k < 8; ++k) bytes[b + k] = static_cast<std::uint8_t>(byte_of(bits, k));
    }
  }
};

// Finishes a row, whose sums are z, of a channel; returns the sum by which a bias steps that is
// sent back to, over the batch.
template <class Draws = DrawByDraw>
inline std::int32_t finish_row(const fewmult_calls::Layer& call, int row, int channel,
                               const std::int32_t* z) {
  const Pass pass = pass_of(call);
  const std::ptrdiff_t first = std::ptrdiff_t{row} << call.log2_batch;
  std::int8_t* const result = elements<std::int8_t>(call.result) + first;
  if (pass == Pass::kBackward) {
    return send_back<Draws>(call, static_cast<std::uint32_t>(first), z,
                            elements<std::int8_t>(call.gate) + first, result);
  }
  if (pass == Pass::kPerturb) {
    move(call, z, elements<std::int8_t>(call.gate) + first, result);
    return 0;
  }
  std::int32_t& mean = elements<std::int32_t>(call.mean)[row];
  if (pass == Pass::kHidden) mean = batch_mean(z, call.log2_batch);
  activate(call, z, mean, elements<std::int32_t>(call.bias)[channel], result);
  return 0;
}

// z[b] += sum over a source place's channels of +x, -x or 0; the bits of inputs `bit` and those
// after it, of an output, are in words `outputs` apart. Sending back, the bit of one input in the
// words of consecutive outputs, which are the source's channels.
inline void add_place(std::int32_t* z, const std::int8_t* x, int log2_batch, int channels,
                      const Word* sign, const Word* mask, int bit, int outputs, bool back) {
  int at = bit & (kWordBits - 1);
  for (int channel = 0; channel < channels; ++channel) {
    const std::int32_t keep = -static_cast<std::int32_t>(*mask >> at & 1);
    const std::int32_t flip = keep & -static_cast<std::int32_t>(*sign >> at & 1);
    for (int b = 0; b < 1 << log2_batch; ++b) z[b] += ((x[b] & keep) ^ flip) - flip;
    x += std::ptrdiff_t{1} << log2_batch;
    if (back) {
      ++sign;
      ++mask;
    } else if (++at == kWordBits) {
      at = 0;
      sign += outputs;
      mask += outputs;
    }
  }
}

// Of one unit at one place.
inline void sum_window(std::int32_t* z, const fewmult_calls::Layer& call, const View& view,
                       const Sight& down, const Sight& across, int unit, const Word* sign,
                       const Word* mask) {
  const std::ptrdiff_t place = std::ptrdiff_t{view.source_channels} << call.log2_batch;
  const Inside rows = inside(down, view.source_rows);
  const Inside columns = inside(across, view.source_columns);
  for (int u = rows.begin; u < rows.end; ++u) {
    const std::ptrdiff_t row = sum_of(sum_of(place, view.source_columns), down.first + u);
    int tap_row = down.tap;
    for (int k = 0; k < u; ++k) tap_row += down.tap_step;
    for (int v = columns.begin; v < columns.end; ++v) {
      int tap = static_cast<int>(sum_of(call.tap_columns, tap_row)) + across.tap;
      for (int k = 0; k < v; ++k) tap += across.tap_step;
      const int bit = static_cast<int>(sum_of(call.channels, tap)) + (view.back ? unit : 0);
      const std::ptrdiff_t word = sum_of(call.outputs, bit >> 6) + (view.back ? 0 : unit);
      add_place(z, elements<std::int8_t>(call.source) + row + sum_of(place, across.first + v),
                call.log2_batch, view.source_channels, sign + word, mask + word, bit, call.outputs,
                view.back);
    }
  }
}

// Some rows of places and some units of each. What a bias that is sent back to steps by is added
// to `sums`, one for each of all units.
inline void convolution(const fewmult_calls::Layer& call, fewmult_calls::Share rows,
                        fewmult_calls::Share units, std::int64_t* sums) {
  const View view = view_of(call);
  const std::ptrdiff_t plane = sum_of(call.outputs, word_columns(call.inputs));
  int place = static_cast<int>(sum_of(view.columns, rows.first));
  for (int row = rows.first; row < rows.end; ++row) {
    const Sight down = sight_of(view, view.window.vertical, row);
    for (int column = 0; column < view.columns; ++column, ++place) {
      const Sight across = sight_of(view, view.window.horizontal, column);
      const int first = static_cast<int>(sum_of(view.units, place));
      for (int unit = units.first; unit < units.end; ++unit) {
        std::int32_t z[kMaxBatch] = {};
        const Word* sign = call.sign;
        const Word* mask = call.mask;
        for (int p = 0; p < call.planes; ++p, sign += plane, mask += plane) {
          for (int b = 0; b < 1 << call.log2_batch; ++b) z[b] = shift_left(z[b], 1);
          sum_window(z, call, view, down, across, unit, sign, mask);
        }
        sums[unit] += finish_row(call, first + unit, unit, z);
      }
    }
  }
}

// Of 64 inputs and some outputs: what their weights' gradients are made of.
struct InputCodes {
  std::int8_t of[kWordBits][kMaxBatch];  // of an activation's size, negative for a negative one
};

inline void encode_row(InputCodes& codes, int lane, const std::int8_t* x, std::uint32_t first,
                       int log2_batch, const Update& update) {
  for (int eight = 0; eight < 1 << log2_batch; eight += 8) {
    const Bits64 bits =
        threefry(update.code_key, (first + static_cast<std::uint32_t>(eight)) >> 3, update.step);
    for (int k = 0; k < 8; ++k) {
      const std::int32_t value = x[eight + k];
      const int code = power_of_two_code(value < 0 ? -value : value, byte_of(bits, k));
      codes.of[lane][eight + k] = static_cast<std::int8_t>(value < 0 ? -code : code);
    }
  }
}

inline void encode_nothing(InputCodes& codes, int lane, int log2_batch) {
  for (int b = 0; b < 1 << log2_batch; ++b) codes.of[lane][b] = 0;
}

// Input `channel` of tap (u, v).
struct TapInput {
  int u;
  int v;
  int channel;
};

inline void next_input(TapInput& input, const fewmult_calls::ShiftGradient& call) {
  if (++input.channel < call.channels) return;
  input.channel = 0;
  if (++input.v < call.tap_columns) return;
  input.v = 0;
  ++input.u;
}

// The inputs from `input` on, as the window at a place has them.
inline void encode_window(InputCodes& codes, const fewmult_calls::ShiftGradient& call,
                          TapInput input, int inputs, int row, int column, const Update& update) {
  for (int lane = 0; lane < inputs; ++lane, next_input(input, call)) {
    const int down = row + input.u;
    const int across = column + input.v;
    if (down >= 0 && down < call.rows && across >= 0 && across < call.columns) {
      const int place = static_cast<int>(sum_of(call.columns, down)) + across;
      const std::ptrdiff_t first = (sum_of(call.channels, place) + input.channel)
                                   << call.log2_batch;
      encode_row(codes, lane, elements<std::int8_t>(call.x) + first,
                 static_cast<std::uint32_t>(first), call.log2_batch, update);
    } else {
      encode_nothing(codes, lane, call.log2_batch);
    }
  }
}

// The sum of +-(delta << (code - 1)) over the batch.
inline std::int32_t shifted_sum(const InputCodes& codes, int lane, const std::int8_t* deltas,
                                int batch) {
  std::int32_t sum = 0;
  for (int b = 0; b < batch; ++b) {
    const std::int32_t code = codes.of[lane][b];
    const std::int32_t size = code < 0 ? -code : code;
    const std::int32_t term = size == 0 ? 0 : shift_left(deltas[b], size - 1);
    sum += code < 0 ? -term : term;
  }
  return sum;
}

constexpr int kGradientOutputs = 32;  // whose sums are kept while all places pass

inline void sum_places(std::int32_t (&g)[kGradientOutputs][kWordBits],
                       const fewmult_calls::ShiftGradient& call, const TapInput& input, int inputs,
                       int output, int outputs, const Update& update) {
  const Window window = window_of(call);
  const int batch = 1 << call.log2_batch;
  for (int k = 0; k < outputs; ++k) {
    for (int lane = 0; lane < kWordBits; ++lane) g[k][lane] = 0;
  }
  InputCodes codes;
  const std::int8_t* deltas =
      elements<std::int8_t>(call.deltas) + (std::ptrdiff_t{output} << call.log2_batch);
  for (int row = 0; row < window.vertical.results; ++row) {
    for (int column = 0; column < window.horizontal.results; ++column) {
      encode_window(codes, call, input, inputs, sight(window.vertical, row).first,
                    sight(window.horizontal, column).first, update);
      const std::int8_t* of_output = deltas;
      for (int k = 0; k < outputs; ++k, of_output += batch) {
        for (int lane = 0; lane < inputs; ++lane) {
          g[k][lane] += shifted_sum(codes, lane, of_output, batch);
        }
      }
      deltas += std::ptrdiff_t{call.outputs} << call.log2_batch;
    }
  }
}

// Updates and samples the 64 weights of a packed word; g are their gradients.
template <class Weight>
inline PackedWord update_word(Weight* weights, const std::int32_t* g, std::uint32_t number,
                              Word there, const Update& update) {
  const WeightStep step = step_of(update);
  PackedWord packed = {0, 0};
  for (int four = 0; four < kWordBits / 4; ++four) {
    const Bits64 bits = threefry(update.weight_key,
                                 (number << 4) + static_cast<std::uint32_t>(four), update.step + 1);
    for (int k = 0; k < 4; ++k) {
      const int lane = (four << 2) + k;
      const std::int32_t half = half_of(bits, k);
      const std::int32_t weight =
          stepped_weight(weights[lane], g[lane], half, step, Master<Weight>::kBits);
      const SampledWeight sampled =
          sample_weight(weight, half, update.sampling, Master<Weight>::kBits);
      weights[lane] = static_cast<Weight>(weight);
      packed.sign |= Word{sampled.minus} << lane;
      packed.mask |= Word{sampled.nonzero} << lane;
    }
  }
  return {packed.sign & there, packed.mask & there};
}

template <class Weight>
inline void convolution_gradient(const fewmult_calls::ShiftGradient& call, Weight* weights,
                                 fewmult_calls::Share outputs) {
  const Update update = update_of(call);
  std::ptrdiff_t column = 0;  // number of a word column's first word
  TapInput input = {0, 0, 0};
  for (int first = 0; first < call.inputs; first += kWordBits, column += call.outputs) {
    const int inputs = smaller(call.inputs - first, kWordBits);
    for (int output = outputs.first; output < outputs.end; output += kGradientOutputs) {
      std::int32_t g[kGradientOutputs][kWordBits];
      const int there = smaller(outputs.end - output, kGradientOutputs);
      sum_places(g, call, input, inputs, output, there, update);
      for (int k = 0; k < there; ++k) {
        const std::ptrdiff_t number = column + output + k;
        const PackedWord packed =
            update_word(weights + (number << 6), g[k], static_cast<std::uint32_t>(number),
                        inputs_there(inputs), update);
        call.sign[number] = packed.sign;
        call.mask[number] = packed.mask;
      }
    }
    for (int lane = 0; lane < inputs; ++lane) next_input(input, call);
  }
}

// All inputs of some outputs.
inline void convolution_gradient(const fewmult_calls::ShiftGradient& call,
                                 fewmult_calls::Share outputs) {
  if (call.master_bits == 8) {
    convolution_gradient(call, elements<std::int8_t>(call.updated), outputs);
  } else {
    convolution_gradient(call, elements<std::int16_t>(call.updated), outputs);
  }
}

}  // namespace fewmult
