// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Elements side by side in 64-bit words, the first lowest: how a top takes every array.
#pragma once

#include <cstddef>
#include <cstdint>

namespace golden {

template <class T>
constexpr std::size_t per_word() {
  return sizeof(std::uint64_t) / sizeof(T);
}

template <class T>
constexpr std::size_t whole_words(std::size_t elements) {
  return (elements + per_word<T>() - 1) / per_word<T>();
}

template <class T>
unsigned place_of(std::size_t k) {
  return static_cast<unsigned>(k % per_word<T>() * sizeof(T) * 8);
}

template <class T>
T element(const std::uint64_t* words, std::size_t k) {
  return static_cast<T>(words[k / per_word<T>()] >> place_of<T>(k));
}

template <class T>
void set_element(std::uint64_t* words, std::size_t k, T value) {
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - sizeof(T) * 8);
  std::uint64_t& word = words[k / per_word<T>()];
  word &= ~(all << place_of<T>(k));
  word |= (static_cast<std::uint64_t>(value) & all) << place_of<T>(k);
}

}  // namespace golden
