// SPDX-License-Identifier: Apache-2.0
#include "driver/reports.hpp"

#include <cstdio>

#include "driver/text.hpp"

namespace kofn::driver {
namespace {

// A program that goes wrong in every call must not fill memory; what is dropped is still counted.
constexpr std::size_t kKept = 10000;

}  // namespace

void Reports::add(std::string kind, std::string text, std::uint64_t seed, bool print, std::uint64_t occurrences) {
  const std::string key = kind + '\n' + text;
  if (auto it = index_.find(key); it != index_.end()) {
    entries_[it->second].occurrences += occurrences;
    return;
  }
  if (entries_.size() >= kKept) {
    const std::string rest = "further reports, not kept";
    if (kind != "rest") add("rest", rest, seed, false, occurrences);
    if (kind != "rest" || index_.count(key)) return;
  }
  if (print)
    std::fprintf(stderr, "[kofn-sim] %s: %s\n[kofn-sim]   repeat with KOFN_SIM_SEED=%llu\n", kind.c_str(), text.c_str(),
                 static_cast<unsigned long long>(seed));
  index_.emplace(key, entries_.size());
  entries_.push_back({std::move(kind), std::move(text), occurrences});
}

void Reports::clear() {
  entries_.clear();
  index_.clear();
}

}  // namespace kofn::driver
