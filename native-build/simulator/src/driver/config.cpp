// SPDX-License-Identifier: Apache-2.0
#include "driver/config.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "driver/text.hpp"

namespace kofn::driver {
namespace {

using Parsed = std::string;   // empty: fine, else what is allowed

bool number(std::string_view value, std::uint64_t& out) {
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  return error == std::errc{} && end == value.data() + value.size() && !value.empty();
}

template <class T>
Parsed ranged(std::string_view value, std::uint64_t low, std::uint64_t high, T& out) {
  std::uint64_t n = 0;
  if (!number(value, n) || n < low || n > high) return words("a whole number from ", low, " to ", high);
  out = static_cast<T>(n);
  return {};
}

Parsed flag(std::string_view value, bool& out) {
  if (value != "0" && value != "1") return "0 or 1";
  out = value == "1";
  return {};
}

Parsed bytes(std::string_view value, std::uint64_t& out) {
  std::uint64_t unit = 1;
  if (!value.empty()) {
    const char last = static_cast<char>(std::toupper(static_cast<unsigned char>(value.back())));
    unit = last == 'K' ? 1ull << 10 : last == 'M' ? 1ull << 20 : last == 'G' ? 1ull << 30 : 1;
    if (unit > 1) value.remove_suffix(1);
  }
  std::uint64_t n = 0;
  if (!number(value, n) || n == 0 || n > (1ull << 46) / unit) return "a positive number of bytes, with K, M or G behind it or not";
  out = n * unit;
  return {};
}

std::vector<std::string_view> split(std::string_view list, char separator) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const auto end = std::min(list.find(separator), list.size());
    if (end) parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

Parsed checksOff(std::string_view value, Config& config) {
  auto checks = sim::Options::allChecks(true);
  bool api = true, leak = true;
  for (auto part : split(value, ',')) {
    bool known = true;
    if (part == "all") {
      checks = sim::Options::allChecks(false);
      api = leak = false;
    } else if (part == "api") {
      api = false;
    } else if (part == "leak") {
      leak = false;
    } else {
      known = false;
      for (std::size_t i = 0; i < sim::kChecks; ++i)
        if (part == sim::name(sim::Check(i))) checks[i] = false, known = true;
    }
    if (!known) {
      std::string allowed = "a comma-separated list of: all, api, leak";
      for (std::size_t i = 0; i < sim::kChecks; ++i) allowed += ", " + std::string(sim::name(sim::Check(i)));
      return allowed;
    }
  }
  config.engine.checks = checks;
  config.apiReports = api;
  config.leakReports = leak;
  return {};
}

Parsed injections(std::string_view value, Config& config) {
  std::vector<Injection> list;
  for (auto part : split(value, ',')) {
    const auto fields = split(part, ':');
    Injection one;
    std::uint64_t call = 0, result = 0;
    if (fields.size() != 3 || !number(fields[1], call) || !number(fields[2], result) || result > 999)
      return "a comma-separated list of ENTRY:CALL:RESULT, as cuMemAlloc_v2:3:2; calls count from 1, 0 means every call";
    one.entry = std::string(fields[0]);
    one.call = call;
    one.result = static_cast<int>(result);
    list.push_back(one);
  }
  config.injections = std::move(list);
  return {};
}

struct Setting {
  const char* name;
  bool beforeInit;
  const char* meaning;
  Parsed (*set)(Config&, std::string_view);
};

const Setting kSettings[] = {
    {"seed", false, "seed of every random choice (a number; default: random); repeats the run of a single-threaded program",
     [](Config& c, std::string_view v) { c.seedGiven = true; return ranged(v, 0, ~0ull, c.seed); }},
    {"arch", true, "architecture of the devices: 80 (default), 90 or 100",
     [](Config& c, std::string_view v) -> Parsed {
       if (v != "80" && v != "90" && v != "100") return "80, 90 or 100";
       return ranged(v, 80, 100, c.arch);
     }},
    {"sms", true, "number of multiprocessors (default: the architecture's)",
     [](Config& c, std::string_view v) { return ranged(v, 1, 1024, c.multiprocessors); }},
    {"memory", true, "memory of each device in bytes, K, M or G (default: the architecture's)",
     [](Config& c, std::string_view v) { return bytes(v, c.memory); }},
    {"devices", true, "number of devices (default 1; 0 lets cuInit answer CUDA_ERROR_NO_DEVICE)",
     [](Config& c, std::string_view v) { return ranged(v, 0, 16, c.devices); }},
    {"driver", true, "driver version (default 13000); newer entry points are not found, newer PTX is refused",
     [](Config& c, std::string_view v) { return ranged(v, 11000, 13000, c.driverVersion); }},
    {"off", false, "checks to turn off: all, api, leak or the names of the sanitizer's checks, comma-separated",
     [](Config& c, std::string_view v) { return checksOff(v, c); }},
    {"worst_approx", false, "1: approximate instructions return the worst value that the PTX manual allows",
     [](Config& c, std::string_view v) { return flag(v, c.engine.worstApproximation); }},
    {"threads", false, "host threads that execute kernels (default 0: all cores)",
     [](Config& c, std::string_view v) { return ranged(v, 0, 1024, c.engine.hostThreads); }},
    {"random_order", false, "0: blocks and warps run in order (default 1: in a seeded random order)",
     [](Config& c, std::string_view v) { return flag(v, c.engine.randomOrder); }},
    {"max_instructions", false, "watchdog: a launch that executes more thread instructions fails with CUDA_ERROR_LAUNCH_TIMEOUT",
     [](Config& c, std::string_view v) { return ranged(v, 0, ~0ull, c.engine.maxThreadInstructions); }},
    {"defer", false, "0: queued work runs at once (default 1: at random moments, at the latest when something waits for it)",
     [](Config& c, std::string_view v) { return flag(v, c.defer); }},
    {"eager_free", false, "1: releasing memory does not wait for queued work, so that work which still uses it is caught",
     [](Config& c, std::string_view v) { return flag(v, c.eagerFree); }},
    {"quiet", false, "1: reports are kept for kofnSimReportText but not printed",
     [](Config& c, std::string_view v) { return flag(v, c.quiet); }},
    {"counting", false, "0: no memory-traffic counters, which is faster (default 1)",
     [](Config& c, std::string_view v) { return flag(v, c.engine.counters); }},
    {"counters", false, "file that receives the counters as JSON when the process ends",
     [](Config& c, std::string_view v) { c.countersFile = std::string(v); return Parsed{}; }},
    {"fail", false, "answers to force, ENTRY:CALL:RESULT comma-separated: cuMemAlloc_v2:3:2 fails the third call with result 2",
     [](Config& c, std::string_view v) { return injections(v, c); }},
    {"oom", false, "this allocation (device or pinned, counted from 1) answers CUDA_ERROR_OUT_OF_MEMORY; 0: none",
     [](Config& c, std::string_view v) { return ranged(v, 0, ~0ull, c.oomAt); }},
};

std::string variable(const char* name) {
  std::string all = "KOFN_SIM_";
  for (; *name; ++name) all += static_cast<char>(std::toupper(static_cast<unsigned char>(*name)));
  return all;
}

}  // namespace

std::string Config::set(std::string_view name, std::string_view value, bool initialised) {
  for (const Setting& s : kSettings) {
    if (name != s.name) continue;
    if (s.beforeInit && initialised) return words(s.name, " can only be set before cuInit");
    const Parsed allowed = s.set(*this, value);
    return allowed.empty() ? allowed : words(s.name, " is \"", value, "\"; allowed: ", allowed);
  }
  std::string all = words("there is no setting \"", name, "\"; there are");
  for (const Setting& s : kSettings) all += words(" ", s.name);
  return all;
}

Config Config::fromEnvironment() {
  Config config;
  for (const Setting& s : kSettings) {
    const std::string key = variable(s.name);
    const char* value = std::getenv(key.c_str());
    if (!value || !*value) continue;
    const std::string wrong = config.set(s.name, value, false);
    if (!wrong.empty()) std::fprintf(stderr, "[kofn-sim] %s ignored: %s\n", key.c_str(), wrong.c_str());
  }
  if (!config.seedGiven) config.seed = std::random_device{}() | std::uint64_t{std::random_device{}() & 0x7fff} << 32;
  return config;
}

std::string Config::help() {
  std::string all;
  for (const Setting& s : kSettings) all += variable(s.name) + "  " + s.meaning + "\n";
  return all;
}

}  // namespace kofn::driver
