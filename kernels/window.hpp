// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Where a window of taps lies on an image, and what it sees there
// (docs/arithmetic.md, section 14). Of an image's places, [row][column], each
// has a row of bytes for each channel, [place][channel][example]; what a window
// sees are runs of consecutive rows. Places are visited one after the other, so
// that no address is a product.
#pragma once

#include "kernels/arithmetic.hpp"
#include "kernels/calls.hpp"
#include "kernels/passes.hpp"

namespace fewmult {

constexpr int kMaxLog2Rows = 22;    // rows of an image's bytes: with a batch, 31 bits number them
constexpr int kMaxLog2Places = 18;  // times batch: of a gradient that fits 32 bits
static_assert((std::int64_t{kDeltaMax} << (6 + kMaxLog2Places)) + (1 << kMaxShift) - 1 <= INT32_MAX,
              "a gradient over places and its rounding term fit 32 bits");

// Along rows or columns: an image, the window on it, and where the window lies.
struct Axis {
  int length;   // places of the image
  int taps;     // of the window
  int stride;   // 1 or 2
  int padding;  // zeros in front of the image
  int results;  // where the window lies
};

// 0 or 1; a call without a layer, whose numbers are all 0, has no stride.
inline int log2_of_stride(int stride) { return stride >> 1; }

inline Axis axis_of(int length, int taps, int stride, bool padded) {
  const int shift = log2_of_stride(stride);
  const int results = padded ? (length + shift) >> shift : ((length - taps) >> shift) + 1;
  return {length, taps, stride, padded ? (taps - 1) >> 1 : 0, results};
}

// A layer that is applied at places: both axes, and its channels.
struct Window {
  Axis vertical;
  Axis horizontal;
  int channels;
  int outputs;
  bool padded;
};

template <class Call>
inline Window window_of(const Call& call) {
#pragma HLS INLINE
  return {axis_of(call.rows, call.tap_rows, call.stride, call.padded != 0),
          axis_of(call.columns, call.tap_columns, call.stride, call.padded != 0), call.channels,
          call.outputs, call.padded != 0};
}

// Whether the window lies once, on the whole image.
inline bool is_whole(const Axis& axis) {
  return axis.taps == axis.length && axis.results == 1 && axis.padding == 0;
}
inline bool is_whole(const Window& window) {
  return is_whole(window.vertical) && is_whole(window.horizontal);
}

// Whether a call is that of a dense layer: no weights and no biases are shared by places.
inline bool is_dense(const fewmult_calls::Layer& call) {
#pragma HLS INLINE
  const bool to_places = sends_back(pass_of(call)) && call.channels != call.inputs;
  return is_whole(window_of(call)) && !to_places;
}

// The same, and its activations have no sign.
inline bool is_dense(const fewmult_calls::ShiftGradient& call) {
#pragma HLS INLINE
  return is_whole(window_of(call)) && call.signed_inputs == 0;
}

// term added to itself so many times: a sum of shifted terms, once a call or a place.
inline int repeated(int term, int times) {
  int sum = 0;
  for (int bit = 0; bit < kMaxLog2Rows + 1; ++bit) {
    sum += (times >> bit & 1) != 0 ? shift_left(term, bit) : 0;
  }
  return sum;
}

// The runs of rows that the units of a place see, and how far they are apart: the same for all
// places of a call. Forward, a run is what a row of taps sees, with zeros where it leaves the
// image. Sending back, it is what a place was seen from through one tap, and the next one belongs
// to the tap in front of it.
struct Runs {
  int rows;       // of the source in a run
  int next;       // from a run to the next one, in rows of the source
  int next_line;  // from the first run of a line to that of the next line
  int bits;       // sending back: from a run's bit in the packed weights to the next one's
  int line_bits;  // and from line to line
};

// What the units of one place see. Lines of runs; forward, a line has one.
struct Sight {
  int terms;  // rows of the source in all its runs
  int at;     // number of the first run's first row; it may lie in front of the image
  int runs;   // of a line
  int zeros;  // rows of a run in front of the image
  int there;  // rows of a run that are there, behind those
  int first;  // line that is there, and
  int end;    // the one behind the last; the others are zeros
  int bit;    // sending back: of the first run
};

// Where one stands on a way over the rows of a sight.
struct Walk {
  int left;  // rows still to come
  int line;
  int run;
  int row;      // of the run
  int at;       // number of the run's first row
  int line_at;  // of the line's first run's
  int bit;      // of the run
  int line_bit;
};

inline Walk begin(const Sight& sight) {
  return {sight.terms, 0, 0, 0, sight.at, sight.at, sight.bit, sight.bit};
}

// Goes on by some rows of a run, at most to its end.
inline void advance(Walk& walk, int rows, const Runs& runs, const Sight& sight) {
  walk.left -= rows;
  walk.row += rows;
  if (walk.row < runs.rows) return;
  walk.row = 0;
  ++walk.run;
  walk.at += runs.next;
  walk.bit += runs.bits;
  if (walk.run < sight.runs) return;
  walk.run = 0;
  ++walk.line;
  walk.line_at += runs.next_line;
  walk.line_bit += runs.line_bits;
  walk.at = walk.line_at;
  walk.bit = walk.line_bit;
}

// Some rows of a run, from where a walk stands: zeros in front, what is there, zeros behind.
struct Piece {
  int rows;
  int begin;  // of what is there, of the piece's rows
  int end;
};

inline Piece piece_of(const Walk& walk, int most, const Runs& runs, const Sight& sight) {
  const int rows = smaller(smaller(most, walk.left), runs.rows - walk.row);
  if (walk.line < sight.first || walk.line >= sight.end) return {rows, 0, 0};
  const int begin = clamp(sight.zeros - walk.row, 0, rows);
  return {rows, begin, clamp(sight.zeros + sight.there - walk.row, begin, rows)};
}

// One axis, as its places are visited.
struct Visit {
  int first;   // place of the source that the first tap meets; sending back, that is seen first
  int at;      // its distance from the source's first place, in rows of the source
  int tap;     // sending back: that meets it
  int tap_at;  // that tap's distance from the first one, in bits
};

// How far a visit goes on.
struct Stride {
  int source;  // rows of the source from a place to the next one of the axis
  int tap;     // bits from a tap to the next one
};

// The places that a call makes, in their order, out of those of a source.
struct View {
  bool back;
  bool one_run;  // all that a window sees
  Axis vertical;
  Axis horizontal;
  int rows;  // of places
  int columns;
  int units;   // of each place
  int source;  // rows of a place of the source
  Stride down;
  Stride across;
  Runs runs;
};

// Where tap rows see whole rows of an image, all that a window sees is one run.
inline View view_of(const Window& window, bool back) {
#pragma HLS INLINE
  const Axis& v = window.vertical;
  const Axis& h = window.horizontal;
  const int tap_bits = window.channels;
  const int taps_bits = repeated(tap_bits, h.taps);
  if (back) {
    const int row = repeated(window.outputs, h.results);
    return {true,
            false,
            v,
            h,
            v.length,
            h.length,
            window.channels,
            window.outputs,
            {row, taps_bits},
            {window.outputs, tap_bits},
            {window.outputs, window.outputs, row, -shift_left(tap_bits, log2_of_stride(h.stride)),
             -shift_left(taps_bits, log2_of_stride(v.stride))}};
  }
  const int row = repeated(window.channels, h.length);
  const bool one_run = h.taps == h.length && !window.padded;
  const int rows = one_run ? repeated(row, v.taps) : taps_bits;
  return {false,
          one_run,
          v,
          h,
          v.results,
          h.results,
          window.outputs,
          window.channels,
          {row, 0},
          {window.channels, 0},
          {rows, 0, row, 0, 0}};
}

inline Visit first_visit(const View& view, const Axis& axis, const Stride& stride) {
  if (!view.back) return {-axis.padding, -repeated(stride.source, axis.padding), 0, 0};
  return {0, 0, axis.padding, repeated(stride.tap, axis.padding)};
}

// Sending back, the next place is met by the next tap of the same place of the source; behind the
// last tap, by one of the next place.
inline void next_visit(Visit& visit, const View& view, const Axis& axis, const Stride& stride) {
  const int log2_stride = log2_of_stride(axis.stride);
  if (!view.back) {
    visit.first += axis.stride;
    visit.at += shift_left(stride.source, log2_stride);
    return;
  }
  ++visit.tap;
  visit.tap_at += stride.tap;
  if (visit.tap < axis.taps) return;
  ++visit.first;
  visit.at += stride.source;
  visit.tap -= axis.stride;
  visit.tap_at -= shift_left(stride.tap, log2_stride);
}

// Sending back: how many places of the source a place was seen from.
inline int seen_from(const Visit& visit, const Axis& axis) {
  const int log2_stride = log2_of_stride(axis.stride);
  const int at = visit.tap + shift_left(visit.first, log2_stride);
  const int last = smaller(at >> log2_stride, axis.results - 1);
  return larger(last - visit.first + 1, 0);
}

inline Sight sight_of(const View& view, const Visit& down, const Visit& across, int inputs) {
  const int at = down.at + across.at;
  if (view.back) {
    const int lines = seen_from(down, view.vertical);
    const int runs = seen_from(across, view.horizontal);
    return {repeated(repeated(view.source, runs), lines),
            at,
            runs,
            0,
            view.source,
            0,
            lines,
            down.tap_at + across.tap_at};
  }
  const int row = view.down.source;
  const int zeros = larger(-across.at, 0);
  const int there =
      view.one_run ? view.runs.rows : smaller(view.runs.rows, row - across.at) - zeros;
  return {inputs,
          at,
          1,
          zeros,
          there,
          larger(-down.first, 0),
          smaller(view.vertical.taps, view.vertical.length - down.first),
          0};
}

// What rows of values see: all of them, once.
inline Runs runs_of_rows(int terms) { return {terms, 0, 0, 0, 0}; }
inline Sight sight_of_rows(int terms) { return {terms, 0, 1, 0, terms, 0, 1, 0}; }

}  // namespace fewmult
