// SPDX-License-Identifier: Apache-2.0
//
// The fatbin container, little-endian, as nvcc 13 writes it:
//
//   wrapper   u32 0x466243B1, u32 version, u64 pointer to the container (in a host object's .nvFatBinSegment)
//   header    u32 0xBA55ED50, u16 version (1), u16 header bytes (16), u64 bytes that follow
//   entry     u16 kind (1 PTX, 2 machine code), u16 version, u32 entry header bytes, u64 payload bytes,
//             u32 compressed bytes, u32, u16 minor, u16 major, u32 architecture, 8 bytes, u64 flags, 8 bytes,
//             u64 bytes when decompressed; then the payload, padded with zeros
//
// Flags 0x2000 (LZ4) and 0x8000 (zstd) mark a compressed payload. Machine code is never used: this device runs PTX.
#include "driver/image.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "driver/text.hpp"

namespace kofn::driver {
namespace {

using namespace kofn::cuda;

constexpr std::uint32_t kWrapperMagic = 0x466243B1, kFatbinMagic = 0xBA55ED50;
constexpr std::size_t kFatbinHeader = 16, kEntryHeader = 64;
constexpr std::uint64_t kCompressed = 0x2000 | 0x8000;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;   // an image beyond this is no image

[[noreturn]] void refuse(CUresult code, std::string text) { throw ImageError{code, std::move(text)}; }

template <class T>
T read(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// .target of a PTX text: its number and the letter behind it, if any (sm_90a, sm_100f).
struct Target {
  int arch = 0;
  char suffix = 0;
};

std::string_view directive(std::string_view ptx, std::string_view word) {
  const auto at = ptx.find(word);
  if (at == std::string_view::npos) return {};
  std::string_view rest = ptx.substr(at + word.size());
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
  return rest;
}

int digits(std::string_view& text) {
  int value = -1;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9' && value < 100000) {
    value = std::max(value, 0) * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

std::optional<Target> targetOf(std::string_view ptx) {
  std::string_view rest = directive(ptx, ".target");
  if (rest.substr(0, 3) != "sm_") return std::nullopt;
  rest.remove_prefix(3);
  Target target;
  target.arch = digits(rest);
  if (target.arch < 0) return std::nullopt;
  if (!rest.empty() && (rest.front() == 'a' || rest.front() == 'f')) target.suffix = rest.front();
  return target;
}

// A suffix "a" runs on exactly its own architecture, "f" on those of the same major number, none on all later ones.
bool runsOn(const Target& target, int arch) {
  if (target.suffix == 'a') return target.arch == arch;
  if (target.suffix == 'f') return target.arch / 10 == arch / 10 && target.arch <= arch;
  return target.arch <= arch;
}

// Refuses PTX of a newer version than the driver's, or for another architecture; the rest is for the parser to judge.
void checkDirectives(std::string_view ptx, const DeviceTarget& device) {
  std::string_view rest = directive(ptx, ".version");
  const int major = digits(rest);
  if (major < 0 || rest.empty() || rest.front() != '.') return;
  rest.remove_prefix(1);
  const int minor = digits(rest), newest = newestPtx(device.driverVersion);
  if (minor < 0) return;
  if (major * 10 + minor > newest)
    refuse(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, words("PTX version ", major, ".", minor, " is newer than ", newest / 10, ".", newest % 10,
                                                     ", the newest that driver version ", device.driverVersion, " understands"));
  const auto target = targetOf(ptx);
  if (target && !runsOn(*target, device.arch))
    refuse(CUDA_ERROR_INVALID_PTX, words("PTX for sm_", target->arch, target->suffix ? std::string(1, target->suffix) : "",
                                         " does not run on a device of architecture ", device.arch));
}

struct FatbinEntry {
  int kind = 0, arch = 0;
  std::uint64_t flags = 0;
  std::string_view payload;
};

std::vector<FatbinEntry> entriesOf(std::string_view container) {
  if (container.size() < kFatbinHeader) refuse(CUDA_ERROR_INVALID_IMAGE, words("the fatbin is cut off: ", container.size(), " bytes"));
  const std::size_t header = read<std::uint16_t>(container, 6);
  const auto length = read<std::uint64_t>(container, 8);
  if (header < kFatbinHeader || header > container.size() || length > container.size() - header)
    refuse(CUDA_ERROR_INVALID_IMAGE,
           words("the fatbin says ", length, " bytes behind a header of ", header, ", but there are ", container.size(), " bytes in all"));
  std::vector<FatbinEntry> entries;
  std::string_view rest = container.substr(header, length);
  while (!rest.empty()) {
    if (rest.size() < kEntryHeader) refuse(CUDA_ERROR_INVALID_IMAGE, words("fatbin entry ", entries.size() + 1, " is cut off"));
    const std::size_t entryHeader = read<std::uint32_t>(rest, 4);
    const auto bytes = read<std::uint64_t>(rest, 8);
    if (entryHeader < kEntryHeader || entryHeader > rest.size() || bytes > rest.size() - entryHeader)
      refuse(CUDA_ERROR_INVALID_IMAGE, words("fatbin entry ", entries.size() + 1, " says ", bytes, " bytes behind a header of ", entryHeader,
                                             ", but ", rest.size(), " are left"));
    entries.push_back({read<std::uint16_t>(rest, 0), static_cast<int>(read<std::uint32_t>(rest, 28)), read<std::uint64_t>(rest, 40),
                       rest.substr(entryHeader, bytes)});
    rest.remove_prefix(entryHeader + bytes);
  }
  return entries;
}

std::string fromFatbin(std::string_view container, const DeviceTarget& device) {
  std::string seen;
  const FatbinEntry* best = nullptr;
  bool compressed = false;
  const auto entries = entriesOf(container);
  for (const FatbinEntry& entry : entries) {
    const bool packed = entry.flags & kCompressed;
    seen += words(seen.empty() ? "" : ", ", packed ? "compressed " : "", entry.kind == 1 ? "PTX for " : entry.kind == 2 ? "machine code for sm_" : "an unknown kind for ",
                  entry.arch);
    if (entry.kind != 1) continue;
    if (packed) {
      compressed |= entry.arch <= device.arch;
      continue;
    }
    const auto target = targetOf(entry.payload);
    if (!runsOn(target.value_or(Target{entry.arch, 0}), device.arch)) continue;
    if (!best || entry.arch >= best->arch) best = &entry;
  }
  if (!best) {
    const std::string why = compressed ? "its PTX is compressed, which this device does not read: build it with nvcc --no-compress"
                                       : "it has no PTX for this device, which runs PTX alone";
    refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, words("no code in this fatbin runs on architecture ", device.arch, ": ", why, " (it holds ", seen.empty() ? "nothing" : seen, ")"));
  }
  return std::string(best->payload.substr(0, best->payload.find('\0')));
}

bool looksLikeText(std::string_view text) {
  const std::string_view start = text.substr(0, 256);
  return !start.empty() && std::all_of(start.begin(), start.end(), [](char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t' || static_cast<unsigned char>(c) >= 0xA0;
  });
}

// Reads up to `bytes` at `address`, less where memory ends.
std::size_t readSafely(std::uint64_t address, char* target, std::size_t bytes) {
  iovec to{target, bytes}, from{reinterpret_cast<void*>(address), bytes};
  const ssize_t got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == EFAULT) return 0;
  std::memcpy(target, reinterpret_cast<const void*>(address), bytes);   // the call is not available here
  return bytes;
}

std::string copyBytes(std::uint64_t address, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const std::uint64_t at = address + all.size();
    const std::size_t part = std::min<std::size_t>(bytes - all.size(), 4096 - at % 4096);
    char page[4096];
    const std::size_t got = readSafely(at, page, part);
    all.append(page, got);
    if (got < part) break;
  }
  return all;
}

// Up to and without the first zero byte.
std::string copyText(std::uint64_t address) {
  std::string all;
  while (all.size() < kMostBytes) {
    const std::uint64_t at = address + all.size();
    const std::string page = copyBytes(at, 4096 - at % 4096);
    const auto end = page.find('\0');
    all.append(page, 0, end);
    if (end != std::string::npos || page.size() < 4096 - at % 4096) break;
  }
  return all;
}

}  // namespace

