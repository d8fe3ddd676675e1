// SPDX-License-Identifier: Apache-2.0
//
// What can be set from outside, by environment variable KOFN_SIM_<NAME> or kofnSimSetOption("<name>", value): config.cpp
// has the one table of names, meanings and allowed values. Settings that shape the devices are read by cuInit and cannot
// change after it; all others act from the next call on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"

namespace kofn::driver {

struct Injection {
  std::string entry;           // exported name, with or without its version suffix
  std::uint64_t call = 1;      // counted from 1; 0: every call
  int result = 0;              // the CUresult to answer
};

struct Config {
  // Fixed at cuInit
  int arch = 80;
  int multiprocessors = 0;     // 0: the architecture's
  std::uint64_t memory = 0;    // bytes; 0: the architecture's
  int devices = 1;
  int driverVersion = 13000;

  // Free to change
  std::uint64_t seed = 1;
  bool seedGiven = false;
  sim::Options engine;         // checks, counters, worst approximation, host threads
  bool apiReports = true;      // report wrong use of the interface ("api" in the list of checks to turn off)
  bool leakReports = true;     // "leak" in that list
  bool defer = true;           // queued work waits for a random or forced moment; false: it runs at once
  bool eagerFree = false;      // releasing memory does not wait for queued work
  bool quiet = false;          // reports are kept, not printed
  std::string countersFile;    // written when the process ends and by kofnSimWriteCounters
  std::vector<Injection> injections;
  std::uint64_t oomAt = 0;     // this allocation (counted from 1) answers CUDA_ERROR_OUT_OF_MEMORY; 0: none

  // Reads every KOFN_SIM_* variable. A wrong value is said on stderr and leaves the default.
  static Config fromEnvironment();

  // Empty when set, else what is wrong. `initialised` refuses what only cuInit reads.
  std::string set(std::string_view name, std::string_view value, bool initialised);

  // The table of settings as text, one a line.
  static std::string help();
};

}  // namespace kofn::driver
