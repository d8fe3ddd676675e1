// SPDX-License-Identifier: Apache-2.0
//
// Correct kernels: right results and no findings, on PTX for three architectures and under several seeds.
#include <numeric>

#include "check.hpp"
#include "kernel_runner.hpp"

using namespace kernel_test;

namespace {

// Calls f on a device that has kernels/basics.cu loaded, for each architecture.
template <class F> void onEach(F f) {
  int found = 0;
  for (const int arch : {80, 90, 100}) {
    const std::string text = readFile(std::string(KOFN_PTX_DIR) + "/basics.sm_" + std::to_string(arch) + ".ptx");
    if (text.empty()) continue;
    ++found;
    Device d(arch / 10, arch % 10);
    CHECK(d.load(text));
    CHECK_EQ(d.log, "");
    if (!d.module) continue;
    for (const std::uint64_t seed : {1, 2, 3}) {
      d.options.seed = seed;
      f(d);
    }
  }
  if (!found) SKIP("no nvcc");
}

void clean(const LaunchResult& r) {
  CHECK_EQ(static_cast<int>(r.fault), 0);
  CHECK_EQ(describe(r), "");
}

}  // namespace

TEST("vecadd and its counters") {
  onEach([](Device& d) {
    const int n = 1000;
    std::vector<float> a(n), b(n);
    for (int i = 0; i < n; ++i) a[i] = i * 0.5f, b[i] = 3.0f - i;
    const auto pa = d.upload(a), pb = d.upload(b), pc = d.memory.allocate(n * 4);
    const LaunchResult r = d.launch("vecadd", {4}, {256}, Arguments() << pa << pb << pc << n);
    clean(r);
    const auto c = d.download<float>(pc, n);
    for (int i = 0; i < n; ++i) CHECK_EQ(c[i], a[i] + b[i]);
    CHECK_EQ(r.counters.blocks, 4u);
    CHECK_EQ(r.counters.warps, 32u);
    CHECK_EQ(r.counters.globalLoadRequests, 64u);
    CHECK_EQ(r.counters.globalLoadSectors, 2u * 125);
    CHECK_EQ(r.counters.globalStoreSectors, 125u);
    CHECK_EQ(r.counters.dramReadBytes, 8000u);
    CHECK_EQ(r.counters.dramWriteBytes, 4000u);
    CHECK_EQ(r.counters.divergentBranches, 1u);   // the warp with threads 992 to 1023
  });
}

TEST("block sum: shared memory, barriers, float atomics") {
  onEach([](Device& d) {
    std::vector<float> in(5000);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i % 17);
    const auto p = d.upload(in), out = d.upload(std::vector<float>{0});
    const LaunchResult r = d.launch("blockSum", {6}, {256}, Arguments() << p << out << 5000);
    clean(r);
    CHECK_EQ(d.download<float>(out, 1)[0], std::accumulate(in.begin(), in.end(), 0.0f));
    CHECK_EQ(r.counters.sharedWavefronts, r.counters.sharedWavefrontsMinimum);
    CHECK(r.counters.barriers > 0);
  });
}

TEST("warp sum by shuffles") {
  onEach([](Device& d) {
    std::vector<int> in(256);
    std::iota(in.begin(), in.end(), -40);
    const auto p = d.upload(in), out = d.memory.allocate(32);
    clean(d.launch("warpSum", {2}, {128}, Arguments() << p << out));
    const auto sums = d.download<int>(out, 8);
    for (int w = 0; w < 8; ++w) CHECK_EQ(sums[w], std::accumulate(in.begin() + 32 * w, in.begin() + 32 * w + 32, 0));
  });
}

namespace {
int factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }
int treeSum(int depth, int seed) {
  if (depth == 0) return seed * ((seed & 3) + 1);
  return treeSum(depth - 1, seed + 1) + treeSum(depth - 1, seed + 2) + seed * (((seed + depth) & 3) + 1);
}
}  // namespace

