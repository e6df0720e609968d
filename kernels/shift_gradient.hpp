// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The weight gradient as shifts, and all that follows from it in one sweep: update, clip, next
// sample. A master weight is read once and written once, a gradient never leaves the chip
// (docs/arithmetic.md, sections 7 and 8).
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/packed_words.hpp"
#include "kernels/port_words.hpp"
#include "kernels/weight_update.hpp"

namespace fewmult {

// A layer's gradient, and which of its outputs are computed: all of them in the fabric, a share
// of them by one of several threads of a host.
struct Gradients {
  int inputs;
  int outputs;
  int first_output;
  int end_output;
  int log2_batch;
  int master_bits;
};

// The steps of a sweep over the word columns, for the outputs of a tile.

// Where the master weights of a packed word begin.
inline std::uint32_t first_word(std::uint32_t number, int master_bits) {
  return number << (master_bits == 8 ? 3 : 4);
}

inline void find_word(std::uint32_t& number, const Columns& columns, int column, int output) {
  number = static_cast<std::uint32_t>(columns.first[column] + output);
}

template <class Tile>
void encode_column(typename Tile::Codes& codes, const Word* x, const Gradients& layer, int column,
                   const Update& update) {
  const int first = column << 6;
  Tile::encode(codes, x + (first << (layer.log2_batch - kLog2PortBytes)),
               smaller(layer.inputs - first, kWordBits), first, layer.log2_batch, update);
}

template <class Tile>
void load_column(typename Tile::Weights& weights, const Word* source, int master_bits,
                 std::uint32_t number, int rows) {
  Tile::load_weights(weights, source + first_word(number, master_bits),
                     words_of_weights(rows, master_bits));
}

template <class Tile>
void update_column(typename Tile::Samples& signs, typename Tile::Samples& masks,
                   typename Tile::Weights& updated, const typename Tile::Weights& weights,
                   const typename Tile::Gradient& gradient, const Gradients& layer, int column,
                   int rows, std::uint32_t number, const Update& update) {
  Tile::update(signs, masks, updated, weights, gradient, rows, number,
               inputs_there(layer.inputs - (column << 6)), layer.master_bits, update);
}

template <class Tile>
void store_column(Word* result, const typename Tile::Weights& weights, int master_bits,
                  std::uint32_t number, int rows) {
  Tile::store_weights(result + first_word(number, master_bits), weights,
                      words_of_weights(rows, master_bits));
}

template <class Tile>
void store_samples(Word* sign, Word* mask, const typename Tile::Samples& signs,
                   const typename Tile::Samples& masks, std::uint32_t number, int rows) {
  store_rows(sign + number, signs, rows);
  store_rows(mask + number, masks, rows);
}

// All word columns of a tile's outputs, `output` and those after it. While one column is updated,
// the array has the next one, and the one after that is encoded.
template <class Tile>
void sweep_columns(const Word* source, Word* result, Word* sign, Word* mask, const Word* x,
                   const typename Tile::Deltas& deltas, const Gradients& layer,
                   const Columns& columns, int output, int rows, int number_of_columns,
                   const Update& update) {
  for (int column = 0; column < number_of_columns; ++column) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS DATAFLOW
    std::uint32_t number;
    typename Tile::Codes codes;
#pragma HLS ARRAY_PARTITION variable = codes complete dim = 3
    typename Tile::Gradient gradient;
#pragma HLS ARRAY_PARTITION variable = gradient complete dim = 3
#pragma HLS ARRAY_PARTITION variable = gradient complete dim = 4
    typename Tile::Weights weights;
    typename Tile::Weights updated;
    typename Tile::Samples signs;
    typename Tile::Samples masks;
    find_word(number, columns, column, output);
    encode_column<Tile>(codes, x, layer, column, update);
    load_column<Tile>(weights, source, layer.master_bits, number, rows);
    Tile::shift_accumulate(gradient, codes, deltas, rows, layer.log2_batch);
    update_column<Tile>(signs, masks, updated, weights, gradient, layer, column, rows, number,
                        update);
    store_column<Tile>(result, updated, layer.master_bits, number, rows);
    store_samples<Tile>(sign, mask, signs, masks, number, rows);
  }
}

inline Update update_of(const fewmult_calls::ShiftGradient& call) {
#pragma HLS INLINE
  return {call.shift,
          {call.binary != 0, call.sharpness},
          {call.seed, call.code_purpose},
          {call.seed, call.weight_purpose},
          call.step};
}

inline Gradients gradients_of(const fewmult_calls::ShiftGradient& call,
                              fewmult_calls::Share outputs) {
#pragma HLS INLINE
  return {call.inputs, call.outputs, outputs.first, outputs.end, call.log2_batch, call.master_bits};
}

// x is [input][example], deltas [output][example], weights [word column][output][64], sign and mask
// [word column][output].
template <class Tile>
void shift_gradient(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
#pragma HLS INLINE
  const Gradients layer = gradients_of(call, outputs);
  const Update update = update_of(call);
  typename Tile::Deltas tile;
#pragma HLS ARRAY_PARTITION variable = tile complete dim = 3
  Columns columns;
  find_columns(columns, layer.inputs, layer.outputs);
  for (int output = layer.first_output; output < layer.end_output; output += Tile::kGradientRows) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(layer.end_output - output, Tile::kGradientRows);
    Tile::load_deltas(tile, call.deltas + (output << (layer.log2_batch - kLog2PortBytes)), rows,
                      layer.log2_batch);
    sweep_columns<Tile>(call.weights, call.updated, call.sign, call.mask, call.x, tile, layer,
                        columns, output, rows, word_columns(layer.inputs), update);
  }
}

}  // namespace fewmult
