// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "engine/memory_impl.hpp"

namespace kofn::sim {
namespace {

constexpr std::uint64_t kAlignment = 512, kGap = 256, kPoison = 0xCD;

void* reserve(std::uint64_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

// Gives whole pages of [begin, end) back; they read as zero afterwards.
void forget(void* base, std::uint64_t begin, std::uint64_t end) {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  char* const p = static_cast<char*>(base);
  const std::uint64_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first >= last) {
    std::memset(p + begin, 0, end - begin);
    return;
  }
  std::memset(p + begin, 0, first - begin);
  std::memset(p + last, 0, end - last);
  madvise(p + first, last - first, MADV_DONTNEED);
}

std::string hex(std::uint64_t v) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

std::string describe(const Allocation& a) {
  return "allocation of " + std::to_string(a.bytes) + " bytes at " + hex(a.address) + (a.site.empty() ? "" : " (" + a.site + ")");
}

}  // namespace

DeviceMemory::Impl::Impl(std::uint64_t totalBytes, unsigned index) : base(kGlobalBase + index * kGlobalStride), total(totalBytes) {
  // Room for 64 generations of a full device, less where the system does not let that much be reserved.
  for (reserved = std::max<std::uint64_t>(std::uint64_t{1} << 30, std::min(total * 64, std::uint64_t{1} << 40)); reserved >= (64u << 20); reserved /= 2) {
    data = static_cast<std::byte*>(reserve(reserved));
    state = static_cast<std::uint8_t*>(reserve(reserved));
    cells = static_cast<GlobalCell*>(reserve(reserved / 4 * sizeof(GlobalCell)));
    if (data && state && cells) return;
    if (data) munmap(data, reserved);
    if (state) munmap(state, reserved);
    if (cells) munmap(cells, reserved / 4 * sizeof(GlobalCell));
  }
  throw std::bad_alloc();
}

DeviceMemory::Impl::~Impl() {
  munmap(data, reserved);
  munmap(state, reserved);
  munmap(cells, reserved / 4 * sizeof(GlobalCell));
}

std::byte* DeviceMemory::Impl::hostPointer(std::uint64_t address, std::uint64_t bytes) const {
  const std::lock_guard lock(mutex);
  auto it = hostRanges.upper_bound(address);
  if (it == hostRanges.begin()) return nullptr;
  --it;
  const std::uint64_t offset = address - it->first;
  return offset < it->second.bytes && bytes <= it->second.bytes - offset ? reinterpret_cast<std::byte*>(address) : nullptr;
}

std::optional<Allocation> DeviceMemory::Impl::find(std::uint64_t address) const {
  auto it = allocations.upper_bound(address);
  if (it == allocations.begin()) return std::nullopt;
  --it;
  if (address - it->second.address >= it->second.bytes) return std::nullopt;
  return it->second;
}

AccessStatus DeviceMemory::Impl::check(std::uint64_t address, std::uint64_t bytes) const {
  if (bytes == 0) return {};
  const auto a = find(address);
  if (!a) {
    std::string text = hex(address) + " is in no allocation";
    if (auto it = allocations.upper_bound(address); it != allocations.begin()) {
      const Allocation& before = std::prev(it)->second;
      text += "; it lies " + std::to_string(address - before.address - before.bytes) + " bytes behind the " + describe(before);
    }
    return {AccessError::OutOfBounds, address, text};
  }
  if (a->released) return {AccessError::UseAfterFree, address, hex(address) + " is in a released " + describe(*a)};
  if (bytes > a->bytes - (address - a->address))
    return {AccessError::OutOfBounds, a->address + a->bytes,
            std::to_string(bytes) + " bytes at " + hex(address) + " reach beyond the end of the " + describe(*a)};
  return {};
}

DeviceMemory::DeviceMemory(std::uint64_t totalBytes, unsigned index) : impl_(std::make_unique<Impl>(totalBytes, index)) {}
DeviceMemory::~DeviceMemory() = default;

std::uint64_t DeviceMemory::allocate(std::uint64_t bytes, std::string site) {
  const std::lock_guard lock(impl_->mutex);
  Impl& m = *impl_;
  if (bytes == 0 || bytes > m.total - m.live) return 0;
  const std::uint64_t offset = (m.used + kGap + kAlignment - 1) / kAlignment * kAlignment;
  if (offset > m.reserved || bytes + kGap > m.reserved - offset) return 0;
  m.used = offset + bytes + kGap;
  m.live += bytes;
  std::memset(m.data + offset, kPoison, bytes);
  std::memset(m.state + offset, kUninitialised, bytes);
  const std::uint64_t address = m.base + offset;
  m.allocations[address] = {address, bytes, false, std::move(site)};
  return address;
}

bool DeviceMemory::release(std::uint64_t address) {
  const std::lock_guard lock(impl_->mutex);
  const auto it = impl_->allocations.find(address);
  if (it == impl_->allocations.end() || it->second.released) return false;
  it->second.released = true;
  impl_->live -= it->second.bytes;
  const std::uint64_t begin = address - impl_->base, end = begin + it->second.bytes;
  forget(impl_->data, begin, end);
  forget(impl_->state, begin, end);
  forget(impl_->cells, begin / 4 * sizeof(GlobalCell), (end + 3) / 4 * sizeof(GlobalCell));
  return true;
}

std::optional<Allocation> DeviceMemory::find(std::uint64_t address) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->find(address);
}

