// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Convolution with vectors. As in the tile of a dense layer a vector holds units, and an
// activation's quad meets a vector of four weights each; but a block of weights, once expanded,
// meets all places of a group, and what it meets are runs of consecutive bytes, since rows of the
// image are turned once for all windows that lie on them.
#pragma once

#include <cstring>

#include "bindings/elements.hpp"
#include "bindings/places/convolution.hpp"
#include "bindings/simd/vector_strips.hpp"
#include "bindings/simd/vector_tile.hpp"

namespace fewmult {

template <class Isa>
class VectorWindow {
 public:
  static std::size_t bytes(const fewmult_calls::Layer& call) {
    WindowMemory measured(nullptr);
    const VectorWindow window(call, measured);
    return measured.bytes();
  }

  // As ``convolution`` of bindings/places.
  static void run(const fewmult_calls::Layer& call, fewmult_calls::Share rows,
                  fewmult_calls::Share units, char* memory, std::int64_t* sums) {
    WindowMemory cut(memory);
    VectorWindow(call, cut).run(rows, units, sums);
  }

 private:
  using Int = typename Isa::Int;
  using Tile = VectorTile<Isa>;
  struct Words {
    alignas(64) Word sign[Tile::kRows];
    alignas(64) Word mask[Tile::kRows];
  };
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kWordQuads = kWordBits / 4;
  static constexpr int kWidest = 8;                     // vectors of units in a block
  static constexpr int kSums = Isa::kTwoRows ? 16 : 8;  // vectors that registers hold
  static constexpr int kGroup = 512;  // sums of an example: those of a batch fit a cache
  static constexpr int kBlock = 256;  // vectors of expanded weights, which fit a cache
  static_assert(kBlock / kWidest <= 32, "32 bits say which quads of a run are not zero");
  static constexpr int kMostQuads = 60;  // of 16-bit sums of products with 2, at most
  static constexpr int kRuns = 16;

  // Consecutive quads of a row, from the first place that a window sees on, and their weights.
  struct Run {
    int row;  // of the source
    int first;
    int quads;
    int weights;
  };

  struct Chunk {
    Run run[kRuns];
    int runs;
    int quads;
  };

  // The runs of a place: what of them is there.
  struct Bytes {
    const std::int8_t* x[kRuns];
    const Int* weights[kRuns];
    int quads[kRuns];
    int runs;
  };

  // Some places in a row that see the image alike, each a step further.
  struct Group {
    int row;
    int column;
    int apart;  // columns from one to the next
    int places;
    AxisSight down;
    AxisSight across;  // of the first
    int step;          // of the source's columns from one to the next
    Inside rows;
  };

  VectorWindow(const fewmult_calls::Layer& call, WindowMemory& memory)
      : call_(call),
        view_(fewmult::direction_of(call)),
        batch_(1 << call.log2_batch),
        kept_(view_.back ? (call.tap_rows + call.stride - 1) / call.stride : call.tap_rows),
        columns_(word_columns(call.inputs)),
        z_(memory.take<std::int32_t>(std::ptrdiff_t{kGroup} * batch_)),
        block_(memory.take<Int>(kBlock + kWordQuads * kWidest)),
        minus_(memory.take<std::int32_t>(kGroup / kLanes * batch_)),
        totals_(memory.take<std::int32_t>(kGroup)),
        seen_(memory.take<Bytes>(kGroup / kLanes)),
        words_(memory.take<Words>(1)),
        turned_(memory.take<std::int32_t>(kLanes * kMaxBatch)),
        strips_(memory, view_, call.log2_batch, kept_) {}

  void run(fewmult_calls::Share rows, fewmult_calls::Share units, std::int64_t* sums) {
    int loaded = 0;  // rows of the source
    const int apart = view_.back ? call_.stride : 1;
    const int step = view_.back ? 1 : call_.stride;
    const int vectors = smaller((units.end - units.first + kLanes - 1) / kLanes, kWidest);
    const int most = kGroup / (kLanes * (vectors > 4 ? 8 : vectors > 2 ? 4 : vectors));
    for (int row = rows.first; row < rows.end; ++row) {
      const AxisSight down = sight_of(view_, view_.window.vertical, row);
      const Inside seen = inside(down, view_.source_rows);
      for (int u = larger(loaded, down.first + seen.begin); u < down.first + seen.end; ++u) {
        strips_.load(elements<std::int8_t>(call_.source), u);
        loaded = u + 1;
      }
      for (int phase = 0; phase < smaller(apart, view_.columns); ++phase) {
        const int all = (view_.columns - phase + apart - 1) / apart;
        for (int first = 0; first < all; first += most) {
          const int column = phase + first * apart;
          const Group group = {row,   column,
                               apart, smaller(most, all - first),
                               down,  sight_of(view_, view_.window.horizontal, column),
                               step,  seen};
          units_of_group(group, units, sums);
        }
      }
    }
  }

