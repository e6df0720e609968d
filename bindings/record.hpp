// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A call of contract/calls.py, read field by field: nothing reaches a kernel before it is known to
// be right.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "bindings/arrays.hpp"
#include "kernels/arithmetic.hpp"

namespace fewmult_bindings {

constexpr long long kMaxWidth = 1 << fewmult::kMaxLog2Width;

// Every function that takes a name: TypeError for another type, ValueError for another value.
class Record {
 public:
  explicit Record(py::object call) : call_(std::move(call)) {}

  std::string kernel() const {
    const py::object name = py::getattr(call_, "kernel", py::none());
    if (!py::isinstance<py::str>(name)) throw py::type_error("this is no call of a kernel");
    return name.cast<std::string>();
  }

  bool has(const char* name) const { return !call_.attr(name).is_none(); }

  int number(const char* name, long long low, long long high) const {
    return static_cast<int>(whole(name, low, high));
  }

  std::uint32_t word(const char* name) const {
    return static_cast<std::uint32_t>(whole(name, 0, UINT32_MAX));
  }

  bool flag(const char* name) const { return whole(name, 0, 1) != 0; }

  py::array any_array(const char* name) const {
    const py::object object = call_.attr(name);
    if (!py::isinstance<py::array>(object)) {
      throw py::type_error(std::string("this call needs the array ") + name);
    }
    return object.cast<py::array>();
  }

  // See ``view``.
  template <class T>
  T* array(const char* name, const Shape& shape) const {
    return view<T>(any_array(name), name, shape);
  }

  // The same, as calls take arrays of whole words.
  template <class T>
  auto words(const char* name, const Shape& shape) const {
    return words_of(name, array<T>(name, shape));
  }

 private:
  long long whole(const char* name, long long low, long long high) const {
    const py::object value = call_.attr(name);
    if (!PyIndex_Check(value.ptr())) {
      throw py::type_error(std::string(name) + " must be an integer");
    }
    const auto number = py::reinterpret_steal<py::int_>(PyNumber_Index(value.ptr()));
    int overflow = 0;
    const long long found = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow != 0 || found < low || found > high) {
      throw py::value_error(std::string(name) + " must be " + std::to_string(low) + " to " +
                            std::to_string(high) + ", not " + std::string(py::str(number)));
    }
    return found;
  }

  py::object call_;
};

}  // namespace fewmult_bindings
