// SPDX-License-Identifier: Apache-2.0
//
// A simulated device for tests: loads PTX, fills buffers, launches with every check on.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace simtest {

using namespace kofn::sim;

class Device {
 public:
  explicit Device(int major = 9, int minor = 0) : properties(propertiesFor(major, minor)), memory(properties.totalMemory) {}

  std::unique_ptr<Module> load(std::string_view ptx) {
    std::string log;
    auto module = Module::load(ptx, memory, properties, log);
    if (!module) throw std::runtime_error("module does not load:\n" + log);
    return module;
  }
  std::uint64_t allocate(std::uint64_t bytes) {
    const std::uint64_t address = memory.allocate(bytes, "test");
    if (!address) throw std::runtime_error("out of simulated memory");
    return address;
  }
  template <class T> std::uint64_t upload(const std::vector<T>& values) {
    const std::uint64_t address = allocate(std::max<std::size_t>(1, values.size() * sizeof(T)));
    if (!memory.copyIn(address, values.data(), values.size() * sizeof(T)).done()) throw std::runtime_error("upload failed");
    return address;
  }
  /// Throws when a byte was never written: a kernel under test must write all of its result.
  template <class T> std::vector<T> download(std::uint64_t address, std::size_t count) const {
    std::vector<T> values(count);
    const AccessStatus s = memory.copyOut(values.data(), address, count * sizeof(T));
    if (s.error != AccessError::None) throw std::runtime_error("download: " + s.text);
    return values;
  }

  /// Launches and throws on a fault or on any report; arguments are packed as a kernel's parameters.
  template <class... Args> LaunchResult launch(const Module& module, const std::string& kernel, Dim3 grid, Dim3 block, Args... args) {
    LaunchResult r = tryLaunch(module, kernel, grid, block, args...);
    std::string text = r.faultText;
    for (const Report& report : r.reports) text += "\n" + report.toString();
    if (r.fault != Fault::None || !r.reports.empty()) throw std::runtime_error(kernel + ": " + text);
    return r;
  }
  template <class... Args> LaunchResult tryLaunch(const Module& module, const std::string& kernel, Dim3 grid, Dim3 block, Args... args) {
    const Function* f = module.function(kernel);
    if (!f) throw std::runtime_error("no kernel " + kernel);
    LaunchRequest request;
    request.function = f;
    request.grid = grid;
    request.block = block;
    request.dynamicShared = dynamicShared;
    (pack(request.parameters, args), ...);
    request.parameters.resize(f->info().parameterBytes);
    return run(request, options);
  }

  DeviceProperties properties;
  DeviceMemory memory;
  Options options;
  std::uint32_t dynamicShared = 0;

 private:
  template <class T> static void pack(std::vector<std::byte>& block, const T& value) {
    block.resize((block.size() + alignof(T) - 1) / alignof(T) * alignof(T));
    block.resize(block.size() + sizeof(T));
    std::memcpy(block.data() + block.size() - sizeof(T), &value, sizeof(T));
  }
};

}  // namespace simtest
