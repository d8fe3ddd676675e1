// SPDX-License-Identifier: Apache-2.0
//
// Handles: numbers that name objects and are never dereferenced, never reused, and never valid pointers.
//
// A handle is 0x00C0'KKNN'NNNN'NN00: K says what kind of object it names, N counts up from 1 over the whole process. The
// table remembers what it destroyed and which call did so, so that a use after destruction is reported as exactly that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace kofn::driver {

enum class Kind : std::uint8_t { Context = 1, Module, Function, Library, Kernel, Stream, Event, Graph, GraphNode, GraphExec, Pool };

inline const char* name(Kind kind) {
  static const char* const names[] = {"",       "context", "module", "function",   "library",          "kernel",
                                      "stream", "event",   "graph",  "graph node", "executable graph", "memory pool"};
  return names[static_cast<int>(kind)];
}

// What every object behind a handle has.
struct Object {
  virtual ~Object() = default;
  std::uint64_t handle = 0;
  std::string site;   // the call that made it: "cuStreamCreate, call 3"
};

class HandleTable {
 public:
  void add(Kind kind, const std::shared_ptr<Object>& object, std::string site) {
    object->handle = kPrefix | std::uint64_t(kind) << 40 | ++count_ << 8;
    object->site = std::move(site);
    live_.emplace(object->handle, object);
  }

  std::shared_ptr<Object> find(std::uint64_t handle) const {
    auto it = live_.find(handle);
    return it == live_.end() ? nullptr : it->second;
  }

  void remove(const Object& object, const std::string& site) {
    if (live_.erase(object.handle)) gone_.emplace(object.handle, site);
  }

  static bool isKind(std::uint64_t handle, Kind kind) { return handle >> 40 == (kPrefix >> 40 | std::uint64_t(kind)); }

  // Why `handle` does not name a live object of `kind`, in words.
  std::string explain(std::uint64_t handle, Kind kind) const;

 private:
  static constexpr std::uint64_t kPrefix = 0x00C0'0000'0000'0000ull;
  std::uint64_t count_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<Object>> live_;
  std::unordered_map<std::uint64_t, std::string> gone_;
};

}  // namespace kofn::driver