TEST("calls: recursion, function pointers, switches, constants") {
  onEach([](Device& d) {
    for (int mode = 0; mode < 6; ++mode) {
      const auto out = d.memory.allocate(128 * 4);
      clean(d.launch("calls", {1}, {128}, Arguments() << out << mode));
      const auto got = d.download<int>(out, 128);
      const int table[] = {3, 1, 4, 1}, weights[] = {0, 0, 2};
      for (int t = 0; t < 128; ++t) {
        int r = factorial(t % 7) + treeSum(t % 5, t) + (t % 3 == 0 ? 2 * t : t * t);
        if (mode == 0) r += table[t & 3];
        else if (mode == 1) r -= table[t & 3];
        else if (mode == 2) r += weights[t % 3];
        else if (mode == 3) r ^= 0x55;
        else if (mode == 4) r *= 3;
        else r = 0;
        CHECK_EQ(got[t], r);
      }
    }
  });
}

TEST("printf and assert") {
  onEach([](Device& d) {
    std::string text;
    d.options.print = [&](std::string_view s) { text += s; };
    const auto name = d.upload(std::vector<char>{'k', 'o', 'f', 'n', 0});
    clean(d.launch("speak", {1}, {1}, Arguments() << name << 3));
    CHECK_EQ(text, "block 0 thread 0 of kofn:  1.50 3298534883328%\n");
    const LaunchResult r = d.launch("speak", {1}, {1}, Arguments() << name << 13);
    CHECK_EQ(static_cast<int>(r.fault), 710);
    CHECK_EQ(r.reports.size(), 1u);
    if (!r.reports.empty()) CHECK(r.reports[0].text.find("n != 13") != std::string::npos);
  });
}

TEST("divergent loops") {
  onEach([](Device& d) {
    std::vector<unsigned> in(300), want(300);
    for (unsigned i = 0; i < 300; ++i) {
      in[i] = i + 1;
      for (unsigned v = i + 1; v != 1; v = v & 1 ? 3 * v + 1 : v / 2) ++want[i];
    }
    const auto p = d.upload(in), out = d.memory.allocate(1200);
    const LaunchResult r = d.launch("collatz", {3}, {128}, Arguments() << p << out << 300);
    clean(r);
    CHECK(d.download<unsigned>(out, 300) == want);
    CHECK(r.counters.divergentBranches > 0);
  });
}

TEST("the last block adds up, ordered by fence and atomic") {
  onEach([](Device& d) {
    std::vector<float> in(3000, 1.0f);
    const auto p = d.upload(in), partial = d.memory.allocate(16 * 4), out = d.memory.allocate(4);
    clean(d.launch("lastBlock", {16}, {128}, Arguments() << p << partial << out << 3000));
    CHECK_EQ(d.download<float>(out, 1)[0], 3000.0f);
  });
}

TEST("blocks that wait for each other make progress") {
  onEach([](Device& d) {
    const auto flags = d.upload(std::vector<int>(12)), out = d.memory.allocate(12 * 4);
    clean(d.launch("chain", {12}, {32}, Arguments() << flags << out));
    const auto got = d.download<int>(out, 12);
    for (int b = 0; b < 12; ++b) CHECK_EQ(got[b], b + 1);
  });
}

TEST("lanes that wait for each other make progress") {
  onEach([](Device& d) {
    const auto lock = d.upload(std::vector<int>{0}), sum = d.upload(std::vector<int>{0});
    const LaunchResult r = d.launch("spinLock", {2}, {64}, Arguments() << lock << sum);
    clean(r);
    CHECK_EQ(d.download<int>(sum, 1)[0], 128);
  });
}

TEST("exited lanes do not hold up a barrier") {
  onEach([](Device& d) {
    const auto out = d.memory.allocate(160);
    clean(d.launch("early", {1}, {64}, Arguments() << out));
    const auto got = d.download<int>(out, 40);
    for (int t = 0; t < 40; ++t) CHECK_EQ(got[t], 39 - t);
  });
}

TEST("barriers with reductions") {
  onEach([](Device& d) {
    std::vector<int> in(96);
    for (int t = 0; t < 96; ++t) in[t] = t % 2;
    const auto p = d.upload(in), out = d.memory.allocate(96 * 4);
    clean(d.launch("counted", {1}, {96}, Arguments() << out << p));
    for (const int v : d.download<int>(out, 96)) CHECK_EQ(v, 48 * 4 + 1);
  });
}

TEST_MAIN
