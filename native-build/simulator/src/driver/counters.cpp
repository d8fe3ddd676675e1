// SPDX-License-Identifier: Apache-2.0
#include "driver/counters.hpp"

#include <cstdio>

#include "driver/text.hpp"

namespace kofn::driver {

void CounterBook::add(const std::string& kernel, const sim::Counters& counters) {
  lastKernel_ = kernel;
  last_ = counters;
  for (Sum* sum : {&total_, &kernels_[kernel]}) {
    ++sum->launches;
    sum->counters += counters;
  }
}

void CounterBook::clear() { *this = CounterBook(); }

const sim::Counters* CounterBook::find(const std::string& kernel) const {
  if (!total_.launches) return nullptr;
  if (kernel.empty()) return &last_;
  if (kernel == "*") return &total_.counters;
  auto it = kernels_.find(kernel);
  return it == kernels_.end() ? nullptr : &it->second.counters;
}

std::string CounterBook::json() const {
  std::string all = words("{\"launches\":", total_.launches, ",\"last\":");
  all += total_.launches ? words("{\"kernel\":", quoted(lastKernel_), ",\"counters\":", last_.toJson(), "}") : "null";
  all += words(",\"total\":", total_.counters.toJson(), ",\"kernels\":{");
  const char* separator = "";
  for (const auto& [kernel, sum] : kernels_) {
    all += words(separator, quoted(kernel), ":{\"launches\":", sum.launches, ",\"counters\":", sum.counters.toJson(), "}");
    separator = ",";
  }
  return all + "}}\n";
}

std::vector<std::pair<std::string, std::uint64_t>> CounterBook::list(const sim::Counters& c) {
  std::vector<std::pair<std::string, std::uint64_t>> all{
      {"warpInstructions", c.warpInstructions},
      {"threadInstructions", c.threadInstructions},
      {"globalLoadRequests", c.globalLoadRequests},
      {"globalLoadSectors", c.globalLoadSectors},
      {"globalStoreRequests", c.globalStoreRequests},
      {"globalStoreSectors", c.globalStoreSectors},
      {"globalAtomicRequests", c.globalAtomicRequests},
      {"globalAtomicSectors", c.globalAtomicSectors},
      {"dramReadBytes", c.dramReadBytes},
      {"dramWriteBytes", c.dramWriteBytes},
      {"l2Bytes", c.l2Bytes},
      {"sharedRequests", c.sharedRequests},
      {"sharedWavefronts", c.sharedWavefronts},
      {"sharedWavefrontsMinimum", c.sharedWavefrontsMinimum},
      {"mmaInstructions", c.mmaInstructions},
      {"mmaOperations", c.mmaOperations},
      {"branches", c.branches},
      {"divergentBranches", c.divergentBranches},
      {"barriers", c.barriers},
      {"blocks", c.blocks},
      {"warps", c.warps},
  };
  for (std::size_t i = 0; i < sim::kInstructionClasses; ++i)
    all.emplace_back("warp:" + std::string(sim::name(sim::InstructionClass(i))), c.warpByClass[i]);
  for (std::size_t i = 0; i < sim::kInstructionClasses; ++i)
    all.emplace_back("thread:" + std::string(sim::name(sim::InstructionClass(i))), c.threadByClass[i]);
  return all;
}

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      all += '\\';
      all += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      all += escape;
    } else {
      all += c;
    }
  }
  return all + '"';
}

}  // namespace kofn::driver
