// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// Runs a top on every case of its golden file and says what it left wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "kernels/build_id.hpp"
#include "testbench/golden.hpp"
#include "testbench/guarded.hpp"

namespace golden {

// What one call left, against what it had to leave.
class Comparison {
 public:
  Comparison(std::string kernel, const Case& expected)
      : kernel_(std::move(kernel)), expected_(expected) {}

  bool equal() const { return equal_; }

  // An array without elements is one that the call must not touch.
  template <class T>
  void compare(const std::string& name, const Guarded<T>& got) {
    if (got.length() > 0) compare_elements(name, got);
    if (!got.intact()) say(name + ": memory before or after the array was written");
  }

  void names_itself(std::uint32_t build_id) {
    if (build_id != fewmult::kBuildId) say("build_id: got " + std::to_string(build_id));
  }

 private:
  template <class T>
  void compare_elements(const std::string& name, const Guarded<T>& got) {
    const std::vector<T> expected = expected_.array<T>("expected_" + name, got.length());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      if (got[k] == expected[k]) continue;
      say(name + "[" + std::to_string(k) + "]: expected " + std::to_string(expected[k]) + ", got " +
          std::to_string(got[k]));
      return;
    }
  }

  void say(const std::string& what) {
    equal_ = false;
    std::fprintf(stderr, "%s: case %s: %s\n", kernel_.c_str(), expected_.name().c_str(),
                 what.c_str());
  }

  std::string kernel_;
  const Case& expected_;
  bool equal_ = true;
};

// Calls the top once, as its case says, and compares all that it may write.
template <class Top>
using CompareCase = void (*)(const Case& given, Top* top, Comparison& comparison);

template <class Top>
int compare_all(const std::string& kernel, const std::vector<Case>& cases, Top* top,
                CompareCase<Top> compare_case) {
  std::size_t different = 0;
  for (const Case& given : cases) {
    Comparison comparison(kernel, given);
    compare_case(given, top, comparison);
    if (!comparison.equal()) ++different;
  }
  if (different != 0) {
    std::fprintf(stderr, "%s: %zu of %zu cases differ\n", kernel.c_str(), different, cases.size());
    return 1;
  }
  std::printf("%s: %zu cases, all equal\n", kernel.c_str(), cases.size());
  return 0;
}

// The main of every testbench: 0 where all is equal, 1 where not or the file cannot be used, 2 for
// a wrong call. HLS tools give no arguments and copy the golden files to where they run.
template <class Top>
int run(const std::string& kernel, int argc, char** argv, Top* top, CompareCase<Top> compare_case) {
  if (argc > 2) {
    std::fprintf(stderr, "usage: %s_tb [FOLDER], where %s.bin is; default: .\n", kernel.c_str(),
                 kernel.c_str());
    return 2;
  }
  const std::string folder = argc == 2 ? argv[1] : ".";
  try {
    return compare_all(kernel, read(folder + "/" + kernel + ".bin"), top, compare_case);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", kernel.c_str(), error.what());
    return 1;
  }
}

}  // namespace golden
