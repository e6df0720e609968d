// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
//
// numpy arrays as plain pointers: no copy, and nothing reaches a kernel before its dtype, shape
// and layout are known to be right.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace fewmult_bindings {

namespace py = pybind11;
using Shape = std::vector<py::ssize_t>;

inline std::string describe(const Shape& shape) {
  std::string text = "(";
  for (std::size_t k = 0; k < shape.size(); ++k) {
    text += (k > 0 ? ", " : "") + std::to_string(shape[k]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

inline Shape shape_of(const py::array& array) {
  return Shape(array.shape(), array.shape() + array.ndim());
}

// The memory of `array`; T is const where it is only read.
// TypeError for another dtype; ValueError for another shape, layout, or a read-only array.
template <class T>
T* view(const py::array& array, const char* name, const Shape& shape) {
  using Element = typename std::remove_const<T>::type;
  const py::dtype wanted = py::dtype::of<Element>();
  if (!array.dtype().equal(wanted)) {
    throw py::type_error(std::string(name) + " must be " + std::string(py::str(wanted)) + ", not " +
                         std::string(py::str(array.dtype())));
  }
  if (shape_of(array) != shape) {
    throw py::value_error(std::string(name) + " must have shape " + describe(shape) + ", not " +
                          describe(shape_of(array)));
  }
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::value_error(std::string(name) + " must be C-contiguous");
  }
  if ((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0) {
    throw py::value_error(std::string(name) + " must be aligned to its elements");
  }
  if (!std::is_const<T>::value && !array.writeable()) {
    throw py::value_error(std::string(name) + " must be writeable");
  }
  return static_cast<T*>(const_cast<void*>(array.data()));
}

// An array of whole words, as calls take it. ValueError for one that does not begin with a word.
template <class T>
auto words_of(const char* name, T* elements) ->
    typename std::conditional<std::is_const<T>::value, const std::uint64_t, std::uint64_t>::type* {
  using Words =
      typename std::conditional<std::is_const<T>::value, const std::uint64_t, std::uint64_t>::type;
  if (reinterpret_cast<std::uintptr_t>(elements) % alignof(std::uint64_t) != 0) {
    throw py::value_error(std::string(name) + " must be aligned to words of 64 bits");
  }
  return reinterpret_cast<Words*>(elements);
}

// Numbers of units, which may end, and begin, in the middle of a word: no level takes them whole
// where a host has them.
inline std::uint64_t* numbers_of(std::int32_t* numbers) {
  return reinterpret_cast<std::uint64_t*>(numbers);
}

inline int checked(const char* name, long long value, long long low, long long high) {
  if (value < low || value > high) {
    throw py::value_error(std::string(name) + " must be " + std::to_string(low) + " to " +
                          std::to_string(high) + ", not " + std::to_string(value));
  }
  return static_cast<int>(value);
}

// Refuses an array with a value that the contract excludes. A loop without an exit: it becomes
// vectors, and costs less than looking where it could end.
template <class T>
void check_values(const char* name, const T* values, py::ssize_t count, long long low,
                  long long high) {
  std::uint8_t outside = 0;
  const T least = static_cast<T>(low);
  const T most = static_cast<T>(high);
  for (py::ssize_t k = 0; k < count; ++k) {
    outside |= static_cast<std::uint8_t>((values[k] < least) | (values[k] > most));
  }
  if (outside == 0) return;
  while (*values >= least && *values <= most) ++values;
  checked((std::string("each value of ") + name).c_str(), *values, low, high);
}

// The same for 0 to 127, in a third of the time: every step of a training asks.
inline void check_u7(const char* name, const std::int8_t* values, py::ssize_t count) {
  std::uint8_t bits = 0;
  for (py::ssize_t k = 0; k < count; ++k) bits |= static_cast<std::uint8_t>(values[k]);
  if (bits >> 7 != 0) check_values(name, values, count, 0, 127);
}

}  // namespace fewmult_bindings
