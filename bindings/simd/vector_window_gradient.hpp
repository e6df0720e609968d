// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The gradient of shared weights with vectors. A row of the image becomes powers of two once, as
// [four examples][column][channel], so that what a window sees of it is consecutive lanes; each of
// the window's rows then meets it with the deltas of another row of places. Sums of all taps stay
// in memory of the thread until the image is through.
#pragma once

#include <cstring>

#include "bindings/elements.hpp"
#include "bindings/places/convolution.hpp"
#include "bindings/simd/vector_codes.hpp"
#include "bindings/simd/vector_draws.hpp"
#include "bindings/simd/vector_tile.hpp"
#include "bindings/simd/vector_weights.hpp"
#include "bindings/simd/window_memory.hpp"

namespace fewmult {

template <class Isa>
class VectorWindowGradient {
 public:
  static std::size_t bytes(const fewmult_calls::ShiftGradient& call) {
    WindowMemory measured(nullptr);
    const VectorWindowGradient gradient(call, measured);
    return measured.bytes();
  }

  // As ``convolution_gradient`` of bindings/places, in place.
  static void run(const fewmult_calls::ShiftGradient& call, fewmult_calls::Share outputs,
                  char* memory) {
    WindowMemory cut(memory);
    VectorWindowGradient gradient(call, cut);
    if (call.signed_inputs != 0) {
      gradient.template run<true>(outputs);
    } else {
      gradient.template run<false>(outputs);
    }
  }

 private:
  using Int = typename Isa::Int;
  using Tile = VectorTile<Isa>;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kSums = Isa::kTwoRows ? 16 : 8;  // vectors that registers hold
  static constexpr int kWidest = 8;                     // vectors of units in a block
  static constexpr int kWindow = 128;                   // channels at once, if there are more
  static constexpr std::ptrdiff_t kMostSums = 1 << 19;  // of all taps: 2 MiB
  static constexpr int kUpdated = 8;                    // packed words that are updated at once
  static constexpr int kCodes = 1 << 15;                // bytes of codes that fit a first cache

  VectorWindowGradient(const fewmult_calls::ShiftGradient& call, WindowMemory& memory)
      : call_(call),
        update_(update_of(call)),
        window_(window_of(call)),
        batch_(1 << call.log2_batch),
        channels_(call.channels % kWordBits != 0 ? call.channels
                  : call.channels % kWindow != 0 ? kWordBits
                                                 : kWindow),
        vectors_((call.tap_columns * channels_ + kLanes - 1) / kLanes),
        lanes_(std::ptrdiff_t{vectors_} * kLanes),
        outputs_(outputs_at_once(lanes_ * call.tap_rows, call.outputs)),
        columns_(larger(call.columns + window_.horizontal.padding,
                        (window_.horizontal.results - 1) * call.stride + call.tap_columns)),
        stride_(stride_of(std::ptrdiff_t{columns_} * channels_)),
        quads_(larger(batch_ >> 2, kLanes)),
        codes_(memory.take<std::int32_t>(stride_ * quads_)),
        sums_(memory.take<std::int32_t>(lanes_ * call.tap_rows * outputs_)),
        all_(memory.take<std::int32_t>(lanes_ * call.tap_rows)),
        powers_(memory.take<Powers>(1)),
        words_(memory.take<WordsUpdate>(1)),
        up_(memory.take<std::int8_t>(
            call.signed_inputs == 0 ? 0 : std::ptrdiff_t{places_at_once(1)} * outputs_ * batch_)) {}

  struct Powers {
    std::uint8_t of[16][kMaxBatch + 64];  // [lane][example], not all in the same cache sets
  };

  struct WordsUpdate {
    std::int32_t gradient[kUpdated][kWordBits];
    std::uint16_t halves[kUpdated][kWordBits];
  };

  static int outputs_at_once(std::ptrdiff_t sums, int outputs) {
    const std::ptrdiff_t most = kMostSums / sums / kUpdated * kUpdated;
    return most >= outputs ? outputs : larger(kUpdated, static_cast<int>(most));
  }