std::vector<Allocation> DeviceMemory::live() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Allocation> out;
  for (const auto& [address, a] : impl_->allocations)
    if (!a.released) out.push_back(a);
  return out;
}

std::uint64_t DeviceMemory::totalBytes() const { return impl_->total; }
std::uint64_t DeviceMemory::freeBytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->total - impl_->live;
}

bool DeviceMemory::mapHost(void* host, std::uint64_t bytes, std::string site) {
  const std::lock_guard lock(impl_->mutex);
  return host && bytes && impl_->hostRanges.try_emplace(reinterpret_cast<std::uint64_t>(host), HostRange{bytes, std::move(site)}).second;
}

bool DeviceMemory::unmapHost(void* host) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hostRanges.erase(reinterpret_cast<std::uint64_t>(host)) == 1;
}

AccessStatus DeviceMemory::probe(std::uint64_t address, std::uint64_t bytes) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->check(address, bytes);
}

AccessStatus DeviceMemory::copyIn(std::uint64_t destination, const void* source, std::uint64_t bytes) {
  const std::lock_guard lock(impl_->mutex);
  AccessStatus s = impl_->check(destination, bytes);
  if (s.error != AccessError::None || bytes == 0) return s;
  const std::uint64_t at = destination - impl_->base;
  std::memcpy(impl_->data + at, source, bytes);
  std::memset(impl_->state + at, kInitialised, bytes);
  return s;
}

AccessStatus DeviceMemory::copyOut(void* destination, std::uint64_t source, std::uint64_t bytes) const {
  const std::lock_guard lock(impl_->mutex);
  AccessStatus s = impl_->check(source, bytes);
  if (s.error != AccessError::None || bytes == 0) return s;
  const std::uint64_t at = source - impl_->base;
  std::memcpy(destination, impl_->data + at, bytes);
  const std::uint8_t* const state = impl_->state + at;
  const std::uint8_t* const bad = std::find_if(state, state + bytes, [](std::uint8_t v) { return v != kInitialised; });
  if (bad != state + bytes) {
    const std::uint64_t offset = static_cast<std::uint64_t>(bad - state);
    return {AccessError::Uninitialised, source + offset, "byte " + std::to_string(offset) + " of " + std::to_string(bytes) + " was never written"};
  }
  return s;
}

AccessStatus DeviceMemory::copyDevice(std::uint64_t destination, std::uint64_t source, std::uint64_t bytes) {
  const std::lock_guard lock(impl_->mutex);
  AccessStatus s = impl_->check(source, bytes);
  if (s.error == AccessError::None) s = impl_->check(destination, bytes);
  if (s.error != AccessError::None || bytes == 0) return s;
  std::memmove(impl_->data + (destination - impl_->base), impl_->data + (source - impl_->base), bytes);
  std::memmove(impl_->state + (destination - impl_->base), impl_->state + (source - impl_->base), bytes);
  return s;
}

AccessStatus DeviceMemory::fill(std::uint64_t destination, std::uint32_t value, unsigned width, std::uint64_t count) {
  const std::lock_guard lock(impl_->mutex);
  if (width != 1 && width != 2 && width != 4) return {AccessError::OutOfBounds, destination, "fill of width " + std::to_string(width)};
  if (count > ~0ull / width) return {AccessError::OutOfBounds, destination, "fill of more than 2^64 bytes"};
  AccessStatus s = impl_->check(destination, count * width);
  if (s.error != AccessError::None || count == 0) return s;
  std::byte* p = impl_->data + (destination - impl_->base);
  for (std::uint64_t i = 0; i < count; ++i, p += width) std::memcpy(p, &value, width);
  std::memset(impl_->state + (destination - impl_->base), kInitialised, count * width);
  return s;
}

}  // namespace kofn::sim
