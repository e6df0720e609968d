# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
#
# cmake -DREADELF=.. -DNM=.. -DOBJECTS=.. -P level_objects.cmake: whether a level's object leaves
# other CPUs alone. It may run no code when the module is loaded, and define no function under a
# name that another object has, too: the linker would keep one of them, for all.

# The level's table, and data that only names a function of the C++ library.
set(allowed "[0-9]+k[A-Za-z0-9]+LevelE|DW\\.ref\\.[A-Za-z_0-9]+")
set(faults "")
set(levels "")
foreach(object IN LISTS OBJECTS)
  if(NOT object MATCHES "level_([a-z0-9]+)\\.cpp")
    continue()
  endif()
  set(level ${CMAKE_MATCH_1})
  list(APPEND levels ${level})
  execute_process(COMMAND "${READELF}" -SW "${object}" OUTPUT_VARIABLE sections
                  COMMAND_ERROR_IS_FATAL ANY)
  if(sections MATCHES "\\.(init_array|preinit_array|ctors)")
    string(APPEND faults "${level}: runs code when it is loaded (${CMAKE_MATCH_0})\n")
  endif()
  execute_process(COMMAND "${NM}" --defined-only --extern-only "${object}" OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "[^\n]*(${allowed})\n" "" symbols "${symbols}")
  string(REGEX REPLACE "[^\n]*fewmult_${level}[^\n]*\n" "" symbols "${symbols}")
  if(symbols)
    string(APPEND faults "${level}: defines what is not its own:\n${symbols}")
  endif()
endforeach()

if(NOT levels MATCHES "portable")
  string(APPEND faults "no objects were given: ${levels}\n")
endif()
if(faults)
  message(FATAL_ERROR "${faults}")
endif()
message("levels ${levels}: no code at load, no names of others")