  void units_of_group(const Group& group, fewmult_calls::Share units, std::int64_t* sums) {
    int unit = units.first;
    while (unit < units.end) {
      const int left = (units.end - unit + kLanes - 1) / kLanes;
      if (left > 4) {
        unit = block<8>(group, unit, units.end, sums);
      } else if (left > 2) {
        unit = block<4>(group, unit, units.end, sums);
      } else if (left > 1) {
        unit = block<2>(group, unit, units.end, sums);
      } else {
        unit = block<1>(group, unit, units.end, sums);
      }
    }
  }

  // Some vectors of units at the places of a group; returns the unit after them.
  template <int V>
  int block(const Group& group, int unit, int end, std::int64_t* sums) {
    const int there = smaller(V * kLanes, end - unit);
    for (int place = 0; place < group.places; ++place) take_off(group, place);
    for (int plane = 0; plane < call_.planes; ++plane) {
      if (plane > 0) begin_again<V>(group);
      multiply_group<V>(group, unit, there, plane);
    }
    for (int place = 0; place < group.places; ++place) {
      const int number = group.row * view_.columns + group.column + place * group.apart;
      finish<V>(place, number * view_.units, unit, there, sums);
    }
    return unit + V * kLanes;
  }

  // [example][V vectors], of a place of a group.
  template <int V>
  std::int32_t* sums_of(int place) const {
    return z_ + std::ptrdiff_t{place} * batch_ * V * kLanes;
  }

  // Over the batch, of V vectors.
  template <int V>
  std::int32_t* total_of(int place) const {
    return totals_ + std::ptrdiff_t{place} * V * kLanes;
  }

  Inside columns_of(const Group& group, int place) const {
    AxisSight across = group.across;
    across.first += place * group.step;
    return inside(across, view_.source_columns);
  }

  // Weights are counted one up: minus the window's bytes, by example.
  void take_off(const Group& group, int place) {
    const int batch = batch_;
    std::int32_t* const minus = minus_ + std::ptrdiff_t{place} * batch;
    for (int b = 0; b < batch; b += kLanes) lanes(minus + b) = Int{};
    const Inside columns = columns_of(group, place);
    const int first = group.across.first + place * group.step;
    for (int u = group.rows.begin; u < group.rows.end; ++u) {
      for (int v = columns.begin; v < columns.end; ++v) {
        const std::int32_t* sums = strips_.sums(group.down.first + u, first + v);
        for (int b = 0; b < batch; b += kLanes) lanes(minus + b) -= lanes(sums + b);
      }
    }
  }

  // Sums of the planes before count twice.
  template <int V>
  void begin_again(const Group& group) {
    for (int place = 0; place < group.places; ++place) {
      const std::int32_t* const minus = minus_ + std::ptrdiff_t{place} * batch_;
      std::int32_t* z = sums_of<V>(place);
      for (int b = 0; b < batch_; ++b) {
        const Int value = Isa::splat(minus[b]);
        for (int v = 0; v < V; ++v, z += kLanes) lanes(z) += lanes(z) + value;
      }
    }
  }

