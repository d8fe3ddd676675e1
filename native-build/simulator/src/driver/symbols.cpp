// SPDX-License-Identifier: Apache-2.0
//
// Finding entry points: cuGetProcAddress, and the table behind it. cuGetExportTable, the door to undocumented interfaces,
// stays shut.
#include <algorithm>
#include <string_view>

#include "driver/driver.hpp"

namespace kofn::driver {
namespace {

struct Symbol {
  std::string_view name;
  int version;        // that introduced it
  void* address;
};

const Symbol kSymbols[] = {
#define KOFN_ENTRY(version, name, parameters) {#name, version, reinterpret_cast<void*>(&kofn::cuda::name)},
#include "driver/entry_points.def"
#undef KOFN_ENTRY
};

// The name without its _vN.
std::string_view baseName(std::string_view name) {
  const auto at = name.rfind("_v");
  const bool versioned = at != std::string_view::npos && at + 2 < name.size() &&
                         std::all_of(name.begin() + at + 2, name.end(), [](char c) { return c >= '0' && c <= '9'; });
  return versioned ? name.substr(0, at) : name;
}

// The newest form of `wanted` that `version` has; a name with its own _vN means exactly that form. `exists` tells a name
// that is too new from one that is unknown.
const Symbol* find(std::string_view wanted, int version, bool& exists) {
  const Symbol* best = nullptr;
  exists = false;
  for (const Symbol& s : kSymbols) {
    if (s.name != wanted && baseName(s.name) != wanted) continue;
    exists = true;
    if (s.version <= version && (!best || s.version > best->version)) best = &s;
  }
  return best;
}

CUresult procAddress(Entry entry, const char* symbol, void** function, int version, std::uint64_t flags,
                     CUdriverProcAddressQueryResult* status) {
  return call(entry, Need::Nothing, [&](Call& c) {
    requirePointer(symbol, "symbol");
    requirePointer(function, "pfn");
    *function = nullptr;
    if (status) *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    if (flags & ~3ull) fail(CUDA_ERROR_INVALID_VALUE, "flags is ", flags, "; allowed: 0, 1 (legacy), 2 (per thread)");
    if (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM)
      fail(CUDA_ERROR_NOT_SUPPORTED, "entry points whose default stream is the thread's own are not offered; pass the stream 2 instead");
    bool exists = false;
    const Symbol* found = find(symbol, std::min(version, c.driver.config.driverVersion), exists);
    if (found) {
      *function = found->address;
      if (status) *status = CU_GET_PROC_ADDRESS_SUCCESS;
      return CUDA_SUCCESS;
    }
    if (status && exists) {   // with a status, both answers are a success of the call itself
      *status = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
      return CUDA_SUCCESS;
    }
    fail(CUDA_ERROR_NOT_FOUND, "there is no entry point \"", symbol, "\" for version ", version, " in driver version ", c.driver.config.driverVersion);
  });
}

}  // namespace
}  // namespace kofn::driver

namespace kofn::cuda {
using namespace kofn::driver;

CUresult cuGetProcAddress(const char* symbol, void** function, int version, std::uint64_t flags) {
  return procAddress(Entry::cuGetProcAddress, symbol, function, version, flags, nullptr);
}

CUresult cuGetProcAddress_v2(const char* symbol, void** function, int version, std::uint64_t flags, CUdriverProcAddressQueryResult* status) {
  return procAddress(Entry::cuGetProcAddress_v2, symbol, function, version, flags, status);
}

CUresult cuGetExportTable(const void** table, const CUuuid*) {
  return call(Entry::cuGetExportTable, Need::Nothing, [&](Call&) {
    if (table) *table = nullptr;
    fail(CUDA_ERROR_NOT_FOUND, "private interfaces of the driver do not exist here");
  });
}

}  // namespace kofn::cuda