  // Quads of a place lie in the same cache sets unless their rows are an odd number of lines apart,
  // of as many as a block has; what is turned at the end of a row may stand over.
  static std::ptrdiff_t stride_of(std::ptrdiff_t lanes) {
    constexpr std::ptrdiff_t kApart = 16 * kWidest;
    const std::ptrdiff_t stride = (lanes + 2 * kApart - 1) & -kApart;
    return (stride & kApart) == 0 ? stride + kApart : stride;
  }

  template <bool kSigned>
  void run(fewmult_calls::Share outputs) {
    for (int first = outputs.first; first < outputs.end; first += outputs_) {
      const int there = smaller(outputs_, outputs.end - first);
      for (int channel = 0; channel < call_.channels; channel += channels_) {
        sum_image<kSigned>(channel, first, there);
        if (call_.master_bits == 8) {
          update_words(elements<std::int8_t>(call_.updated), channel, first, there);
        } else {
          update_words(elements<std::int16_t>(call_.updated), channel, first, there);
        }
      }
    }
  }

  // Of some channels under all taps, and some outputs.
  template <bool kSigned>
  void sum_image(int channel, int output, int outputs) {
    const auto all = static_cast<std::size_t>(lanes_ * call_.tap_rows);
    std::memset(sums_, 0, all * static_cast<std::size_t>(outputs) * sizeof(sums_[0]));
    std::memset(codes_, 0, static_cast<std::size_t>(stride_ * quads_) * sizeof(codes_[0]));
    if (kSigned) std::memset(all_, 0, all * sizeof(all_[0]));
    const Axis& down = window_.vertical;
    for (int row = 0; row < call_.rows; ++row) {
      bool encoded = false;
      for (int u = 0; u < call_.tap_rows; ++u) {
        const int at = row + down.padding - u;
        const int place = at >> (down.stride - 1);
        if (at < 0 || place >= down.results || place << (down.stride - 1) != at) continue;
        if (!encoded) encode<kSigned>(row, channel);
        encoded = true;
        const std::ptrdiff_t first =
            std::ptrdiff_t{place} * window_.horizontal.results * call_.outputs + output;
        meet_row<kSigned>(u, elements<std::int8_t>(call_.deltas) + (first << call_.log2_batch),
                          outputs);
      }
    }
    if (kSigned) take_off(outputs);
  }

  // The powers of two of a row of the image.
  template <bool kSigned>
  void encode(int row, int channel) {
    std::int32_t* const to = codes_ + std::ptrdiff_t{window_.horizontal.padding} * channels_;
    const int all = call_.columns * channels_;
    std::ptrdiff_t unit = std::ptrdiff_t{row} * call_.columns * call_.channels + channel;
    int c = 0;
    for (int first = 0; first < all; first += 16) {
      for (int lane = 0; lane < 16; ++lane) {
        std::uint8_t* const powers = powers_->of[lane];
        if (first + lane < all) {
          encode_unit<kSigned>(unit, powers);
          ++unit;
          if (++c == channels_) {
            c = 0;
            unit += call_.channels - channels_;
          }
        } else {
          std::memset(powers, 0, static_cast<std::size_t>(batch_));
        }
      }
      for (int lane = 0; lane < 16; lane += kLanes) {
        for (int quad = 0; quad < batch_ >> 2; quad += kLanes) {
          // What lies beyond a short batch is never read.
          Isa::transpose(reinterpret_cast<const std::int32_t*>(powers_->of[lane]) + quad,
                         sizeof(powers_->of[0]) / 4, to + quad * stride_ + first + lane,
                         static_cast<int>(stride_));
        }
      }
    }
  }

  template <bool kSigned>
  void encode_unit(std::ptrdiff_t unit, std::uint8_t* powers) const {
    const std::ptrdiff_t first = unit << call_.log2_batch;
    const std::int8_t* const x = elements<std::int8_t>(call_.x) + first;
    const auto element = static_cast<std::uint32_t>(first);
    if (!kSigned) {
      VectorCodes<Isa>::halved_powers(x, update_.code_key, element, update_.step, batch_, powers);
      return;
    }
    // By masks, not branches: every second sign would be foretold wrongly.
    const int batch = batch_;
    alignas(64) std::int8_t sizes[kMaxBatch];
    for (int b = 0; b < batch; ++b) sizes[b] = with_sign(x[b], x[b]);
    VectorCodes<Isa>::halved_powers(sizes, update_.code_key, element, update_.step, batch, powers);
    for (int b = 0; b < batch; ++b) {
      powers[b] = static_cast<std::uint8_t>(with_sign(static_cast<std::int8_t>(powers[b]), x[b]));
    }
  }