  template <int V>
  void multiply_group(const Group& group, int unit, int there, int plane) {
    constexpr int kLimit = kBlock / V < kMostQuads ? kBlock / V : kMostQuads;
    const std::ptrdiff_t words = std::ptrdiff_t{columns_} * call_.outputs * plane;
    const int quads = strips_.quads();
    // Columns that any place of the group sees.
    const int begin = larger(0, -(group.across.first + (group.places - 1) * group.step));
    const int end = smaller(group.across.places, view_.source_columns - group.across.first);
    Chunk chunk;
    chunk.runs = 0;
    chunk.quads = 0;
    bool first = plane == 0;
    for (int u = group.rows.begin; u < group.rows.end; ++u) {
      const int row = group.down.first + u;
      const int tap_row = (group.down.tap + u * group.down.tap_step) * call_.tap_columns;
      for (int v = begin; v < end; ++v) {
        const int tap = tap_row + group.across.tap + v * group.across.tap_step;
        for (int quad = 0; quad < quads; quad += kWordQuads) {
          const int more = smaller(kWordQuads, quads - quad);
          const bool next = chunk.runs == 0 || chunk.run[chunk.runs - 1].row != row;
          if (chunk.quads + more > kLimit || (next && chunk.runs == kRuns)) {
            meet<V>(group, chunk, first);
            first = false;
            chunk.runs = 0;
            chunk.quads = 0;
          }
          if (chunk.runs == 0 || chunk.run[chunk.runs - 1].row != row) {
            chunk.run[chunk.runs++] = {row, v * quads + quad, 0, chunk.quads};
          }
          find_words(tap * call_.channels, unit, there, 4 * quad, words);
          for (int k = 0; k < V; ++k) {
            Isa::expand(words_->sign + k * kLanes, words_->mask + k * kLanes,
                        block_ + chunk.quads * V + k, V);
          }
          chunk.run[chunk.runs - 1].quads += more;
          chunk.quads += more;
        }
      }
    }
    meet<V>(group, chunk, first, call_.planes == 1);
  }

  // The words of some units for 64 channels of the source, under a tap whose first input is `bit`.
  // Those of units that are not there may be anything.
  void find_words(int bit, int unit, int there, int channel, std::ptrdiff_t first) {
    if (!view_.back) {
      join(bit + channel, first + unit, there, words_->sign, words_->mask);
      return;
    }
    const int outputs = smaller(kWordBits, call_.outputs - channel);
    alignas(64) Word sign[kWordBits];
    alignas(64) Word mask[kWordBits];
    for (int n = 0; n < there; n += kWordBits) {
      join(bit + unit + n, first + channel, outputs, sign, mask);
      Tile::load_transposed(words_->sign, words_->mask, n, sign, mask, outputs);
    }
  }

  // Words of consecutive outputs, from input `bit` on.
  void join(int bit, std::ptrdiff_t first, int count, Word* sign, Word* mask) const {
    const int column = bit >> 6;
    const int shift = bit & (kWordBits - 1);
    first += std::ptrdiff_t{column} * call_.outputs;
    const Word* signs = call_.sign + first;
    const Word* masks = call_.mask + first;
    if (shift == 0 || column + 1 == columns_) {
      for (int n = 0; n < count; ++n) {
        sign[n] = signs[n] >> shift;
        mask[n] = masks[n] >> shift;
      }
      return;
    }
    const int rest = kWordBits - shift;
    const Word* next_signs = signs + call_.outputs;
    const Word* next_masks = masks + call_.outputs;
    for (int n = 0; n < count; ++n) {
      sign[n] = signs[n] >> shift | next_signs[n] << rest;
      mask[n] = masks[n] >> shift | next_masks[n] << rest;
    }
  }

  // A chunk of weights and all places of a group: some examples at all of them, whose bytes the
  // next place sees for the most part again, then the next examples. The first chunk begins sums;
  // of the last one, where sums are whole, totals over the batch are kept.
  template <int V>
  void meet(const Group& group, const Chunk& chunk, bool first, bool last = false) {
    constexpr int R = kSums / V < 8 ? kSums / V : 8;
    for (int place = 0; place < group.places; ++place) {
      seen_[place] = see<V>(group, chunk, place);
      for (int v = 0; last && v < V; ++v) lanes(total_of<V>(place) + v * kLanes) = Int{};
    }
    for (int b = 0; b < batch_; b += R) {
      for (int place = 0; place < group.places; ++place) {
        if (seen_[place].runs == 0 && !first && !last) continue;
        const std::int32_t* const begin = minus_ + std::ptrdiff_t{place} * batch_ + b;
        multiply<V, R>(sums_of<V>(place) + b * V * kLanes, seen_[place], b * strips_.stride(),
                       first ? begin : nullptr, last ? total_of<V>(place) : nullptr);
      }
    }
  }

