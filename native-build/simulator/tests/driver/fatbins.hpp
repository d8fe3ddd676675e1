// SPDX-License-Identifier: Apache-2.0
//
// Builds fatbin containers for tests, byte by byte after the layout in image.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace fatbins {

struct Entry {
  int kind = 1;                // 1 PTX, 2 machine code
  std::uint32_t arch = 80;
  std::string payload;
  std::uint64_t flags = 0x11;
};

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::string container(const std::vector<Entry>& entries) {
  std::string body;
  for (const Entry& e : entries) {
    std::string payload = e.payload;
    payload.resize((payload.size() + 8) / 8 * 8);   // at least one zero behind the text
    put<std::uint16_t>(body, static_cast<std::uint16_t>(e.kind));
    put<std::uint16_t>(body, 0x101);
    put<std::uint32_t>(body, 64);
    put<std::uint64_t>(body, payload.size());
    put<std::uint32_t>(body, 0);
    put<std::uint32_t>(body, 64);
    put<std::uint16_t>(body, 0);
    put<std::uint16_t>(body, 9);
    put<std::uint32_t>(body, e.arch);
    put<std::uint64_t>(body, 0);
    put<std::uint64_t>(body, e.flags);
    put<std::uint64_t>(body, 0);
    put<std::uint64_t>(body, 0);
    body += payload;
  }
  std::string all;
  put<std::uint32_t>(all, 0xBA55ED50);
  put<std::uint16_t>(all, 1);
  put<std::uint16_t>(all, 16);
  put<std::uint64_t>(all, body.size());
  return all + body;
}

struct Wrapper {
  std::uint32_t magic = 0x466243B1, version = 1;
  const void* data = nullptr;
  const void* unused = nullptr;
};

// PTX with one empty kernel of the given name.
inline std::string ptx(const std::string& kernel, const std::string& target = "sm_80", const std::string& version = "9.0") {
  return ".version " + version + "\n.target " + target + "\n.address_size 64\n.visible .entry " + kernel + "()\n{\n  ret;\n}\n";
}

}  // namespace fatbins
