// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Reads golden vectors: what a kernel is given and what it must leave. They are written by
// `python -m fewmult_hls.proof.golden FOLDER`, one file a kernel, FOLDER/<kernel>.bin, all of it
// little-endian:
//
//   file   8 bytes "FEWMGOLD", u32 version (1), u32 number of cases, the cases,
//          u32 CRC-32 (of zip and PNG) of every byte before it
//   case   name, u32 number of arrays, the arrays
//   array  name, u8 'i' (signed) or 'u', u8 bytes of an element, u32 number of elements,
//          the elements
//   name   u32 number of bytes, the bytes (ASCII)
//
// A number is an array of one signed 64-bit element. What a kernel must leave in array `a` is array
// `expected_a`; there is no array `a` where it only writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace golden {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kSmallestFile = 8 + 4 + 4 + kChecksumBytes;

// A file that cannot be used; the message says which and why.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class T>
T little_endian(const std::uint8_t* bytes) {
  std::uint64_t bits = 0;
  for (std::size_t k = sizeof(T); k-- > 0;) bits = bits << 8 | bytes[k];
  return static_cast<T>(bits);
}

inline std::uint32_t crc32(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t k = 0; k < count; ++k) {
    crc ^= bytes[k];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

struct Array {
  std::uint8_t kind;  // 'i' or 'u'
  std::uint8_t size;  // bytes of an element
  Bytes bytes;
};

// One call of a kernel. Every access names what it expects: a file that a newer or a broken
// generator wrote is an error, never a wrong size for the kernel.
class Case {
 public:
  Case(std::string name, std::map<std::string, Array> arrays)
      : name_(std::move(name)), arrays_(std::move(arrays)) {}

  const std::string& name() const { return name_; }

  bool has(const std::string& key) const { return arrays_.count(key) != 0; }

  template <class T>
  std::vector<T> array(const std::string& key, std::uint64_t length) const {
    const auto found = arrays_.find(key);
    if (found == arrays_.end()) fail(key, "is missing");
    const Array& array = found->second;
    const bool same_kind = array.kind == (std::is_signed<T>::value ? 'i' : 'u');
    if (!same_kind || array.size != sizeof(T)) fail(key, "has the wrong type");
    if (array.bytes.size() != length * sizeof(T)) fail(key, "has the wrong length");
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>(length));
    for (std::size_t at = 0; at < array.bytes.size(); at += sizeof(T)) {
      values.push_back(little_endian<T>(&array.bytes[at]));
    }
    return values;
  }

  int number(const std::string& key, int low, int high) const {
    return static_cast<int>(in_range(key, low, high));
  }

  std::uint32_t word(const std::string& key) const {
    return static_cast<std::uint32_t>(in_range(key, 0, UINT32_MAX));
  }

 private:
  std::int64_t in_range(const std::string& key, std::int64_t low, std::int64_t high) const {
    const std::int64_t value = array<std::int64_t>(key, 1)[0];
    if (value < low || value > high) fail(key, "is out of range: " + std::to_string(value));
    return value;
  }

  [[noreturn]] void fail(const std::string& key, const std::string& why) const {
    throw Error("case " + name_ + ": " + key + " " + why);
  }

  std::string name_;
  std::map<std::string, Array> arrays_;
};

// Takes a file apart, and never reads past its end.
class Reader {
 public:
  Reader(const std::uint8_t* bytes, std::size_t count) : at_(bytes), left_(count) {}

  std::uint32_t count() { return little_endian<std::uint32_t>(take(4)); }

  std::string text(std::uint64_t length) {
    const std::uint8_t* bytes = take(length);
    return std::string(bytes, bytes + length);
  }

  std::vector<Case> cases() {
    std::vector<Case> all;
    for (std::uint32_t left = count(); left > 0; --left) all.push_back(one_case());
    if (left_ != 0) throw Error("more bytes than its cases need");
    return all;
  }

 private:
  Case one_case() {
    std::string name = text(count());
    std::map<std::string, Array> arrays;
    for (std::uint32_t left = count(); left > 0; --left) {
      std::string key = text(count());
      arrays[std::move(key)] = one_array();
    }
    return Case(std::move(name), std::move(arrays));
  }

  Array one_array() {
    const std::uint8_t kind = *take(1);
    const std::uint8_t size = *take(1);
    const std::uint64_t all = std::uint64_t{count()} * size;
    const std::uint8_t* bytes = take(all);
    return {kind, size, Bytes(bytes, bytes + all)};
  }

  const std::uint8_t* take(std::uint64_t count) {
    if (count > left_) throw Error("it ends in the middle of a case");
    const std::uint8_t* const taken = at_;
    at_ += count;
    left_ -= static_cast<std::size_t>(count);
    return taken;
  }

  const std::uint8_t* at_;
  std::size_t left_;
};

inline Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error("it cannot be opened");
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

inline std::vector<Case> parse(const Bytes& bytes) {
  if (bytes.size() < kSmallestFile) throw Error("too short for a golden file");
  const std::size_t content = bytes.size() - kChecksumBytes;
  if (crc32(bytes.data(), content) != little_endian<std::uint32_t>(&bytes[content])) {
    throw Error("its checksum is wrong, the file is damaged");
  }
  Reader reader(bytes.data(), content);
  if (reader.text(8) != "FEWMGOLD") throw Error("not a golden file");
  if (reader.count() != kVersion) throw Error("of another version of the format");
  std::vector<Case> cases = reader.cases();
  if (cases.empty()) throw Error("it holds no cases");
  return cases;
}

inline std::vector<Case> read(const std::string& path) {
  try {
    return parse(read_bytes(path));
  } catch (const std::exception& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace golden
