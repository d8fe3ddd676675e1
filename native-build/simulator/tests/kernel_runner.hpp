// SPDX-License-Identifier: Apache-2.0
//
// For tests that run kernels: a device, a module, typed buffers, one-line launches.
#pragma once

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace kernel_test {

using namespace kofn::sim;

inline std::string readFile(const std::string& path) {
  std::ifstream f(path, std::ios::binary);
  std::ostringstream s;
  s << f.rdbuf();
  return s.str();
}

// Packs kernel arguments as a compiler would: each aligned to its size.
class Arguments {
 public:
  template <class T> Arguments& operator<<(const T& v) {
    const std::size_t at = (bytes.size() + alignof(T) - 1) / alignof(T) * alignof(T);
    bytes.resize(at + sizeof v);
    std::memcpy(bytes.data() + at, &v, sizeof v);
    return *this;
  }
  std::vector<std::byte> bytes;
};

class Device {
 public:
  explicit Device(int major = 9, int minor = 0) : properties(propertiesFor(major, minor)), memory(properties.totalMemory) {}

  // False and a filled `log` when the text is refused.
  bool load(std::string_view ptx) {
    log.clear();
    module.reset();
    module = Module::load(ptx, memory, properties, log);
    return module != nullptr;
  }
  template <class T> std::uint64_t upload(const std::vector<T>& v) {
    const std::uint64_t a = memory.allocate(v.size() * sizeof(T), "upload");
    memory.copyIn(a, v.data(), v.size() * sizeof(T));
    return a;
  }
  template <class T> std::vector<T> download(std::uint64_t address, std::size_t count) {
    std::vector<T> v(count);
    memory.copyOut(v.data(), address, count * sizeof(T));
    return v;
  }
  LaunchResult launch(std::string_view kernel, Dim3 grid, Dim3 block, const Arguments& arguments, std::uint32_t dynamicShared = 0) {
    LaunchRequest q;
    q.function = module ? module->function(kernel) : nullptr;
    q.grid = grid;
    q.block = block;
    q.dynamicShared = dynamicShared;
    q.parameters = arguments.bytes;
    return run(q, options);
  }

  DeviceProperties properties;
  DeviceMemory memory;
  Options options;
  std::unique_ptr<Module> module;
  std::string log;
};

inline std::string describe(const LaunchResult& r) {
  std::string s = r.faultText;
  for (const Report& f : r.reports) s += "\n" + f.toString();
  return s;
}

// Whether one of the reports is of this check.
inline bool reported(const LaunchResult& r, Check check) {
  for (const Report& f : r.reports)
    if (f.check == check) return true;
  return false;
}

}  // namespace kernel_test
