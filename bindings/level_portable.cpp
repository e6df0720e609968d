// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// The literal source of the fabric, on any CPU.
#define fewmult fewmult_portable
#include <cstddef>
#include <cstring>

#include "bindings/elements.hpp"
#include "bindings/level_of_tile.hpp"
#include "kernels/fabric_tile.hpp"

namespace fewmult {

// Numbers of a host in whole words, as the fabric takes them: an array may end in the middle of
// one. They go back where they came from.
template <int kNumbers>
class WholeWords {
 public:
  WholeWords(Word* array, int first, int numbers)
      : array_(array == nullptr ? nullptr : elements<std::int32_t>(array) + first),
        bytes_(static_cast<std::size_t>(numbers) * sizeof(std::int32_t)),
        words_() {
    if (array_ != nullptr) std::memcpy(words_, array_, bytes_);
  }
  ~WholeWords() {
    if (array_ != nullptr) std::memcpy(array_, words_, bytes_);
  }
  WholeWords(const WholeWords&) = delete;
  WholeWords& operator=(const WholeWords&) = delete;

  Word* words() { return words_; }

 private:
  void* array_;
  std::size_t bytes_;
  Word words_[(kNumbers + 1) / 2];
};

struct PortableTile : OnScratch<FabricTile> {
  using Weights = Scratch<FabricTile::Weights>;
  using PlaceDeltas = Scratch<FabricTile::PlaceDeltas>;
  using PlaceGradient = Scratch<FabricTile::PlaceGradient>;

  static void finish(const fewmult_calls::Layer& call, const Place& place, int rows,
                     FabricTile::Sums& sums, Totals& totals) {
    // What a pass does not touch may be of any size.
    const Pass pass = pass_of(call);
    const bool has_mean = pass == Pass::kHidden || pass == Pass::kHiddenMean;
    WholeWords<kRows> bias(pass == Pass::kPerturb ? nullptr : call.bias, place.unit, rows);
    WholeWords<kRows> mean(has_mean ? call.mean : nullptr, place.row, rows);
    WholeWords<1> loss(pass == Pass::kOutput ? call.loss : nullptr, 0, 1);
    fewmult_calls::Layer whole = call;
    whole.bias = bias.words();
    whole.mean = mean.words();
    whole.loss = loss.words();
    FabricEpilogue::finish(whole, place, {0, 0}, rows, sums, totals);
  }
};

}  // namespace fewmult

namespace fewmult_bindings {

extern constexpr Level kPortableLevel = fewmult::level_of<fewmult::PortableTile>("portable");

}  // namespace fewmult_bindings