  // size, or minus that where `of` is negative.
  static std::int8_t with_sign(std::int8_t size, std::int8_t of) {
    const int minus = of >> 7;
    return static_cast<std::int8_t>((size ^ minus) - minus);
  }

  // A row of codes under row u of the window, with the deltas of a row of places.
  template <bool kSigned>
  void meet_row(int u, const std::int8_t* deltas, int outputs) {
    for (int v = 0; v < vectors_;) {
      const int wide = width_at(v);
      std::int32_t* const sums = sums_ + (lanes_ * u + v * kLanes) * outputs;
      std::int32_t* const all = all_ + lanes_ * u + v * kLanes;
      const std::int32_t* const codes = codes_ + v * kLanes;
      if (wide == 8) {
        meet<8, kSigned>(sums, all, codes, deltas, outputs);
      } else if (wide == 4) {
        meet<4, kSigned>(sums, all, codes, deltas, outputs);
      } else if (wide == 2) {
        meet<2, kSigned>(sums, all, codes, deltas, outputs);
      } else {
        meet<1, kSigned>(sums, all, codes, deltas, outputs);
      }
      v += wide;
    }
  }

  // Of a block of so many vectors.
  int places_at_once(int vectors) const { return larger(1, kCodes / (vectors * kLanes * batch_)); }

  // Vectors of the block that begins at vector v.
  int width_at(int v) const {
    const int left = vectors_ - v;
    return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
  }

  // Some places at a time, whose codes stay in a first-level cache while all outputs pass.
  template <int V, bool kSigned>
  void meet(std::int32_t* sums, std::int32_t* all, const std::int32_t* codes,
            const std::int8_t* deltas, int outputs) const {
    constexpr int R = kSums / V < 8 ? kSums / V : 8;
    const int results = window_.horizontal.results;
    const int most = places_at_once(V);
    const std::ptrdiff_t next_codes = std::ptrdiff_t{call_.stride} * channels_;
    const std::ptrdiff_t next_deltas = std::ptrdiff_t{call_.outputs} << call_.log2_batch;
    for (int place = 0; place < results; place += most) {
      const int places = smaller(most, results - place);
      const std::int32_t* const here = codes + place * next_codes;
      const std::int8_t* from = deltas + place * next_deltas;
      if (kSigned) from = count_up(from, next_deltas, outputs, places);
      const std::ptrdiff_t next = kSigned ? std::ptrdiff_t{outputs} * batch_ : next_deltas;
      int output = 0;
      for (; output + R <= outputs; output += R) {
        dot_rows<V, R, kSigned>(sums + output * V * kLanes, here, next_codes,
                                from + output * batch_, next, places);
      }
      for (; output < outputs; ++output) {
        dot_rows<V, 1, kSigned>(sums + output * V * kLanes, here, next_codes,
                                from + output * batch_, next, places);
      }
      if (kSigned) sum_codes<V>(all, here, next_codes, places);
    }
  }

  // Deltas of some outputs at some places, 128 up: [place][output][example].
  const std::int8_t* count_up(const std::int8_t* deltas, std::ptrdiff_t next_deltas, int outputs,
                              int places) const {
    const std::ptrdiff_t bytes = std::ptrdiff_t{outputs} * batch_;
    std::int8_t* to = up_;
    for (int place = 0; place < places; ++place, deltas += next_deltas, to += bytes) {
      for (std::ptrdiff_t k = 0; k < bytes; ++k) to[k] = static_cast<std::int8_t>(deltas[k] ^ -128);
    }
    return up_;
  }

