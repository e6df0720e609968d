// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// A call of contract/calls.py, read field by field: nothing reaches a kernel before it is known to
// be right.
#pragma once

#include <string>
#include <utility>

#include "bindings/arrays.hpp"
#include "kernels/arithmetic.hpp"

namespace fewmult_bindings {

constexpr long long kMaxWidth = 1 << fewmult::kMaxLog2Width;

class Record {
 public:
  explicit Record(py::object call) : call_(std::move(call)) {}

  std::string kernel() const {
    if (!py::hasattr(call_, "kernel")) throw py::type_error("this is no call of a kernel");
    return py::str(call_.attr("kernel"));
  }

  bool has(const char* name) const { return !call_.attr(name).is_none(); }

  int number(const char* name, long long low, long long high) const {
    const py::object value = call_.attr(name);
    if (!PyIndex_Check(value.ptr()))
      throw py::type_error(std::string(name) + " must be an integer");
    const py::int_ whole = py::reinterpret_steal<py::int_>(PyNumber_Index(value.ptr()));
    int overflow = 0;
    const long long found = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
    if (overflow != 0) {
      throw py::value_error(std::string(name) + " must be " + std::to_string(low) + " to " +
                            std::to_string(high));
    }
    return checked(name, found, low, high);
  }

  std::uint32_t word(const char* name) const {
    const py::object value = call_.attr(name);
    if (!PyIndex_Check(value.ptr()))
      throw py::type_error(std::string(name) + " must be an integer");
    const py::int_ whole = py::reinterpret_steal<py::int_>(PyNumber_Index(value.ptr()));
    int overflow = 0;
    const long long found = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
    if (overflow != 0 || found < 0 || found > UINT32_MAX) {
      throw py::value_error(std::string(name) + " must be 0 to 4294967295");
    }
    return static_cast<std::uint32_t>(found);
  }

  bool flag(const char* name) const { return number(name, 0, 1) != 0; }

  py::array array_object(const char* name) const {
    const py::object object = call_.attr(name);
    if (!py::isinstance<py::array>(object)) {
      throw py::type_error(std::string("this call needs the array ") + name);
    }
    return object.cast<py::array>();
  }

  // See ``view``.
  template <class T>
  T* array(const char* name, const Shape& shape) const {
    return view<T>(array_object(name), name, shape);
  }

 private:
  py::object call_;
};

}  // namespace fewmult_bindings
