// SPDX-License-Identifier: Apache-2.0
#include "driver/handles.hpp"

#include "driver/text.hpp"

namespace kofn::driver {

std::string HandleTable::explain(std::uint64_t handle, Kind kind) const {
  std::string what = std::string(name(kind)) + " handle " + hex(handle);
  if (!handle) return std::string(name(kind)) + " handle is null";
  if (auto it = gone_.find(handle); it != gone_.end()) return what + " was destroyed by " + it->second;
  if (auto other = find(handle)) {
    for (int k = 1; k <= static_cast<int>(Kind::Pool); ++k)
      if (isKind(handle, Kind(k))) return what + " names a " + name(Kind(k)) + " (made by " + other->site + ")";
  }
  return what + " was never handed out";
}

}  // namespace kofn::driver