  // What a place sees of a chunk.
  template <int V>
  Bytes see(const Group& group, const Chunk& chunk, int place) const {
    const int quads = strips_.quads();
    const Inside columns = columns_of(group, place);
    const int first = group.across.first + place * group.step;
    Bytes bytes;
    bytes.runs = 0;
    for (int k = 0; k < chunk.runs; ++k) {
      const Run& run = chunk.run[k];
      const int begin = larger(run.first, columns.begin * quads);
      const int end = smaller(run.first + run.quads, columns.end * quads);
      if (begin >= end) continue;
      bytes.x[bytes.runs] = strips_.row(run.row) + 4 * (std::ptrdiff_t{first} * quads + begin);
      bytes.weights[bytes.runs] = block_ + std::ptrdiff_t{run.weights + begin - run.first} * V;
      bytes.quads[bytes.runs++] = end - begin;
    }
    return bytes;
  }

  // R examples at once, the first of which is so many bytes behind the batch's first. With numbers
  // to begin with, one an example, what was in z does not count. What z has then is added to
  // totals.
  template <int V, int R>
  void multiply(std::int32_t* z, const Bytes& bytes, std::ptrdiff_t example,
                const std::int32_t* begin, std::int32_t* totals) const {
    const std::ptrdiff_t stride = strips_.stride();
    Int sums[R][V] = {};
    for (int run = 0; run < bytes.runs; ++run) {
      const std::int8_t* x = bytes.x[run] + example;
      const Int* w = bytes.weights[run];
      if (V == kWidest && R == 2) {
        const std::uint64_t nonzero[2] = {nonzero_quads(x, bytes.quads[run]),
                                          nonzero_quads(x + stride, bytes.quads[run])};
        const int alone = __builtin_popcountll(nonzero[0]) + __builtin_popcountll(nonzero[1]);
        // Of 8 vectors a quad for one takes the time of 13 products, for two that of 16.
        if (13 * alone < 16 * bytes.quads[run]) {
          step_nonzero<V>(sums[0], nonzero[0], w, x);
          step_nonzero<V>(sums[R - 1], nonzero[1], w, x + stride);
          continue;
        }
      }
      for (const Int* const end = w + bytes.quads[run] * V; w != end; w += V, x += 4) {
        step<V, R>(sums, w, x, stride);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Int value = Isa::splat(begin != nullptr ? begin[r] : 0);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        Int& sum = lanes(z + (r * V + v) * kLanes);
        sum = Isa::total(sums[r][v]) + (begin != nullptr ? value : sum);
        sums[r][v] = sum;
      }
    }
    if (totals == nullptr) return;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      Int total = lanes(totals + v * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) total += sums[r][v];
      lanes(totals + v * kLanes) = total;
    }
  }

  // Bit q: whether quad q is not zero, of at most 32. What is read beyond them is there.
  static std::uint64_t nonzero_quads(const std::int8_t* x, int quads) {
    std::uint64_t nonzero = Isa::nonzero16(x);
    if (quads > 16) nonzero |= std::uint64_t{Isa::nonzero16(x + 64)} << 16;
    return nonzero & ((std::uint64_t{1} << quads) - 1);
  }

  template <int V>
  static void step_nonzero(Int (&sums)[V], std::uint64_t nonzero, const Int* w,
                           const std::int8_t* x) {
    for (; nonzero != 0; nonzero &= nonzero - 1) {
      const int q = __builtin_ctzll(nonzero);
      const Int quad = Isa::splat(quad_of(x + 4 * q));
      const Int* const u8 = w + q * V;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sums[v] = Isa::step(sums[v], u8[v], quad);
    }
  }

