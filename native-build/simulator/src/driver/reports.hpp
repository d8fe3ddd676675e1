// SPDX-License-Identifier: Apache-2.0
//
// What was found: the sanitizer's reports, wrong use of the interface, leaks. Each distinct text is kept once with a count,
// printed to stderr when it first appears, with the seed that repeats the run, and readable through kofnSimReportText.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace kofn::driver {

struct ReportEntry {
  std::string kind;        // "api", "leak", "fault", or the name of the sanitizer's check
  std::string text;
  std::uint64_t occurrences = 1;
};

class Reports {
 public:
  void add(std::string kind, std::string text, std::uint64_t seed, bool print, std::uint64_t occurrences = 1);
  const std::vector<ReportEntry>& all() const { return entries_; }
  void clear();

 private:
  std::vector<ReportEntry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace kofn::driver
