// SPDX-License-Identifier: Apache-2.0
//
// Small helpers for messages.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace kofn::driver {

inline std::string hex(std::uint64_t value) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "0x%llx", static_cast<unsigned long long>(value));
  return buffer;
}

template <class T>
std::string text(const T& value) {
  if constexpr (std::is_arithmetic_v<T>)
    return std::to_string(value);
  else
    return std::string(value);
}

// words("bytes is ", 3, " of ", 4): one string of all parts.
template <class... Parts>
std::string words(const Parts&... parts) {
  std::string all;
  ((all += text(parts)), ...);
  return all;
}

}  // namespace kofn::driver
