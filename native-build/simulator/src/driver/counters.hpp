// SPDX-License-Identifier: Apache-2.0
//
// The engine's counters, kept for the last launch, by kernel name, and in all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"

namespace kofn::driver {

class CounterBook {
 public:
  void add(const std::string& kernel, const sim::Counters& counters);
  void clear();
  std::string json() const;
  // "" means the last launch, "*" all launches, else a kernel by name; null when nothing of that name has run.
  const sim::Counters* find(const std::string& kernel) const;
  std::uint64_t launches() const { return total_.launches; }

  // The counters as (name, value) pairs in a fixed order: what kofnSimCounters hands out.
  static std::vector<std::pair<std::string, std::uint64_t>> list(const sim::Counters& counters);

 private:
  struct Sum {
    std::uint64_t launches = 0;
    sim::Counters counters;
  };
  Sum total_;
  std::string lastKernel_;
  sim::Counters last_;
  std::map<std::string, Sum> kernels_;
};

// `text` as a JSON string, quotes included.
std::string quoted(const std::string& text);

}  // namespace kofn::driver