  template <int V, int R, bool kSigned>
  void dot_rows(std::int32_t* sums, const std::int32_t* codes, std::ptrdiff_t next_codes,
                const std::int8_t* deltas, std::ptrdiff_t next_deltas, int places) const {
    Int sum[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] = lanes(sums + (r * V + v) * kLanes);
    }
    for (int place = 0; place < places; ++place, codes += next_codes, deltas += next_deltas) {
      if (V == kWidest && R == 2 && !kSigned) {
        const std::uint64_t nonzero[2] = {Tile::nonzero_quads(deltas, batch_),
                                          Tile::nonzero_quads(deltas + batch_, batch_)};
        if (skipping_pays(nonzero)) {
          dot_nonzero<V>(sum[0], nonzero[0], codes, deltas);
          dot_nonzero<V>(sum[R - 1], nonzero[1], codes, deltas + batch_);
          continue;
        }
      }
      dot_all<V, R, kSigned>(sum, codes, deltas);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) lanes(sums + (r * V + v) * kLanes) = sum[r][v];
    }
  }

  // Of 8 vectors a quad for one row takes the time of 13 products, for two rows that of 16: with
  // three deltas of four zero, as behind a pool, it does not pay, with nine of ten it does.
  bool skipping_pays(const std::uint64_t (&nonzero)[2]) const {
    const int alone = __builtin_popcountll(nonzero[0]) + __builtin_popcountll(nonzero[1]);
    return 13 * alone < 16 * (batch_ >> 2);
  }

  template <int V>
  void dot_nonzero(Int (&sum)[V], std::uint64_t nonzero, const std::int32_t* codes,
                   const std::int8_t* deltas) const {
    for (; nonzero != 0; nonzero &= nonzero - 1) {
      const int q = __builtin_ctzll(nonzero);
      const Int quad = Isa::splat(quad_of(deltas + 4 * q));
      const std::int32_t* const powers = codes + q * stride_;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[v] = Isa::dot(sum[v], unaligned(powers + v * kLanes), quad);
    }
  }

  // One of both is unsigned: codes, or deltas counted 128 up.
  template <int V, int R, bool kSigned>
  void dot_all(Int (&sum)[R][V], const std::int32_t* codes, const std::int8_t* deltas) const {
    for (const std::int8_t* const end = deltas + batch_; deltas != end;
         deltas += 4, codes += stride_) {
      Int quad[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) quad[r] = Isa::splat(quad_of(deltas + r * batch_));
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const Int powers = unaligned(codes + v * kLanes);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          sum[r][v] =
              kSigned ? Isa::dot(sum[r][v], quad[r], powers) : Isa::dot(sum[r][v], powers, quad[r]);
        }
      }
    }
  }

  // The sums of signed codes alone, which deltas that are counted up have brought in.
  template <int V>
  void sum_codes(std::int32_t* all, const std::int32_t* codes, std::ptrdiff_t next_codes,
                 int places) const {
    const Int ones = Isa::splat(0x01010101);
    Int sums[V];
    for (int v = 0; v < V; ++v) sums[v] = lanes(all + v * kLanes);
    for (int place = 0; place < places; ++place) {
      const std::int32_t* c = codes + place * next_codes;
      for (int quad = 0; quad < batch_ >> 2; ++quad, c += stride_) {
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[v] = Isa::dot(sums[v], ones, unaligned(c + v * kLanes));
      }
    }
    for (int v = 0; v < V; ++v) lanes(all + v * kLanes) = sums[v];
  }

  // sum - 128 * codes: what fits 32 bits, of what need not.
  static std::int32_t less(std::int32_t sum, std::int32_t codes) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) -
                                     (static_cast<std::uint32_t>(codes) << 7));
  }

  void take_off(int outputs) {
    for (int u = 0; u < call_.tap_rows; ++u) {
      for (int v = 0; v < vectors_;) {
        const int wide = width_at(v) * kLanes;
        std::int32_t* sums = sums_ + (lanes_ * u + v * kLanes) * outputs;
        const std::int32_t* all = all_ + lanes_ * u + v * kLanes;
        for (int output = 0; output < outputs; ++output, sums += wide) {
          for (int lane = 0; lane < wide; ++lane) sums[lane] = less(sums[lane], all[lane]);
        }
        v += wide / kLanes;
      }
    }
  }

  // ---- Update --------------------------------------------------------------------------------

  // The packed words of some channels: of one in each tap, or, where words run on over taps, all.
  template <class Weight>
  void update_words(Weight* weights, int channel, int output, int outputs) {
    for (int column = 0; column < word_columns(call_.inputs); ++column) {
      const int first = column * kWordBits;
      const int of_first = first % call_.channels;
      if (channels_ != call_.channels && (of_first < channel || of_first >= channel + channels_)) {
        continue;
      }
      const int there = smaller(kWordBits, call_.inputs - first);
      for (int k = 0; k < outputs; k += kUpdated) {
        const int rows = smaller(kUpdated, outputs - k);
        for (int row = 0; row < rows; ++row) {
          std::memset(words_->gradient[row], 0, sizeof(words_->gradient[row]));
          find(words_->gradient[row], first, there, channel, k + row, outputs);
        }
        const auto number = static_cast<std::uint32_t>(column * call_.outputs + output + k);
        draw(number);
        VectorWeights<Isa, kUpdated>::update(words_->gradient[0], kWordBits, words_->halves, rows,
                                             weights + (std::size_t{number} << 6),
                                             call_.sign + number, call_.mask + number,
                                             inputs_there(there), update_);
      }
    }
  }

  // The sums of some inputs and an output, run by run.
  void find(std::int32_t* g, int first, int there, int channel, int output, int outputs) const {
    int tap = first / call_.channels;
    int c = first % call_.channels;
    for (int lane = 0; lane < there;) {
      const int unit = tap % call_.tap_columns * channels_ + c - channel;
      const int v = unit / kLanes;
      int begin = 0;  // of the block that has it
      while (begin + width_at(begin) <= v) begin += width_at(begin);
      const int wide = width_at(begin) * kLanes;
      const int at = unit - begin * kLanes;
      const int count = smaller(smaller(there - lane, call_.channels - c), wide - at);
      const std::int32_t* sums =
          sums_ + (lanes_ * (tap / call_.tap_columns) + begin * kLanes) * outputs;
      std::memcpy(g + lane, sums + std::ptrdiff_t{output} * wide + at,
                  sizeof(g[0]) * static_cast<std::size_t>(count));
      lane += count;
      c += count;
      if (c == call_.channels) {
        c = 0;
        ++tap;
      }
    }
  }

  void draw(std::uint32_t number) {
    using Draws = VectorDraws<Isa, 4>;
    const typename Draws::Schedule schedule(update_.weight_key, update_.step + 1);
    for (int row = 0; row < kUpdated; row += 4) {
      const std::uint32_t n = number + static_cast<std::uint32_t>(row);
      Draws draws(schedule, {n, n + 1, n + 2, n + 3});
      while (!draws.done()) draws.round();
      for (int word = 0; word < 4; ++word) draws.store(word, words_->halves[row + word]);
    }
  }

  static Int& lanes(std::int32_t* at) { return *reinterpret_cast<Int*>(at); }

  static Int unaligned(const std::int32_t* at) {
    Int v;
    std::memcpy(&v, at, sizeof(v));
    return v;
  }

  static std::int32_t quad_of(const std::int8_t* bytes) {
    std::int32_t four;
    std::memcpy(&four, bytes, sizeof(four));
    return four;
  }

  const fewmult_calls::ShiftGradient& call_;
  const Update update_;
  const Window window_;
  const int batch_;
  const int channels_;  // at once
  const int vectors_;   // of what a row of the window sees
  const std::ptrdiff_t lanes_;
  const int outputs_;  // at once
  const int columns_;  // of a row, with zeros around
  const std::ptrdiff_t stride_;
  const int quads_;
  std::int32_t* const codes_;  // [four examples][column][channel]
  std::int32_t* const sums_;   // [row of the window][block of vectors][output][lane]
  std::int32_t* const all_;    // [row of the window][lane]: of signed codes alone
  Powers* const powers_;
  WordsUpdate* const words_;
  std::int8_t* const up_;  // deltas that are counted up
};

}  // namespace fewmult
