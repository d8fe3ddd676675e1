// SPDX-License-Identifier: Apache-2.0
//
// A matrix product with cp.async, ldmatrix and mma: exact on small integers, no findings, and its counters are what a
// person counts by hand.
#include "check.hpp"
#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

std::uint16_t bf16(float v) {
  std::uint32_t u;
  std::memcpy(&u, &v, 4);
  return static_cast<std::uint16_t>(u >> 16);
}

}  // namespace

TEST("bf16 product: result, findings, counters") {
  int found = 0;
  for (const int arch : {80, 90, 100}) {
    const std::string text = readFile(std::string(KOFN_PTX_DIR) + "/matrix.sm_" + std::to_string(arch) + ".ptx");
    if (text.empty()) continue;
    ++found;
    Device d(arch / 10, arch % 10);
    CHECK(d.load(text));
    CHECK_EQ(d.log, "");
    if (!d.module) continue;
    const std::size_t m = 128, n = 64, k = 96;
    std::vector<std::uint16_t> a(m * k), b(n * k);
    std::vector<float> fa(m * k), fb(n * k), want(m * n);
    for (std::size_t i = 0; i < m * k; ++i) a[i] = bf16(fa[i] = static_cast<float>(static_cast<int>(i * 7 % 13) - 6));
    for (std::size_t i = 0; i < n * k; ++i) b[i] = bf16(fb[i] = static_cast<float>(static_cast<int>(i * 5 % 11) - 5));
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t l = 0; l < k; ++l) want[i * n + j] += fa[i * k + l] * fb[j * k + l];
    const auto pa = d.upload(a), pb = d.upload(b), py = d.memory.allocate(m * n * 4);
    for (const std::uint64_t seed : {1, 2, 3}) {
      d.options.seed = seed;
      const LaunchResult r = d.launch("gemm", {n / 64, m / 64}, {128}, Arguments() << pa << pb << py << static_cast<int>(n) << static_cast<int>(k));
      CHECK_EQ(describe(r), "");
      CHECK(d.download<float>(py, m * n) == want);
      const Counters& c = r.counters;
      CHECK_EQ(c.mmaInstructions, m / 16 * (n / 8) * (k / 16));
      CHECK_EQ(c.mmaOperations, 2 * m * n * k);
      // The pitch of 80 bytes is free of conflicts for ldmatrix; the copies' quarter warps write two rows' halves of four
      // chunks, whose ends share four banks: one wavefront more for each of 64 quarter warps a block and step.
      CHECK_EQ(c.sharedWavefronts - c.sharedWavefrontsMinimum, m / 64 * (k / 32) * 64);
      CHECK_EQ(c.globalLoadSectors, (m * k + (m / 64) * n * k) * 2 / 32);      // B once for each of two rows of blocks
      CHECK_EQ(c.dramReadBytes, (m * k + n * k) * 2);                         // and once from DRAM
      CHECK_EQ(c.dramWriteBytes, m * n * 4);
      CHECK_EQ(c.barriers, m / 64 * 4 * 2 * (k / 32));
      CHECK_EQ(c.divergentBranches, 0u);
    }
  }
  if (!found) SKIP("no nvcc");
}

TEST_MAIN
