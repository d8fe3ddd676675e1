// SPDX-License-Identifier: Apache-2.0
//
// Names and texts of the results; the version; cuInit.
#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

struct ResultText {
  int code;
  const char *name, *text;
};
constexpr ResultText kResults[] = {
#define KOFN_RESULT(name, value, text) {value, #name, text},
#include "driver/results.def"
#undef KOFN_RESULT
};

const ResultText* find(int code) {
  for (const ResultText& r : kResults)
    if (r.code == code) return &r;
  return nullptr;
}

// Both functions answer an unknown code with a null text and CUDA_ERROR_INVALID_VALUE; neither needs cuInit.
CUresult resultText(Entry entry, CUresult code, const char** text, const char* ResultText::* field) {
  return call(entry, Need::Nothing, [&](Call&) {
    requirePointer(text, "pStr");
    const ResultText* found = find(code);
    *text = found ? found->*field : nullptr;
    if (!found) fail(CUDA_ERROR_INVALID_VALUE, "there is no CUresult ", int(code));
  });
}

void makeDevices(Driver& driver) {
  const Config& config = driver.config;
  for (int ordinal = 0; ordinal < config.devices; ++ordinal) {
    auto device = std::make_unique<Device>();
    device->ordinal = ordinal;
    device->properties = sim::propertiesFor(config.arch / 10, config.arch % 10);
    if (config.multiprocessors) device->properties.multiprocessors = config.multiprocessors;
    if (config.memory) device->properties.totalMemory = config.memory;
    device->memory = std::make_unique<sim::DeviceMemory>(device->properties.totalMemory, ordinal);
    device->defaultPool = std::make_shared<Pool>();
    device->defaultPool->device = ordinal;
    device->defaultPool->isDefault = true;
    driver.handles.add(Kind::Pool, device->defaultPool, "cuInit");
    device->pool = device->defaultPool;
    driver.devices.push_back(std::move(device));
  }
}

}  // namespace

const char* resultName(int code) {
  const ResultText* found = find(code);
  return found ? found->name : "an unknown result";
}

}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuInit(unsigned flags) {
  return call(Entry::cuInit, Need::Nothing, [&](Call& c) {
    if (insideHostFunction()) fail(CUDA_ERROR_NOT_PERMITTED, "called from a host function");
    if (flags) fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; only 0 is defined");
    if (!c.driver.config.devices) fail(CUDA_ERROR_NO_DEVICE, "the setting \"devices\" is 0");
    if (c.driver.initialised) return;
    makeDevices(c.driver);
    c.driver.initialised = true;
  });
}

CUresult cuDriverGetVersion(int* version) {
  return call(Entry::cuDriverGetVersion, Need::Nothing, [&](Call& c) {
    requirePointer(version, "driverVersion");
    *version = c.driver.config.driverVersion;
  });
}

CUresult cuGetErrorName(CUresult code, const char** text) { return resultText(Entry::cuGetErrorName, code, text, &ResultText::name); }

CUresult cuGetErrorString(CUresult code, const char** text) {
  return resultText(Entry::cuGetErrorString, code, text, &ResultText::text);
}

// Deprecated switches of the profiler: nothing is profiled, and saying so is not an error.
CUresult cuProfilerStart() {
  return call(Entry::cuProfilerStart, Need::Context, [](Call&) {});
}

CUresult cuProfilerStop() {
  return call(Entry::cuProfilerStop, Need::Context, [](Call&) {});
}

}  // namespace kofn::cuda