int newestPtx(int driverVersion) {
  const int major = driverVersion / 1000, minor = driverVersion % 1000 / 10;
  if (major >= 13) return 90;
  if (major == 12) return minor <= 5 ? 80 + minor : 79 + minor;   // 12.5 and 12.6 share 8.5
  return 70 + std::min(minor, 8);
}

std::string copyImage(const void* pointer) {
  auto address = reinterpret_cast<std::uint64_t>(pointer);
  std::string start = copyBytes(address, kFatbinHeader);
  if (start.size() == kFatbinHeader && read<std::uint32_t>(start, 0) == kWrapperMagic) {
    address = read<std::uint64_t>(start, 8);
    start = copyBytes(address, kFatbinHeader);
  }
  if (start.size() == kFatbinHeader && read<std::uint32_t>(start, 0) == kFatbinMagic)
    return copyBytes(address, std::min<std::uint64_t>(read<std::uint64_t>(start, 8), kMostBytes) + read<std::uint16_t>(start, 6));
  if (start.substr(0, 4) == "\177ELF") return start;
  return copyText(address);
}

std::string selectPtx(std::span<const std::byte> image, const DeviceTarget& target) {
  const std::string_view bytes(reinterpret_cast<const char*>(image.data()), image.size());
  std::string ptx;
  if (bytes.size() >= 4 && read<std::uint32_t>(bytes, 0) == kFatbinMagic) {
    ptx = fromFatbin(bytes, target);
  } else if (bytes.substr(0, 4) == "\177ELF") {
    refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "the image is machine code; this device runs PTX alone");
  } else {
    ptx = std::string(bytes.substr(0, bytes.find('\0')));
    if (!looksLikeText(ptx)) refuse(CUDA_ERROR_INVALID_IMAGE, ptx.empty() ? "the image is empty" : "the image is neither PTX text nor a fatbin");
  }
  checkDirectives(ptx, target);
  return ptx;
}

}  // namespace kofn::driver
