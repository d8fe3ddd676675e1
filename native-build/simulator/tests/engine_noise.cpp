// SPDX-License-Identifier: Apache-2.0
//
// The kernels' random words against the known answers of Random123 (tests/kat_vectors), and their Gumbel map against the hashes of
// NoiseTest.java, which an independent C program computed: every 65536th input here (that hash is the reference's); with
// KOFN_NOISE_STRIDE=32 in the environment every 32nd, with 1 all 2^31.
#include <algorithm>
#include <cstdlib>

#include "check.hpp"
#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

constexpr std::uint64_t kInputs = std::uint64_t{1} << 31;

bool load(Device& d) {
  const std::string text = readFile(std::string(KOFN_PTX_DIR) + "/noise.sm_80.ptx");
  if (text.empty()) SKIP("no nvcc");
  CHECK(d.load(text));
  CHECK_EQ(d.log, "");
  return d.module != nullptr;
}

std::vector<std::uint32_t> philox(Device& d, const std::vector<std::uint32_t>& input) {
  const auto words = d.memory.allocate(16);
  Arguments arguments;
  for (const std::uint32_t one : input) arguments << one;
  const LaunchResult r = d.launch("philox_words", {1}, {1}, arguments << words);
  CHECK_EQ(describe(r), "");
  return d.download<std::uint32_t>(words, 4);
}

std::uint64_t hash(Device& d, std::uint32_t stride) {
  constexpr std::uint32_t kChunk = 1 << 20;
  const auto bits = d.memory.allocate(4 * kChunk);
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (std::uint64_t done = 0, all = kInputs / stride; done < all; done += kChunk) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(kChunk, all - done));
    const LaunchResult r = d.launch("gumbel_bits", {(count + 255) / 256}, {256},
                                    Arguments() << static_cast<std::uint32_t>(done * stride) << stride << count << bits);
    CHECK_EQ(describe(r), "");
    for (const std::uint32_t one : d.download<std::uint32_t>(bits, count)) hash = (hash ^ one) * 0x100000001b3ull;
  }
  return hash;
}

}  // namespace

TEST("Philox gives the known answers") {
  Device d(8, 0);
  if (!load(d)) return;
  using Words = std::vector<std::uint32_t>;
  CHECK(philox(d, {0, 0, 0, 0, 0, 0}) == (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  CHECK(philox(d, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u}) == (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  CHECK(philox(d, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0}) ==
        (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST("the Gumbel map is the one of every backend") {
  Device d(8, 0);
  if (!load(d)) return;
  const char* wanted = std::getenv("KOFN_NOISE_STRIDE");
  const int stride = wanted ? std::atoi(wanted) : 65536;
  const std::uint64_t known = stride == 1 ? 0x738bd3acafe5987dull : stride == 32 ? 0x468e107a1c8c4811ull : stride == 65536 ? 0xada1798ad3849427ull : 0;
  CHECK(stride == 1 || stride == 32 || stride == 65536);
  CHECK_EQ(hash(d, static_cast<std::uint32_t>(stride)), known);
}

TEST_MAIN
