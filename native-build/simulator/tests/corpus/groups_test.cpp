// SPDX-License-Identifier: Apache-2.0
//
// Cooperative groups and warp intrinsics against loops over lanes.
#include "corpus.hpp"

#include <map>

using namespace corpus;

namespace {
constexpr unsigned kBlocks = 3, kThreads = 160, kCount = kBlocks * kThreads;
}

CORPUS_TEST("tiles of 16 and 8: reduce and scan", "groups") {
  const std::vector<int> in = program.integers(kCount, -1000, 1000);
  const auto a = program.up(in), sums = program.room<int>(kCount), maxima = program.room<float>(kCount);
  program.run("tileReduce", kBlocks, kThreads, a, sums, maxima);
  const auto s = program.down<int>(sums, kCount);
  const auto m = program.down<float>(maxima, kCount);
  const auto inclusive = program.room<int>(kCount), exclusive = program.room<int>(kCount);
  program.run("tileScans", kBlocks, kThreads, a, inclusive, exclusive);
  const auto plus = program.down<int>(inclusive, kCount), mixed = program.down<int>(exclusive, kCount);
  for (unsigned i = 0; i < kCount; i++) {
    const auto tile = in.begin() + i / 16 * 16;
    CHECK_EQ(s[i], std::accumulate(tile, tile + 16, 0));
    CHECK_EQ(m[i], 0.5f * static_cast<float>(*std::max_element(tile, tile + 16)));
    int sum = 0, x = 0;
    for (unsigned j = i / 8 * 8; j <= i; j++) sum += in[j], x ^= j < i ? in[j] : 0;
    CHECK_EQ(plus[i], sum);
    CHECK_EQ(mixed[i], x);
  }
}

CORPUS_TEST("coalesced groups", "groups") {
  const std::vector<int> in = program.integers(kCount, 0, 1000);
  const auto a = program.up(in), sums = program.room<int>(kCount), ranks = program.room<int>(kCount), sizes = program.room<int>(kCount);
  program.run("coalescedReduce", kBlocks, kThreads, a, sums, ranks, sizes);
  const auto s = program.down<int>(sums, kCount), r = program.down<int>(ranks, kCount), n = program.down<int>(sizes, kCount);
  const auto scans = program.room<int>(kCount);
  program.run("coalescedScan", kBlocks, kThreads, a, scans);
  const auto scan = program.down<int>(scans, kCount);
  // A scheduler may split a group of lanes; what must hold is that the parts that formed cover the lanes consistently. Here
  // the branch is the first thing that diverges, so whole warps arrive together.
  for (unsigned i = 0; i < kCount; i++) {
    int sum = 0, rank = 0, size = 0, running = 0;
    for (unsigned j = i / 32 * 32; j < i / 32 * 32 + 32; j++) {
      if (in[j] % 3 == 0) sum += in[j], size++, rank += j < i;
      if (in[j] & 1 && j <= i) running += in[j];
    }
    const bool member = in[i] % 3 == 0;
    CHECK_EQ(s[i], member ? sum : -1);
    CHECK_EQ(r[i], member ? rank : -1);
    CHECK_EQ(n[i], member ? size : -1);
    CHECK_EQ(scan[i], in[i] & 1 ? running : -1);
  }
}

CORPUS_TEST("labelled and binary partitions", "groups") {
  const std::vector<int> in = program.integers(kCount, 0, 1000);
  const auto labels = program.room<int>(kCount), bits = program.room<int>(kCount);
  program.run("partitions", kBlocks, kThreads, program.up(in), labels, bits);
  const auto l = program.down<int>(labels, kCount), b = program.down<int>(bits, kCount);
  for (unsigned i = 0; i < kCount; i++) {
    int least = in[i], same = 0;
    for (unsigned j = i / 32 * 32; j < i / 32 * 32 + 32; j++) {
      if (in[j] % 5 == in[i] % 5) least = std::min(least, in[j]);
      same += in[j] % 2 == in[i] % 2;
    }
    CHECK_EQ(l[i], least);
    CHECK_EQ(b[i], same);
  }
}

CORPUS_TEST("ballot, match, reduce, shuffle", "groups") {
  std::vector<int> in = program.integers(kCount, 0, 2'000'000);
  for (unsigned i = 32; i < 64; i++) in[i] = 5'000'000 + static_cast<int>(i);  // one warp agrees in match_all
  const auto out = program.room<unsigned>(10 * kCount);
  program.run("warpPrimitives", kBlocks, kThreads, program.up(in), out);
  const auto got = program.down<unsigned>(out, 10 * kCount);
  for (unsigned i = 0; i < kCount; i++) {
    const unsigned base = i / 32 * 32, lane = i % 32;
    unsigned ballot = 0, any = 0, sum = 0, mix = 0;
    int least = in[base];
    bool all = true;
    for (unsigned k = 0; k < 32; k++) {
      const int v = in[base + k];
      ballot |= (v & 1u) << k, any |= (v % 4 == in[i] % 4 ? 1u : 0u) << k;
      sum += static_cast<unsigned>(v), mix ^= static_cast<unsigned>(v), least = std::min(least, v), all &= v / 1000000 == in[base] / 1000000;
    }
    const auto at = [&](unsigned l) { return in[base + l]; };
    const unsigned up = lane % 16 >= 3 ? lane - 3 : lane, from = lane / 8 * 8 + (static_cast<unsigned>(in[i]) & 7);
    const unsigned down = lane + 7 < 32 ? lane + 7 : lane;
    const unsigned want[] = {ballot, any, all ? ~0u : 0, all, sum, static_cast<unsigned>(least), mix, static_cast<unsigned>(at(up)),
                             static_cast<unsigned>(at(from)), static_cast<unsigned>(at(lane ^ 5) + at(down))};
    for (unsigned k = 0; k < 10; k++) CHECK_EQ(got[10 * i + k], want[k]);
  }
}

CORPUS_TEST("block-wide votes", "groups") {
  const std::vector<int> in = program.integers(kCount, -1, 60);
  const auto out = program.room<int>(kCount);
  program.run("blockVotes", kBlocks, kThreads, program.up(in), out);
  const auto got = program.down<int>(out, kCount);
  for (unsigned i = 0; i < kCount; i++) {
    int count = 0;
    bool every = true, any = false;
    for (unsigned j = i / kThreads * kThreads; j < (i / kThreads + 1) * kThreads; j++) count += in[j] & 1, every &= in[j] >= 0, any |= in[j] == 17;
    CHECK_EQ(got[i], count * 4 + every * 2 + any);
  }
}

CORPUS_TEST("divergent loops, early exits, a barrier for the rest", "groups") {
  const std::vector<int> in = program.integers(kCount, 1, 5000);
  const unsigned n = kCount - 45;
  const auto out = program.up(std::vector<int>(kCount, -1));
  program.run("divergent", kBlocks, kThreads, program.up(in), out, static_cast<int>(n));
  const auto got = program.down<int>(out, kCount);
  std::vector<int> steps(kCount);
  for (unsigned i = 0; i < n; i++)
    for (unsigned v = static_cast<unsigned>(in[i]); v > 1; v = v & 1 ? 3 * v + 1 : v / 2)
      if (++steps[i] > 200) break;
  for (unsigned i = 0; i < kCount; i++) {
    int same = 0;
    for (unsigned j = i / kThreads * kThreads; j < std::min(n, (i / kThreads + 1) * kThreads); j++) same += steps[j] == steps[i];
    CHECK_EQ(got[i], i < n ? same : -1);
  }
}

TEST_MAIN
