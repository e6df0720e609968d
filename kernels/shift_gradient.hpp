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
#include "kernels/window.hpp"

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

// The places that a gradient is summed over. Where activations have a sign, the array has each
// place twice: for those above 0, whose terms are added, and for those below, whose terms are
// subtracted.
struct Places {
  View view;
  int inputs;
  int outputs;
  bool are_signed;
  bool are_several;  // turns of a word column
};

inline Places places_of(const fewmult_calls::ShiftGradient& call) {
#pragma HLS INLINE
  const View view = view_of(window_of(call), false);
  const bool are_signed = call.signed_inputs != 0;
  return {view, call.inputs, call.outputs, are_signed,
          are_signed || view.rows > 1 || view.columns > 1};
}

// One word column at one place: what the array has at a time.
struct Turn {
  std::uint32_t number;  // of the column's first packed word of the tile
  int column;
  bool below;   // whether it is about activations below 0
  bool begins;  // whether it is the column's first turn,
  bool ends;    // or the last, behind which weights are updated
  int deltas;   // number of the tile's first row of deltas there
  Sight sight;
  Walk walk;  // from where the column's inputs begin in it
};

// Where a sweep stands: at each word column, all places.
struct Tour {
  int column;
  int row;  // of places
  int row_column;
  bool below;  // whether the place's activations above 0 have passed
  int deltas;  // number of the place's first row of deltas
  Visit down;
  Visit across;
  Walk walk;  // from where the column's inputs begin in any sight, as if that began with row 0
};

inline Tour begin_tour(const Places& places) {
  const View& view = places.view;
  return {0,
          0,
          0,
          false,
          0,
          first_visit(view, view.vertical, view.down),
          first_visit(view, view.horizontal, view.across),
          begin({places.inputs, 0, 1, 0, 0, 0, 0, 0})};
}

// To the next 64 inputs, at the first place again.
inline void next_column(Tour& tour, const Places& places, const Sight& sight) {
  const View& view = places.view;
  int left = smaller(tour.walk.left, kWordBits);
  for (int k = 0; k < kWordBits; ++k) {
    const int rows = piece_of(tour.walk, left, view.runs, sight).rows;
    advance(tour.walk, rows, view.runs, sight);
    left -= rows;
    if (left == 0) break;
  }
  ++tour.column;
  tour.row = 0;
  tour.down = first_visit(view, view.vertical, view.down);
  tour.deltas = 0;
}

inline void next_turn(Turn& turn, Tour& tour, const Places& places, const Columns& columns,
                      int output) {
  const View& view = places.view;
  turn.sight = sight_of(view, tour.down, tour.across, places.inputs);
  turn.number = static_cast<std::uint32_t>(columns.first[tour.column] + output);
  turn.column = tour.column;
  turn.below = tour.below;
  turn.begins = tour.row == 0 && tour.row_column == 0 && !tour.below;
  turn.ends = tour.row + 1 == view.rows && tour.row_column + 1 == view.columns &&
              tour.below == places.are_signed;
  turn.deltas = tour.deltas + output;
  turn.walk = tour.walk;
  turn.walk.at += turn.sight.at;
  turn.walk.line_at += turn.sight.at;
  tour.below = places.are_signed && !tour.below;
  if (tour.below) return;
  tour.deltas += places.outputs;
  ++tour.row_column;
  next_visit(tour.across, view, view.horizontal, view.across);
  if (tour.row_column < view.columns) return;
  tour.row_column = 0;
  tour.across = first_visit(view, view.horizontal, view.across);
  ++tour.row;
  next_visit(tour.down, view, view.vertical, view.down);
  if (turn.ends) next_column(tour, places, turn.sight);
}

// Some rows of a run: nothing comes from outside of the image.
template <class Tile>
void encode_piece(typename Tile::Codes& codes, int first, const Word* x, const Piece& piece, int at,
                  int log2_batch, bool is_clear, bool below, const Update& update) {
  if (piece.end > piece.begin) {
    const int word = (at + piece.begin) << (log2_batch - kLog2PortBytes);
    Tile::draw_codes(codes, first + piece.begin, x + word, piece.end - piece.begin,
                     static_cast<std::uint32_t>(word), log2_batch, below, update);
  }
  if (is_clear) return;
  if (piece.begin > 0) Tile::clear_codes(codes, first, piece.begin, log2_batch);
  if (piece.rows > piece.end) {
    Tile::clear_codes(codes, first + piece.end, piece.rows - piece.end, log2_batch);
  }
}

// The codes of a word column for a turn and, if there are several, the deltas of a tile there.
template <class Tile>
void load_place(typename Tile::Codes& codes, typename Tile::PlaceDeltas& of_place, const Word* x,
                const Word* deltas, const Turn& turn, const Places& places, int rows,
                int log2_batch, const Update& update) {
  Walk walk = turn.walk;
  const int all = smaller(walk.left, kWordBits);
  const bool is_clear = !Tile::is_full_of_codes(all, log2_batch);
  if (is_clear) Tile::clear_codes(codes, 0, kWordBits, log2_batch);
  int first = 0;
  for (int k = 0; k < kWordBits; ++k) {
    const Piece piece = piece_of(walk, all - first, places.view.runs, turn.sight);
    encode_piece<Tile>(codes, first, x, piece, walk.at + walk.row, log2_batch, is_clear, turn.below,
                       update);
    advance(walk, piece.rows, places.view.runs, turn.sight);
    first += piece.rows;
    if (first == all) break;
  }
  if (!places.are_several) return;
  Tile::load_place_deltas(of_place, deltas + (turn.deltas << (log2_batch - kLog2PortBytes)), rows,
                          log2_batch);
}

