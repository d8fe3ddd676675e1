// SPDX-License-Identifier: Apache-2.0
//
// The functions of include/kofn_sim.h, and what happens when the process ends: the counters go to their file, and work
// that nobody waited for is mentioned.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "driver/driver.hpp"
#include "kofn_sim.h"

namespace kofn::driver {
namespace {

std::size_t put(const std::string& text, char* buffer, std::size_t size) {
  if (buffer && size) {
    const std::size_t used = std::min(text.size(), size - 1);
    std::memcpy(buffer, text.data(), used);
    buffer[used] = '\0';
  }
  return text.size();
}

__attribute__((destructor)) void atEnd() {
  Driver& driver = driver::driver();
  const std::unique_lock<std::mutex> lock(driver.mutex, std::try_to_lock);
  if (!lock) return;   // another thread is still inside: nothing can be said safely
  if (driver.scheduler.pending() && driver.config.apiReports)
    driver.report("api", words(driver.scheduler.pending(), " operations were still queued when the process ended; nothing waited for them"));
  if (driver.config.countersFile.empty()) return;
  if (std::FILE* file = std::fopen(driver.config.countersFile.c_str(), "w")) {
    const std::string json = driver.counters.json();
    std::fwrite(json.data(), 1, json.size(), file);
    std::fclose(file);
  } else {
    std::fprintf(stderr, "[kofn-sim] the counters cannot be written to \"%s\"\n", driver.config.countersFile.c_str());
  }
}

}  // namespace
}  // namespace kofn::driver

using namespace kofn::driver;

extern "C" {

KOFN_API int kofnSimVersion(void) { return 1000; }

KOFN_API uint64_t kofnSimSeed(void) {
  frame::Locked locked;
  return driver().config.seed;
}

KOFN_API int kofnSimSetOption(const char* name, const char* value) {
  frame::Locked locked;
  Driver& d = driver();
  const std::string wrong = name && value ? d.config.set(name, value, d.initialised) : "the name or the value is null";
  if (!wrong.empty()) {
    lastMessage() = "kofnSimSetOption: " + wrong;
    return 1;
  }
  if (std::string_view(name) == "seed") {
    d.scheduler.reseed(d.config.seed);
    d.launches = 0;
  }
  if (std::string_view(name) == "fail") d.calls.fill(0);
  if (std::string_view(name) == "oom" && d.config.oomAt) d.config.oomAt += d.allocations;   // counted from now on
  return 0;
}

KOFN_API size_t kofnSimHelp(char* buffer, size_t size) { return put(Config::help(), buffer, size); }

KOFN_API size_t kofnSimReportCount(void) {
  frame::Locked locked;
  return driver().reports.all().size();
}

KOFN_API size_t kofnSimReportText(size_t index, char* buffer, size_t size) {
  frame::Locked locked;
  const auto& all = driver().reports.all();
  if (index >= all.size()) return put("", buffer, size);
  return put(all[index].kind + ": " + all[index].text, buffer, size);
}

KOFN_API uint64_t kofnSimReportOccurrences(size_t index) {
  frame::Locked locked;
  const auto& all = driver().reports.all();
  return index < all.size() ? all[index].occurrences : 0;
}

KOFN_API void kofnSimResetReports(void) {
  frame::Locked locked;
  driver().reports.clear();
}

KOFN_API size_t kofnSimLastMessage(char* buffer, size_t size) { return put(lastMessage(), buffer, size); }

KOFN_API size_t kofnSimCounters(const char* kernel, uint64_t* values, size_t count) {
  frame::Locked locked;
  const kofn::sim::Counters* found = driver().counters.find(kernel ? kernel : "");
  if (!found) return 0;
  const auto all = CounterBook::list(*found);
  for (size_t i = 0; values && i < count && i < all.size(); ++i) values[i] = all[i].second;
  return all.size();
}

KOFN_API const char* kofnSimCounterName(size_t index) {
  static const auto* const all = new auto(CounterBook::list({}));
  return index < all->size() ? (*all)[index].first.c_str() : nullptr;
}

KOFN_API size_t kofnSimCountersJson(char* buffer, size_t size) {
  frame::Locked locked;
  return put(driver().counters.json(), buffer, size);
}

KOFN_API void kofnSimResetCounters(void) {
  frame::Locked locked;
  driver().counters.clear();
}

}  // extern "C"
