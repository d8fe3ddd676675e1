// SPDX-License-Identifier: Apache-2.0
//
// Mutates PTX texts and fatbins and loads them: none may crash, hang, throw, or leave device memory allocated; what is
// refused must say why.
//
//   fuzz_ptx [COUNT [SEED [PTX-FILE...]]]      defaults: 3000, random, the kernels of driver_test.hpp
//
// Input N of a seed depends on nothing but both numbers, and both are printed with a failure; the input itself is
// written to fuzz-failure.bin. What it found is kept as tests in module_test.cpp and the parser's tests.
#include <csignal>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "driver/image.hpp"
#include "driver/random.hpp"
#include "driver_test.hpp"
#include "engine/engine.hpp"
#include "fatbins.hpp"

namespace {

using kofn::driver::Random;

std::string g_input;   // what is being loaded, for the handlers of signals
std::uint64_t g_seed = 0, g_number = 0;

void saveFailure(const char* why) {
  std::fprintf(stderr, "fuzz_ptx: input %llu of seed %llu: %s; written to fuzz-failure.bin\n", static_cast<unsigned long long>(g_number),
               static_cast<unsigned long long>(g_seed), why);
  std::ofstream("fuzz-failure.bin", std::ios::binary) << g_input;
}

void onSignal(int signal) {
  saveFailure(signal == SIGALRM ? "took longer than 20 seconds" : "ended the process");
  std::_Exit(1);
}

const char* const kWords[] = {".reg",  ".b32",    ".pred",   ".u64",  ".f32",   ".param", ".entry", ".visible", ".func",  ".global", ".shared", ".align",
                              "{",     "}",       "(",       ")",     "[",      "]",      ";",      ",",        "@%p1",   "@!%p2",   "bra",     "ret",
                              "ld",    ".v4",     "st",      "mov",   "setp",   ".lt",    "%r1",    "%rd1",     "%p1",    "%tid.x",  "$L__BB0_1:", "$L__BB0_1",
                              "-1",    "0x7fffffff", "4294967296", "0f7FC00000", "1e400", "99999999999999999999", "<", ">", "call", "bar.sync", "mma.sync",
                              ".loc",  ".file",   ".section", "\"",   "//",     "/*",     "*/",     "\n",       ".maxntid", ".version", ".target", "cp.async"};

std::size_t position(Random& random, const std::string& text) { return random.below(text.size() + 1); }

// One small change of a text.
void mutateText(Random& random, std::string& text) {
  if (text.empty()) text = " ";
  const std::size_t at = random.below(text.size());
  switch (random.below(9)) {
    case 0: text[at] = static_cast<char>(random.next()); break;
    case 1: text[at] ^= static_cast<char>(1 << random.below(7)); break;
    case 2: text.resize(at); break;                                                            // cut off
    case 3: text.erase(at, random.below(40)); break;
    case 4: text.insert(at, kWords[random.below(std::size(kWords))]); break;
    case 5: text.insert(at, " " + std::string(kWords[random.below(std::size(kWords))]) + " "); break;
    case 6: {                                                                                  // repeat a part elsewhere
      const std::string part = text.substr(at, random.below(80));
      text.insert(position(random, text), part);
      break;
    }
    case 7: {                                                                                  // swap two lines
      const auto a = text.find('\n', at), b = text.find('\n', position(random, text));
      if (a != text.npos && b != text.npos) text.insert(b + 1, text.substr(a + 1, text.find('\n', a + 1) - a));
      break;
    }
    default: {                                                                                 // another number
      const auto digit = text.find_first_of("0123456789", at);
      if (digit != text.npos) text.replace(digit, 1, std::to_string(random.next() >> random.below(64)));
    }
  }
}

// One change of a container: mostly of its headers, where lengths are.
void mutateBytes(Random& random, std::string& bytes) {
  const std::size_t at = random.below(std::min<std::size_t>(bytes.size(), random.oneIn(3) ? bytes.size() : 96));
  switch (random.below(4)) {
    case 0: bytes[at] = static_cast<char>(random.next()); break;
    case 1: bytes.resize(at + 1); break;
    case 2: bytes.insert(at, std::string(random.below(70), static_cast<char>(random.next()))); break;
    default:
      for (std::size_t i = at; i < std::min(at + 8, bytes.size()); ++i) bytes[i] = random.oneIn(2) ? '\xff' : '\0';
  }
}

std::string makeInput(Random& random, const std::vector<std::string>& seeds) {
  std::string input = seeds[random.below(seeds.size())];
  const bool packed = random.oneIn(4);
  for (std::uint64_t n = random.below(6) + !packed; n; --n) mutateText(random, input);
  if (!packed) return input;
  input = fatbins::container({{2, 80, "\177ELF"}, {1, 80, input}, {1, 90, seeds[0]}});
  for (std::uint64_t n = random.below(4) + 1; n && !input.empty(); --n) mutateBytes(random, input);
  return input;
}

struct Outcome {
  std::uint64_t loaded = 0, refusedByParser = 0, refusedBefore = 0;
};

// Loads once. What it throws, beside ImageError, ends the run.
bool tryLoad(const std::string& input, kofn::sim::DeviceMemory& memory, const kofn::sim::DeviceProperties& properties, Outcome& outcome) {
  const std::vector<std::byte> exact(reinterpret_cast<const std::byte*>(input.data()), reinterpret_cast<const std::byte*>(input.data()) + input.size());
  std::string ptx, log;
  try {
    ptx = kofn::driver::selectPtx(exact, {80, 13000});
  } catch (const kofn::driver::ImageError& error) {
    ++outcome.refusedBefore;
    if (error.text.empty()) saveFailure("was refused without a reason");
    return !error.text.empty();
  }
  const bool loaded = kofn::sim::Module::load(ptx, memory, properties, log) != nullptr;
  ++(loaded ? outcome.loaded : outcome.refusedByParser);
  if (!loaded && log.empty()) saveFailure("was refused without a reason");
  if (memory.freeBytes() != memory.totalBytes()) saveFailure("left memory allocated");
  return (loaded || !log.empty()) && memory.freeBytes() == memory.totalBytes();
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3000;
  g_seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
  std::vector<std::string> seeds{kKernels, fatbins::ptx("empty")};
  for (int i = 3; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (seeds.back().empty()) {
      std::fprintf(stderr, "fuzz_ptx: %s cannot be read\n", argv[i]);
      return 2;
    }
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, onSignal);

  const auto properties = kofn::sim::propertiesFor(8, 0);
  // Small, so that a mutated array of gigabytes is refused instead of being filled.
  constexpr std::uint64_t memoryBytes = std::uint64_t{64} << 20;
  auto memory = std::make_unique<kofn::sim::DeviceMemory>(memoryBytes);
  Outcome outcome;
  for (g_number = 0; g_number < count; ++g_number) {
    Random random(g_seed ^ g_number * 0xD1342543DE82EF95ull);
    random.next();
    if (g_number % 10000 == 9999) memory = std::make_unique<kofn::sim::DeviceMemory>(memoryBytes);   // addresses never come back
    g_input = makeInput(random, seeds);
    alarm(20);
    try {
      if (!tryLoad(g_input, *memory, properties, outcome)) return 1;
    } catch (const std::exception& e) {
      saveFailure(e.what());
      return 1;
    }
  }
  alarm(0);
  std::printf("fuzz_ptx: %llu inputs, %llu loaded, %llu refused by the parser, %llu before it\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(outcome.loaded), static_cast<unsigned long long>(outcome.refusedByParser),
              static_cast<unsigned long long>(outcome.refusedBefore));
  return outcome.loaded && outcome.refusedByParser && outcome.refusedBefore ? 0 : 1;
}
