// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_access.hpp"

#include <cstdio>
#include <cstring>

namespace kofn::sim {
namespace {

using u32 = std::uint32_t;
using u64 = std::uint64_t;

template <class T> bool allEqual(const T* state, u32 bytes, std::uint8_t value) {
  for (u32 b = 0; b < bytes; ++b)
    if (state[b] != value) return false;
  return true;
}

bool initialised(const std::uint8_t* state, u32 bytes) {
  switch (bytes) {
    case 4: { u32 v; std::memcpy(&v, state, 4); return v == 0x03030303u; }
    case 8: { u64 v; std::memcpy(&v, state, 8); return v == 0x0303030303030303ull; }
    case 16: { u64 v[2]; std::memcpy(v, state, 16); return (v[0] ^ 0x0303030303030303ull) == 0 && (v[1] ^ 0x0303030303030303ull) == 0; }
    default: return allEqual(state, bytes, kInitialised);
  }
}

bool allocated(const std::uint8_t* state, u32 bytes) {
  for (u32 b = 0; b < bytes; ++b)
    if (state[b] == kUnallocated) return false;
  return true;
}

const char* verb(Action a) { return a == Action::Load ? "read" : a == Action::Store ? "write" : "atomic operation"; }

std::string hex(u64 v) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

void misaligned(Warp& w, const Access& a, int lane) {
  if (!checking(w, Check::Misaligned)) return;
  report(w, w.pc, lane, Check::Misaligned, Severity::Error, a.address[lane],
         std::string(verb(a.action)) + " of " + std::to_string(a.bytes) + " bytes at " + hex(a.address[lane]) + ", which is no multiple of " + std::to_string(a.bytes));
  fault(w, Fault::MisalignedAddress, "misaligned address");
}

void outOfBounds(Warp& w, const Access& a, int lane, Check check, const std::string& text) {
  if (!checking(w, check)) return;
  report(w, w.pc, lane, check, Severity::Error, a.address[lane], std::string(verb(a.action)) + " of " + std::to_string(a.bytes) + " bytes: " + text);
  fault(w, Fault::IllegalAddress, "illegal address");
}

void uninitialised(Warp& w, const Access& a, int lane, Check check) {
  if (!checking(w, check)) return;
  report(w, w.pc, lane, check, Severity::Warning, a.address[lane], "read of " + std::to_string(a.bytes) + " bytes at " + hex(a.address[lane]) + " that were never written");
}

// One lane in global memory; null when it must not be touched.
std::byte* globalLane(Warp& w, const Access& a, int lane) {
  const u64 address = a.address[lane];
  DeviceMemory::Impl& m = *w.launch->memory;
  if (address & (a.bytes - 1)) {
    misaligned(w, a, lane);
    if (checking(w, Check::Misaligned)) return nullptr;
  }
  if (m.contains(address, a.bytes)) {
    const u64 offset = address - m.base;
    const std::uint8_t* state = m.state + offset;
    if (allocated(state, a.bytes)) {
      if (a.action != Action::Store && !initialised(state, a.bytes)) uninitialised(w, a, lane, Check::UninitialisedGlobal);
      return m.data + offset;
    }
  } else if (std::byte* host = m.hostPointer(address, a.bytes)) {
    return host;
  }
  AccessStatus s;
  {
    const std::lock_guard lock(m.mutex);
    s = m.check(address, a.bytes);
  }
  if (s.error == AccessError::None) s = {AccessError::OutOfBounds, address, hex(address) + " is in no allocation"};
  outOfBounds(w, a, lane, s.error == AccessError::UseAfterFree ? Check::UseAfterFree : Check::OutOfBounds, s.text);
  return nullptr;
}

bool sameAsMemory(const Access& a, int lane, const std::byte* values, u32 stride) {
  return values && std::memcmp(a.host[lane], values + static_cast<u32>(lane) * stride, a.bytes) == 0;
}

// All lanes, consecutive addresses, one look at the state: the common case.
bool globalFast(Warp& w, Access& a) {
  if (a.exec != kAllLanes) return false;
  const u64 first = a.address[0];
  u64 difference = first & (a.bytes - 1);
  for (int l = 0; l < 32; ++l) difference |= a.address[l] ^ (first + static_cast<u64>(l) * a.bytes);
  if (difference) return false;
  DeviceMemory::Impl& m = *w.launch->memory;
  const u32 bytes = 32 * a.bytes;
  if (!m.contains(first, bytes)) return false;
  const std::uint8_t* state = m.state + (first - m.base);
  u64 low = 0, bad = 0;   // every byte allocated; for loads every byte initialised
  for (u32 b = 0; b < bytes; b += 8) {
    u64 v;
    std::memcpy(&v, state + b, 8);
    low |= ~v & 0x0101010101010101ull;
    bad |= v ^ 0x0303030303030303ull;
  }
  if (low || (a.action != Action::Store && bad)) return false;
  std::byte* host = m.data + (first - m.base);
  for (int l = 0; l < 32; ++l) a.host[l] = host + static_cast<u32>(l) * a.bytes;
  return true;
}

}  // namespace

void fillAddresses(const Warp& w, const Instr& i, u32 exec, Access& a) {
  a.exec = exec;
  a.flags = i.flags;
  const auto imm = static_cast<u64>(i.imm);
  if (i.flags & kAddress32) {
    const u32* base = slot<u32>(w, i.a);
    const u32 low = static_cast<u32>(imm);
    eachLane(kAllLanes, [&](int l) { a.address[l] = static_cast<u32>(base[l] + low); });
  } else {
    const u64* base = slot<u64>(w, i.a);
    eachLane(kAllLanes, [&](int l) { a.address[l] = base[l] + imm; });
  }
}

void resolveGlobal(Warp& w, Access& a, const std::byte* values, u32 stride) {
  if (!globalFast(w, a))
    for (u32 m = a.exec; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      a.host[l] = globalLane(w, a, l);
    }
  if (w.event == kStop) return;
  if (w.launch->count) countGlobal(w, a);
  if (w.launch->checkGlobal)
    for (u32 m = a.exec; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      if (a.host[l] && w.launch->memory->contains(a.address[l], a.bytes))
        raceGlobal(w, l, a.address[l], a.bytes, a.action, a.flags, sameAsMemory(a, l, values, stride));
    }
  if (a.action != Action::Load)
    for (u32 m = a.exec; m != 0; m &= m - 1) {
      const int l = std::countr_zero(m);
      if (a.host[l] && w.launch->memory->contains(a.address[l], a.bytes))
        std::memset(w.launch->memory->state + (a.address[l] - w.launch->memory->base), kInitialised, a.bytes);
    }
}

void resolveShared(Warp& w, Access& a, const std::byte* values, u32 stride) {
  Block& b = *w.block;
  const u64 size = b.shared.size();
  for (u32 m = a.exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 offset = a.address[l];
    a.host[l] = nullptr;
    if (offset & (a.bytes - 1)) {
      misaligned(w, a, l);
      if (checking(w, Check::Misaligned)) continue;
    }
    if (offset >= size || a.bytes > size - offset) {
      outOfBounds(w, a, l, Check::OutOfBounds,
                  "shared address " + hex(offset) + " reaches beyond the block's " + std::to_string(size) + " bytes of shared memory");
      continue;
    }
    a.host[l] = b.shared.data() + offset;
    std::uint8_t* const state = b.sharedState.data() + offset;
    if (a.action != Action::Store && !initialised(state, a.bytes)) {
      if (std::memchr(state, kInFlight, a.bytes)) {
        if (checking(w, Check::AsyncCopyUnwaited))
          report(w, w.pc, l, Check::AsyncCopyUnwaited, Severity::Error, offset, "read of " + std::to_string(a.bytes) + " shared bytes at " + hex(offset) + " that a cp.async has yet to deliver");
      } else {
        uninitialised(w, a, l, Check::UninitialisedShared);
      }
    }
    if (w.launch->anySharedRace) raceShared(w, l, static_cast<u32>(offset), a.bytes, a.action, a.flags & kStrong, sameAsMemory(a, l, values, stride));
    if (a.action != Action::Load) {
      if (std::memchr(state, kInFlight, a.bytes) && checking(w, Check::AsyncCopyUnwaited))
        report(w, w.pc, l, Check::AsyncCopyUnwaited, Severity::Error, offset, "write to " + std::to_string(a.bytes) + " shared bytes at " + hex(offset) + " that a cp.async has yet to deliver");
      std::memset(state, kInitialised, a.bytes);
    }
  }
  if (w.launch->count && w.event != kStop) countShared(w, a);
}

void resolveLocal(Warp& w, Access& a) {
  const u64 size = w.launch->program->localBytes;
  for (u32 m = a.exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 offset = a.address[l];
    a.host[l] = nullptr;
    if (offset & (a.bytes - 1)) {
      misaligned(w, a, l);
      if (checking(w, Check::Misaligned)) continue;
    }
    if (offset >= size || a.bytes > size - offset) {
      outOfBounds(w, a, l, Check::OutOfBounds, "local address " + hex(offset) + " reaches beyond the thread's " + std::to_string(size) + " bytes of local memory");
      continue;
    }
    const u64 at = (u64{w.index} * 32 + static_cast<u32>(l)) * size + offset;
    a.host[l] = w.block->local.data() + at;
    std::uint8_t* const state = w.block->localState.data() + at;
    if (a.action != Action::Store && !initialised(state, a.bytes)) uninitialised(w, a, l, Check::UninitialisedLocal);
    if (a.action != Action::Load) std::memset(state, kInitialised, a.bytes);
  }
}

void resolveGeneric(Warp& w, Access& a, const std::byte* values, u32 stride) {
  const u32 exec = a.exec;
  u32 shared = 0, local = 0, param = 0;
  for (u32 m = exec; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 window = a.address[l] >> 48;
    if (window == kSharedWindow >> 48) shared |= 1u << l, a.address[l] -= kSharedWindow;
    else if (window == kLocalWindow >> 48) local |= 1u << l, a.address[l] -= kLocalWindow;
    else if (window == kParameterWindow >> 48 && a.action == Action::Load) param |= 1u << l;
  }
  const u32 global = exec & ~(shared | local | param);
  if (global) a.exec = global, resolveGlobal(w, a, values, stride);
  if (shared && w.event != kStop) a.exec = shared, resolveShared(w, a, values, stride);
  if (local && w.event != kStop) a.exec = local, resolveLocal(w, a);
  for (u32 m = param; m != 0; m &= m - 1) {
    const int l = std::countr_zero(m);
    const u64 offset = a.address[l] - kParameterWindow, size = w.launch->request->parameters.size();
    const bool inside = offset < size && a.bytes <= size - offset;
    a.host[l] = inside ? const_cast<std::byte*>(w.launch->parameters) + offset : nullptr;
    if (!inside) outOfBounds(w, a, l, Check::OutOfBounds, "parameter offset " + hex(offset) + " reaches beyond the " + std::to_string(size) + " bytes of parameters");
  }
  a.exec = exec;
}

void resolve(Warp& w, Access& a, Window window, const std::byte* values, u32 stride) {
  switch (window) {
    case Window::Global: return resolveGlobal(w, a, values, stride);
    case Window::Shared: return resolveShared(w, a, values, stride);
    case Window::Local: return resolveLocal(w, a);
    case Window::Generic: return resolveGeneric(w, a, values, stride);
  }
}

// --------------------------------------------------------------------------------------------------------------------
// ld and st

namespace {

template <unsigned Bytes> struct Raw;
template <> struct Raw<1> { using U = std::uint8_t; using S = std::int8_t; };
template <> struct Raw<2> { using U = std::uint16_t; using S = std::int16_t; };
template <> struct Raw<4> { using U = std::uint32_t; using S = std::int32_t; };
template <> struct Raw<8> { using U = std::uint64_t; using S = std::int64_t; };

template <Window W, unsigned Bytes, unsigned RegBytes, bool Signed> void load(Warp& w, const Instr& i, u32 exec) {
  using M = std::conditional_t<Signed, typename Raw<Bytes>::S, typename Raw<Bytes>::U>;
  using R = std::conditional_t<Signed, typename Raw<RegBytes>::S, typename Raw<RegBytes>::U>;
  Access a;
  a.action = Action::Load;
  a.bytes = Bytes * i.n;
  fillAddresses(w, i, exec, a);
  resolve(w, a, W, nullptr, 0);
  if (w.event == kStop) return;
  const bool strong = (i.flags & kStrong) && W != Window::Local;
  if (strong) w.block->strongAccesses++;
  for (u32 k = 0; k < i.n; ++k) {
    R* d = slot<R>(w, i.extra->slots[k]);
    eachLane(exec, [&](int l) {
      M v{};
      if (a.host[l]) {
        if (strong) v = __atomic_load_n(reinterpret_cast<const M*>(a.host[l] + k * Bytes), __ATOMIC_ACQUIRE);
        else std::memcpy(&v, a.host[l] + k * Bytes, Bytes);
      }
      d[l] = static_cast<R>(v);
    });
  }
  if (strong && W != Window::Shared)
    for (u32 m = exec; m != 0; m &= m - 1) acquireGlobal(w, a.address[std::countr_zero(m)]);
}

template <Window W, unsigned Bytes, unsigned RegBytes> void store(Warp& w, const Instr& i, u32 exec) {
  using M = typename Raw<Bytes>::U;
  using R = typename Raw<RegBytes>::U;
  Access a;
  a.action = Action::Store;
  a.bytes = Bytes * i.n;
  std::byte values[32 * 32];
  for (u32 k = 0; k < i.n; ++k) {
    const R* s = slot<R>(w, i.extra->slots[k]);
    eachLane(exec, [&](int l) {
      const M v = static_cast<M>(s[l]);
      std::memcpy(values + static_cast<u32>(l) * a.bytes + k * Bytes, &v, Bytes);
    });
  }
  fillAddresses(w, i, exec, a);
  resolve(w, a, W, values, a.bytes);
  if (w.event == kStop) return;
  const bool strong = (i.flags & kStrong) && W != Window::Local;
  if (strong) w.block->strongAccesses++;
  if (strong && W != Window::Shared)
    for (u32 m = exec; m != 0; m &= m - 1) releaseGlobal(w, a.address[std::countr_zero(m)], i.flags & kRelease);
  for (u32 m = exec; m != 0; m &= m - 1) {
    const u32 l = static_cast<u32>(std::countr_zero(m));
    if (!a.host[l]) continue;
    if (strong) {
      for (u32 k = 0; k < i.n; ++k) {
        M v;
        std::memcpy(&v, values + l * a.bytes + k * Bytes, Bytes);
        __atomic_store_n(reinterpret_cast<M*>(a.host[l] + k * Bytes), v, __ATOMIC_RELEASE);
      }
    } else {
      std::memcpy(a.host[l], values + l * a.bytes, a.bytes);
    }
  }
}

template <Window W> Handler loadIn(unsigned bytes, unsigned reg, bool isSigned) {
#define KOFN_LOAD(B, R) \
  if (bytes == B && reg == R) return isSigned ? load<W, B, R, true> : load<W, B, R, false>;
  KOFN_LOAD(1, 2) KOFN_LOAD(1, 4) KOFN_LOAD(1, 8) KOFN_LOAD(2, 2) KOFN_LOAD(2, 4) KOFN_LOAD(2, 8) KOFN_LOAD(4, 4) KOFN_LOAD(4, 8) KOFN_LOAD(8, 8)
#undef KOFN_LOAD
  return nullptr;
}
template <Window W> Handler storeIn(unsigned bytes, unsigned reg) {
#define KOFN_STORE(B, R) \
  if (bytes == B && reg == R) return store<W, B, R>;
  KOFN_STORE(1, 1) KOFN_STORE(1, 2) KOFN_STORE(1, 4) KOFN_STORE(1, 8) KOFN_STORE(2, 2) KOFN_STORE(2, 4) KOFN_STORE(2, 8) KOFN_STORE(4, 4) KOFN_STORE(4, 8) KOFN_STORE(8, 8)
#undef KOFN_STORE
  return nullptr;
}

}  // namespace

Handler loadHandler(Window window, unsigned bytes, unsigned registerBytes, bool isSigned) {
  switch (window) {
    case Window::Global: return loadIn<Window::Global>(bytes, registerBytes, isSigned);
    case Window::Shared: return loadIn<Window::Shared>(bytes, registerBytes, isSigned);
    case Window::Local: return loadIn<Window::Local>(bytes, registerBytes, isSigned);
    case Window::Generic: return loadIn<Window::Generic>(bytes, registerBytes, isSigned);
  }
  return nullptr;
}

Handler storeHandler(Window window, unsigned bytes, unsigned registerBytes) {
  switch (window) {
    case Window::Global: return storeIn<Window::Global>(bytes, registerBytes);
    case Window::Shared: return storeIn<Window::Shared>(bytes, registerBytes);
    case Window::Local: return storeIn<Window::Local>(bytes, registerBytes);
    case Window::Generic: return storeIn<Window::Generic>(bytes, registerBytes);
  }
  return nullptr;
}

}  // namespace kofn::sim
