// SPDX-License-Identifier: Apache-2.0
//
// Spelling helpers for the lanes_*.cpp files: a form is put together from its parts.
#pragma once

#include "engine/lanes.hpp"

namespace kofn::sim {
namespace {

struct Form {
  char text[96] = {};
  std::size_t used = 0;
  template <class... Parts> explicit Form(Parts... parts) { (append(parts), ...); }
  void append(const char* part) {
    while (*part && used + 1 < sizeof text) text[used++] = *part++;
  }
  operator const char*() const { return text; }
};

template <class T> struct Named {
  using type = T;
  const char* name;      // ".s32"
  const char* letter;    // of the operand's width
};

// Calls f(Named<T>) for each, so that a family of forms is one generic lambda.
template <class F, class... T> void forEachOf(F f, T... named) { (f(named), ...); }

}  // namespace
}  // namespace kofn::sim