template <class Tile>
void accumulate_place(typename Tile::Gradient& gradient, typename Tile::PlaceGradient& passed,
                      const typename Tile::Codes& codes, const typename Tile::Deltas& deltas,
                      const typename Tile::PlaceDeltas& of_place, const Turn& turn,
                      const Places& places, int rows, int log2_batch) {
  Tile::shift_accumulate(gradient, passed, codes, deltas, of_place, rows, log2_batch,
                         places.are_several, turn.begins, turn.below);
}

// What follows happens behind the last place.

template <class Tile>
void load_column(typename Tile::Weights& weights, const Word* source, int master_bits,
                 const Turn& turn, int rows) {
  if (!turn.ends) return;
  Tile::load_weights(weights, source + first_word(turn.number, master_bits),
                     words_of_weights(rows, master_bits));
}

template <class Tile>
void update_column(typename Tile::Samples& signs, typename Tile::Samples& masks,
                   typename Tile::Weights& updated, const typename Tile::Weights& weights,
                   const typename Tile::Gradient& gradient, const Gradients& layer,
                   const Turn& turn, int rows, const Update& update) {
  if (!turn.ends) return;
  Tile::update(signs, masks, updated, weights, gradient, rows, turn.number,
               inputs_there(layer.inputs - (turn.column << 6)), layer.master_bits, update);
}

template <class Tile>
void store_column(Word* result, const typename Tile::Weights& weights, int master_bits,
                  const Turn& turn, int rows) {
  if (!turn.ends) return;
  Tile::store_weights(result + first_word(turn.number, master_bits), weights,
                      words_of_weights(rows, master_bits));
}

template <class Tile>
void store_samples(Word* sign, Word* mask, const typename Tile::Samples& signs,
                   const typename Tile::Samples& masks, const Turn& turn, int rows) {
  if (!turn.ends) return;
  store_rows(sign + turn.number, signs, rows);
  store_rows(mask + turn.number, masks, rows);
}

// All word columns of a tile's outputs, `output` and those after it, each at all places. While one
// column is updated, the array has the next one, and what comes after that is encoded.
template <class Tile>
void sweep_columns(typename Tile::PlaceGradient& passed, Tour& tour, const Word* source,
                   Word* result, Word* sign, Word* mask, const Word* x, const Word* deltas,
                   const typename Tile::Deltas& tile, const Gradients& layer, const Places& places,
                   const Columns& columns, int output, int rows, int turns, const Update& update) {
  for (int k = 0; k < turns; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS DATAFLOW
    Turn turn;
    typename Tile::Codes codes;
#pragma HLS ARRAY_PARTITION variable = codes complete dim = 3
    typename Tile::PlaceDeltas of_place;
#pragma HLS ARRAY_PARTITION variable = of_place complete dim = 3
    typename Tile::Gradient gradient;
#pragma HLS ARRAY_PARTITION variable = gradient complete dim = 3
#pragma HLS ARRAY_PARTITION variable = gradient complete dim = 4
    typename Tile::Weights weights;
    typename Tile::Weights updated;
    typename Tile::Samples signs;
    typename Tile::Samples masks;
    next_turn(turn, tour, places, columns, output);
    load_place<Tile>(codes, of_place, x, deltas, turn, places, rows, layer.log2_batch, update);
    load_column<Tile>(weights, source, layer.master_bits, turn, rows);
    accumulate_place<Tile>(gradient, passed, codes, tile, of_place, turn, places, rows,
                           layer.log2_batch);
    update_column<Tile>(signs, masks, updated, weights, gradient, layer, turn, rows, update);
    store_column<Tile>(result, updated, layer.master_bits, turn, rows);
    store_samples<Tile>(sign, mask, signs, masks, turn, rows);
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

// x is [place][channel][example], deltas [place][output][example], weights [word
// column][output][64], sign and mask [word column][output].
template <class Tile>
void shift_gradient(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs) {
#pragma HLS INLINE
  const Gradients layer = gradients_of(call, outputs);
  const Places places = places_of(call);
  const Update update = update_of(call);
  typename Tile::Deltas tile;
#pragma HLS ARRAY_PARTITION variable = tile complete dim = 3
  typename Tile::PlaceGradient passed;
#pragma HLS ARRAY_PARTITION variable = passed complete dim = 3
#pragma HLS ARRAY_PARTITION variable = passed complete dim = 4
  Columns columns;
  find_columns(columns, layer.inputs, layer.outputs);
  const int of_row = repeated(word_columns(layer.inputs), places.view.columns);
  const int turns = repeated(of_row, places.view.rows) << (places.are_signed ? 1 : 0);
  const int most = places.are_several ? Tile::kPlaceRows : Tile::kGradientRows;
  const int log2_most = places.are_several ? Tile::kLog2PlaceRows : Tile::kLog2GradientRows;
  const int tiles = (layer.end_output - layer.first_output + most - 1) >> log2_most;
  int output = layer.first_output;
  for (int k = 0; k < tiles; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
    const int rows = smaller(layer.end_output - output, most);
    if (!places.are_several) {
      Tile::load_all_deltas(tile, call.deltas + (output << (layer.log2_batch - kLog2PortBytes)),
                            rows, layer.log2_batch);
    }
    Tour tour = begin_tour(places);
    sweep_columns<Tile>(passed, tour, call.weights, call.updated, call.sign, call.mask, call.x,
                        call.deltas, tile, layer, places, columns, output, rows, turns, update);
    output += most;
  }
}

}  // namespace fewmult
