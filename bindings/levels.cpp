// Copyright 2026 The fewmult-hls authors
// SPDX-License-Identifier: Apache-2.0
#include "bindings/levels.hpp"

namespace fewmult_bindings {

extern const Level kPortableLevel;
#ifdef FEWMULT_X86_LEVELS
extern const Level kAvx2Level;
extern const Level kAvx512Level;
extern const Level kVnniLevel;
#endif

std::vector<const Level*> levels_here() {
  std::vector<const Level*> levels = {&kPortableLevel};
#ifdef FEWMULT_X86_LEVELS
  // All that a level's flags let a compiler use, and that the system saves its registers.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("popcnt");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (avx2) levels.push_back(&kAvx2Level);
  if (avx512) levels.push_back(&kAvx512Level);
  if (avx512 && __builtin_cpu_supports("avx512vnni")) levels.push_back(&kVnniLevel);
#endif
  return levels;
}

}  // namespace fewmult_bindings