  template <int V, int R>
  static void step(Int (&sums)[R][V], const Int* w, const std::int8_t* x, std::ptrdiff_t stride) {
    if (V >= R) {
      Int quad[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) quad[r] = Isa::splat(quad_of(x + r * stride));
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const Int u8 = w[v];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sums[r][v] = Isa::step(sums[r][v], u8, quad[r]);
      }
    } else {
      Int u8[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) u8[v] = w[v];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Int quad = Isa::splat(quad_of(x + r * stride));
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[r][v] = Isa::step(sums[r][v], u8[v], quad);
      }
    }
  }

  template <int V>
  void finish(int place, int row, int unit, int there, std::int64_t* sums) {
    const std::int32_t* const z = sums_of<V>(place);
    const Pass pass = fewmult::pass_of(call_);
    if (call_.planes == 1 && (pass == Pass::kHidden || pass == Pass::kHiddenMean)) {
      for (int v = 0; v < V && v * kLanes < there; ++v) {
        activations<V>(z + v * kLanes, lanes(total_of<V>(place) + v * kLanes), row,
                       unit + v * kLanes, smaller(kLanes, there - v * kLanes));
      }
      return;
    }
    for (int n = 0; n < there; ++n) {
      const int lane = n & (kLanes - 1);
      if (lane == 0) {
        for (int b = 0; b < batch_; b += kLanes) {
          Isa::transpose(z + b * V * kLanes + n, V * kLanes, turned_ + b, kMaxBatch);
        }
      }
      sums[unit + n] +=
          finish_row<DrawsAtOnce<Isa>>(call_, row + unit + n, unit + n, turned_ + lane * kMaxBatch);
    }
  }

  // Activations of a vector of units: means and all else lane by lane, only bytes are turned.
  template <int V>
  void activations(const std::int32_t* z, Int total, int row, int unit, int there) {
    const int log2_batch = call_.log2_batch;
    const int shift = call_.shift;
    alignas(64) std::int32_t offset[kLanes] = {};
    alignas(64) std::int32_t mean[kLanes] = {};
    for (int n = 0; n < there; ++n) {
      offset[n] =
          elements<std::int32_t>(call_.bias)[unit + n] >> (kBiasFraction - kActivationFraction);
    }
    std::int32_t* const means = elements<std::int32_t>(call_.mean) + row + unit;
    if (fewmult::pass_of(call_) == Pass::kHidden) {
      lanes(mean) = (total + (batch_ >> 1)) >> log2_batch;
      std::memcpy(means, mean, sizeof(mean[0]) * static_cast<std::size_t>(there));
    } else {
      std::memcpy(mean, means, sizeof(mean[0]) * static_cast<std::size_t>(there));
    }
    const Int less = Isa::splat(1 << shift >> 1) - lanes(mean);
    const Int more = lanes(offset);
    alignas(64) std::int32_t quads[kMaxBatch / 4][kLanes];
    for (int q = 0; q < batch_ >> 2; ++q) {
      Int y[4];
#pragma GCC unroll 4
      for (int n = 0; n < 4; ++n) {
        y[n] = ((lanes(z + (4 * q + n) * V * kLanes) + less) >> shift) + more;
      }
      lanes(quads[q]) = Isa::clamped_bytes(y, kActivationMax);
    }
    std::int8_t* const result =
        elements<std::int8_t>(call_.result) + (std::ptrdiff_t{row + unit} << log2_batch);
    for (int q = 0; q < batch_ >> 2; q += kLanes) {
      alignas(64) std::int32_t bytes[kLanes][kLanes];
      Isa::transpose(quads[q], kLanes, bytes[0], kLanes);
      for (int n = 0; n < there; ++n) {
        std::int8_t* const to = result + (std::ptrdiff_t{n} << log2_batch) + 4 * q;
        if (batch_ >= 4 * kLanes) {
          std::memcpy(to, bytes[n], 4 * kLanes);
        } else {
          std::memcpy(to, bytes[n], static_cast<std::size_t>(batch_));
        }
      }
    }
  }

  static Int& lanes(std::int32_t* at) { return *reinterpret_cast<Int*>(at); }
  static const Int& lanes(const std::int32_t* at) { return *reinterpret_cast<const Int*>(at); }

  static std::int32_t quad_of(const std::int8_t* bytes) {
    std::int32_t four;
    std::memcpy(&four, bytes, sizeof(four));
    return four;
  }

  const fewmult_calls::Layer& call_;
  const Direction view_;
  const int batch_;
  const int kept_;     // rows of the source
  const int columns_;  // of packed words
  std::int32_t* const z_;
  Int* const block_;
  std::int32_t* const minus_;   // [place of a group][example]
  std::int32_t* const totals_;  // [place of a group][unit]
  Bytes* const seen_;           // by each place of a group
  Words* const words_;
  std::int32_t* const turned_;
  VectorStrips<Isa> strips_;
};

}  // namespace fewmult
