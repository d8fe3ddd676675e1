// SPDX-License-Identifier: Apache-2.0
//
// What device code may call without bringing it along: vprintf, __assertfail, malloc, free.
#include <cstdio>
#include <cstring>

#include "engine/memory_access.hpp"

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

// Where one lane's generic address lives on the host; null when it is nowhere.
const std::byte* lookUp(Warp& w, int lane, u64 address, u64 bytes) {
  Block& b = *w.block;
  if (address >> 48 == kLocalWindow >> 48) {
    const u64 offset = address - kLocalWindow, size = w.launch->program->localBytes;
    return offset < size && bytes <= size - offset ? b.local.data() + (u64{w.index} * 32 + static_cast<u32>(lane)) * size + offset : nullptr;
  }
  if (address >> 48 == kSharedWindow >> 48) {
    const u64 offset = address - kSharedWindow;
    return offset < b.shared.size() && bytes <= b.shared.size() - offset ? b.shared.data() + offset : nullptr;
  }
  DeviceMemory::Impl& m = *w.launch->memory;
  if (m.contains(address, bytes) && m.state[address - m.base] != kUnallocated) return m.data + (address - m.base);
  return m.hostPointer(address, bytes);
}

bool readString(Warp& w, int lane, u64 address, std::string& out) {
  for (u64 k = 0; k < 65536; ++k) {
    const std::byte* p = lookUp(w, lane, address + k, 1);
    if (!p) return false;
    if (*p == std::byte{0}) return true;
    out += static_cast<char>(*p);
  }
  return false;
}

u64 parameter(const Warp& w, const Instr& i, std::size_t k, int lane) {
  u64 v = 0;
  std::memcpy(&v, w.regs + i.extra->slots[3 * k] + static_cast<u32>(lane) * i.extra->slots[3 * k + 1], std::min<u32>(i.extra->slots[3 * k + 2], 8));
  return v;
}
std::size_t parameters(const Instr& i) { return i.extra->slots.size() / 3; }
void result(const Warp& w, const Instr& i, int lane, u64 v) {
  if (i.extra->moreSlots.empty()) return;
  std::memcpy(w.regs + i.extra->moreSlots[0] + static_cast<u32>(lane) * i.extra->moreSlots[1], &v, std::min<u32>(i.extra->moreSlots[2], 8));
}

// printf's arguments lie in a buffer, each aligned to its size: 4 bytes for int, 8 for long, double and pointers.
class Arguments {
 public:
  Arguments(Warp& w, int lane, u64 address) : w_(w), lane_(lane), address_(address) {}
  u64 next(u32 bytes) {
    offset_ = (offset_ + bytes - 1) / bytes * bytes;
    u64 v = 0;
    const std::byte* p = lookUp(w_, lane_, address_ + offset_, bytes);
    if (p) std::memcpy(&v, p, bytes);
    else ok_ = false;
    offset_ += bytes;
    return v;
  }
  bool ok() const { return ok_; }

 private:
  Warp& w_;
  int lane_;
  u64 address_, offset_ = 0;
  bool ok_ = true;
};

bool format(Warp& w, int lane, const std::string& text, Arguments& arguments, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      out += text[at++];
      continue;
    }
    if (at + 1 < text.size() && text[at + 1] == '%') {
      out += '%';
      at += 2;
      continue;
    }
    std::string spec = "%";
    for (++at; at < text.size() && std::strchr("-+ #0123456789.*", text[at]); ++at) {
      if (text[at] == '*') spec += std::to_string(static_cast<std::int32_t>(arguments.next(4)));
      else spec += text[at];
    }
    int longs = 0;
    for (; at < text.size() && std::strchr("lhjzt", text[at]); ++at) longs += text[at] == 'l' || text[at] == 'j' || text[at] == 'z' || text[at] == 't';
    if (at == text.size() || spec.size() > 20) return false;
    const char c = text[at++];
    char buffer[512];
    if (std::strchr("diouxXc", c)) {
      const u64 v = arguments.next(longs ? 8 : 4);
      if (c == 'c') std::snprintf(buffer, sizeof buffer, (spec + 'c').c_str(), static_cast<int>(v));
      else if (c == 'd' || c == 'i')
        std::snprintf(buffer, sizeof buffer, (spec + "lld").c_str(), longs ? static_cast<long long>(v) : static_cast<long long>(static_cast<std::int32_t>(v)));
      else std::snprintf(buffer, sizeof buffer, (spec + "ll" + c).c_str(), static_cast<unsigned long long>(v));
      out += buffer;
    } else if (std::strchr("eEfFgGaA", c)) {
      std::snprintf(buffer, sizeof buffer, (spec + c).c_str(), std::bit_cast<double>(arguments.next(8)));
      out += buffer;
    } else if (c == 'p') {
      std::snprintf(buffer, sizeof buffer, "0x%llx", static_cast<unsigned long long>(arguments.next(8)));
      out += buffer;
    } else if (c == 's') {
      std::string s;
      if (!readString(w, lane, arguments.next(8), s)) s = "(unreadable)";
      out += s;
    } else {
      return false;
    }
  }
  return true;
}

void print(Launch& l, const std::string& text) {
  const std::lock_guard lock(l.printing);
  if (l.options->print) l.options->print(text);
  else std::fwrite(text.data(), 1, text.size(), stdout);
}

void vprintf(Warp& w, const Instr& i, u32 exec) {
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    std::string text, out;
    Arguments arguments(w, l, parameter(w, i, 1, l));
    const bool ok = readString(w, l, parameter(w, i, 0, l), text) && format(w, l, text, arguments, out) && arguments.ok();
    if (ok) print(*w.launch, out);
    else report(w, w.pc, l, std::nullopt, Severity::Error, 0, "printf with an unreadable format or arguments");
    result(w, i, l, ok ? 1 : ~0ull);
  }
}

void assertFail(Warp& w, const Instr& i, u32 exec) {
  const int l = std::countr_zero(exec);
  std::string message, file, function;
  readString(w, l, parameter(w, i, 0, l), message);
  readString(w, l, parameter(w, i, 1, l), file);
  readString(w, l, parameter(w, i, 3, l), function);
  report(w, w.pc, l, std::nullopt, Severity::Error, 0,
         "assertion '" + message + "' failed in " + function + " at " + file + ":" + std::to_string(static_cast<u32>(parameter(w, i, 2, l))));
  fault(w, Fault::Assert, "device-side assertion failed");
}

void deviceMalloc(Warp& w, const Instr& i, u32 exec) {
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    result(w, i, l, w.launch->device->allocate(parameter(w, i, 0, l), "malloc in " + program(w).info.name));
  }
}

void deviceFree(Warp& w, const Instr& i, u32 exec) {
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 address = parameter(w, i, 0, l);
    if (address && !w.launch->device->release(address)) {
      report(w, w.pc, l, Check::UseAfterFree, Severity::Error, address, "free of an address that malloc did not return or that is free already");
      return fault(w, Fault::IllegalAddress, "invalid free");
    }
  }
}

template <Handler F, std::size_t Parameters> void checked(Warp& w, const Instr& i, u32 exec) {
  if (parameters(i) != Parameters) return fault(w, Fault::InvalidProgramCounter, "system call with the wrong number of parameters");
  F(w, i, exec);
}

}  // namespace

Handler systemCallHandler(std::string_view name) {
  if (name == "vprintf") return checked<vprintf, 2>;
  if (name == "__assertfail") return checked<assertFail, 5>;
  if (name == "malloc") return checked<deviceMalloc, 1>;
  if (name == "free") return checked<deviceFree, 1>;
  return nullptr;
}

}  // namespace kofn::sim
